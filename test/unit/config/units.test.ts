/** Durations and sizes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../../src/config/units.ts';

describe('durations', () => {
  const written: Readonly<Record<string, number>> = {
    '10s': 10_000,
    '1m30s': 90_000,
    '250ms': 250,
    '24h': 86_400_000,
    '30d': 2_592_000_000,
    '1d12h': 129_600_000,
    '0s': 0,
    '1h1m1s1ms': 3_661_001,
  };
  for (const [text, ms] of Object.entries(written)) {
    it(`reads ${text}`, () => assert.equal(parseDuration(text), ms));
  }
  for (const text of [
    '',
    '10',
    'ten',
    '10 s',
    '-1s',
    '1.5s',
    '1s1m',
    '1s1s',
    '10S',
    '1.5d',
    '1h1d',
    '1w',
    ' 1s',
    '1s\n',
    '9999999999999h',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), undefined));
  }
  it('formats what it reads back', () => {
    fc.assert(fc.property(fc.nat({ max: 2 ** 40 }), (ms) => parseDuration(formatDuration(ms)) === ms));
    assert.deepEqual([0, 90_000, 120_000, 1001, 90_000_000].map(formatDuration), [
      '0s',
      '1m30s',
      '2m',
      '1s1ms',
      '1d1h',
    ]);
  });
});

describe('sizes', () => {
  const written: Readonly<Record<string, number>> = {
    '4MB': 4_000_000,
    '4MiB': 4_194_304,
    '16KiB': 16_384,
    '1kB': 1000,
    '1KB': 1000,
    '2GB': 2e9,
    '1GiB': 2 ** 30,
    '5B': 5,
  };
  for (const [text, bytes] of Object.entries(written)) {
    it(`reads ${text}`, () => assert.equal(parseSize(text), bytes));
  }
  for (const text of ['', '4', '4 MB', '4mb', '4Mb', '1.5MB', '-1B', 'MB', '4MB\n', '99999999999GiB']) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseSize(text), undefined));
  }
  it('formats what it reads back', () => {
    fc.assert(fc.property(fc.nat({ max: 2 ** 40 }), (bytes) => parseSize(formatSize(bytes)) === bytes));
    assert.deepEqual([0, 4_000_000, 4_194_304, 16_384].map(formatSize), ['0B', '4MB', '4MiB', '16KiB']);
  });
});
