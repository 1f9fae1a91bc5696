/** The parts of the bench that compute: a wrong one would print a wrong number. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expandCpuList } from '../../../bench/cpus.ts';
import { parseH2load } from '../../../bench/load/h2load.ts';
import { summarize } from '../../../bench/measurement.ts';
import { parseOptions } from '../../../bench/options.ts';
import { parseResidentBytes, parseStat } from '../../../bench/proc.ts';
import { SCENARIO_NAMES } from '../../../bench/scenarios/names.ts';
import { median, percentile, spread } from '../../../bench/statistics.ts';
import { formatResults, formatThresholds } from '../../../bench/table.ts';

describe('statistics', () => {
  it('percentile is the nearest rank, whatever the order', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)], [50, 99, 100]);
    assert.deepEqual([percentile([7], 0.5), percentile([], 0.5)], [7, Number.NaN]);
  });

  it('median is the middle, or the mean of the middle two', () => {
    assert.deepEqual([median([9, 1, 5]), median([4, 1, 3, 2]), median([])], [5, 2.5, Number.NaN]);
  });

  it('spread is that of the middle half, relative to the median', () =>
    assert.deepEqual([spread([1, 9, 10, 12, 99]), spread([5]), spread([])], [0.3, 0, 0]));
});

describe('proc(5)', () => {
  it('reads group and times behind a command that holds blanks and parentheses', () => {
    const line = '77 (a) S 9 (b) S 1 42 77 0 -1 4194304 1 2 3 4 150 25 10 5 20 0 12 0 999 1000 50';
    assert.deepEqual(parseStat(line), { group: 42, cpuSeconds: 1.9 });
  });

  it('reads resident memory, which a zombie has none of', () => {
    assert.equal(parseResidentBytes('Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t1\n'), 2_097_152);
    assert.equal(parseResidentBytes('Name:\tx\nState:\tZ (zombie)\n'), 0);
  });
});

describe('taskset', () => {
  it('a CPU list is ranges and single numbers', () => assert.deepEqual(expandCpuList('0-2,5,8-9'), [0, 1, 2, 5, 8, 9]));
});

describe('h2load', () => {
  const SUMMARY = `finished in 2.00s, 100.00 req/s, 1.00MB/s
requests: 200 total, 210 started, 200 done, 195 succeeded, 5 failed, 2 errored, 1 timeout
status codes: 195 2xx, 0 3xx, 3 4xx, 2 5xx
`;

  it('counts answers by status, and requests without one', () => {
    assert.deepEqual(parseH2load(SUMMARY, 2), { requests: 200, seconds: 2, refused: 5, broken: 3 });
  });

  it('throws at output that it does not know', () =>
    assert.throws(() => parseH2load('nothing', 2), /cannot read what h2load printed/));
});

describe('options', () => {
  it('keeps the order of the list, and runs all by default', () => {
    assert.deepEqual(parseOptions(['--only', 'tls', '--only', 'warm', '--rounds', '1']).only, ['warm', 'tls']);
    assert.deepEqual(parseOptions([]).only, SCENARIO_NAMES);
  });

  it('refuses what it does not know', () => {
    assert.throws(() => parseOptions(['--only', 'cold']), /no such scenario: cold/);
    assert.throws(() => parseOptions(['--seconds', '0.5']), /--seconds: expected a positive number, got "0.5"/);
  });
});

describe('table', () => {
  const rows = [
    summarize('warm', 'nginx, no authentication', [{ cpuMicros: 12 }, { cpuMicros: 18 }, { cpuMicros: 15 }]),
    summarize('warm', 'Obex, no access log', [{ cpuMicros: 20 }]),
    summarize('start', 'Obex', [{ idleMegabytes: 60 }]),
  ];

  it('shows medians, and ratios to the first line of the scenario', () => {
    assert.equal(
      formatResults(rows),
      `| scenario | contender                | CPU µs/request | RSS idle MB |
| -------- | ------------------------ | -------------- | ----------- |
| warm     | nginx, no authentication | 15             |             |
| warm     | Obex, no access log      | 20 (1.33×)     |             |
| start    | Obex                     |                | 60          |`,
    );
  });

  it('judges each threshold by what was measured', () => {
    const lines = formatThresholds(rows).split('\n');
    const cellsOf = (title: string): readonly string[] | undefined =>
      lines
        .find((line) => line.includes(title))
        ?.split('|')
        .slice(2, -1)
        .map((cell) => cell.trim());
    assert.deepEqual(cellsOf('capacity of nginx without'), ['0.75×', '≥ 0.6×', '≥ 0.75×', 'aim reached']);
    assert.deepEqual(cellsOf('idle memory'), ['60 MB', '≤ 70 MB', '≤ 55 MB', 'reached']);
    assert.deepEqual(cellsOf('TLS keep-alive'), ['not measured', '≥ 0.55×', '≥ 0.7×', '']);
  });
});
