/** Prometheus text format 0.0.4: escaping, histograms, and a page that its own grammar accepts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DENIAL_REASONS } from '../../../src/oauth/denial.ts';
import { Cells } from '../../../src/observe/cells.ts';
import { formatFamily, Histogram } from '../../../src/observe/exposition.ts';
import { counter, gauge, Metrics } from '../../../src/observe/metrics.ts';
import { processMetrics } from '../../../src/observe/process-metrics.ts';
import { parseExposition } from '../../support/exposition.ts';

describe('formatFamily', () => {
  it('writes help, type and samples', () => {
    const family = counter('x_total', 'What it counts.', () => [
      { labels: { a: '1', b: '2' }, value: 3 },
      { value: 1e21 },
    ]);
    assert.equal(
      formatFamily(family),
      '# HELP x_total What it counts.\n# TYPE x_total counter\nx_total{a="1",b="2"} 3\nx_total 1e+21\n',
    );
  });

  it('escapes label values so that any text comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const [family] = parseExposition(formatFamily(gauge('x', 'Help.', () => [{ labels: { l: value }, value: 1 }])));
        assert.deepEqual(family?.samples, [{ name: 'x', labels: { l: value }, value: 1 }]);
      }),
    );
  });
});

describe('Histogram', () => {
  it('is cumulative, bounds included, with sum and count', () => {
    const histogram = new Histogram('h_seconds', 'Help.', { bounds: [0.1, 1], cells: new Cells(new Float64Array(4)) });
    for (const seconds of [0.05, 0.1, 0.5, 5]) histogram.observe(seconds);
    const [family] = parseExposition(histogram.format());
    assert.deepEqual(
      family?.samples.map(({ name, labels, value }) => [name, labels['le'], value]),
      [
        ['h_seconds_bucket', '0.1', 2],
        ['h_seconds_bucket', '1', 3],
        ['h_seconds_bucket', '+Inf', 4],
        ['h_seconds_sum', undefined, 5.65],
        ['h_seconds_count', undefined, 4],
      ],
    );
  });
});

describe('Metrics', () => {
  it('is a page of unique families whose counters end in _total', () => {
    const metrics = new Metrics();
    metrics.register(...processMetrics('1.2.3', () => 2));
    metrics.began();
    metrics.responded(200, 0.01);
    metrics.responded(99_999, 0.01);
    metrics.denied('no_token');
    metrics.ended('aborted');
    const families = parseExposition(metrics.format());
    assert.ok(families.length >= 10);
    const denials = families.find(({ name }) => name === 'obex_denials_total');
    assert.deepEqual(
      denials?.samples.map(({ labels }) => labels['reason']),
      DENIAL_REASONS,
      'every reason is there from the start',
    );
    const codes = families.find(({ name }) => name === 'obex_requests_total')?.samples;
    assert.deepEqual(codes, [{ name: 'obex_requests_total', labels: { code: '200' }, value: 1 }], 'a closed set');
    const head = families.find(({ name }) => name === 'obex_response_head_seconds')?.samples.at(-1);
    assert.equal(head?.value, 2);
    for (const { help } of families) assert.match(help, /\.$/);
  });
});
