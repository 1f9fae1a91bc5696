/** How often the same refusal may come, and what a flood of others does to the count. RFC 6585 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createRefusalMemory, RefusalCounts } from '../../../src/state/refusal-counts.ts';

const MOST = 30;
const WINDOW_MS = 60_000;
/** The monotonic clock begins with the process. */
const START_MS = 0;

function createCounts(sets?: number): RefusalCounts {
  return new RefusalCounts(createRefusalMemory(sets));
}

/** How many of so many refusals are answered as they are. */
function countTimes(counts: RefusalCounts, count: number, { key = 'a', nowMs = START_MS } = {}): number {
  let answered = 0;
  for (let round = 0; round < count; round += 1) if (counts.count(key, nowMs).waitMs === 0) answered += 1;
  return answered;
}

describe('refusals within a minute', () => {
  it('thirty, then a wait until the first of them is a minute old', () => {
    const counts = createCounts();
    assert.equal(countTimes(counts, MOST), MOST);
    assert.deepEqual(counts.count('a', 1_000), { waitMs: 59_000, toTell: 31 });
    assert.deepEqual(counts.count('a', 2_000), { waitMs: 58_000, toTell: 0 });
    assert.deepEqual(counts.count('b', 2_000), { waitMs: 0, toTell: 0 });
    assert.equal(countTimes(counts, MOST + 1, { nowMs: WINDOW_MS }), MOST);
  });

  it('never more than thirty in any minute, and whoever waits as long as told is answered', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 100, maxLength: 300 }), (pauses) => {
        const counts = createCounts(1);
        const answered: number[] = [];
        let nowMs = START_MS;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          const { waitMs } = counts.count('a', nowMs);
          if (waitMs === 0) answered.push(nowMs);
          else if (pauseMs < 100) {
            nowMs += waitMs;
            assert.equal(counts.count('a', nowMs).waitMs, 0);
            answered.push(nowMs);
          }
        }
        for (const [index, thirtyBefore] of answered.entries()) {
          const later = answered[index + MOST];
          if (later !== undefined) assert.ok(later - thirtyBefore >= WINDOW_MS);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('a loop is told of once a minute, with its refusals since; one that is over begins anew', () => {
    const counts = createCounts();
    const told: number[] = [];
    for (let nowMs = 0; nowMs < 3 * WINDOW_MS; nowMs += 1_000) {
      const { toTell } = counts.count('a', nowMs);
      if (toTell > 0) told.push(toTell);
    }
    assert.deepEqual(told, [31, 60, 60]);
    const laterMs = 5 * WINDOW_MS;
    assert.equal(countTimes(counts, MOST, { nowMs: laterMs }), MOST);
    assert.equal(counts.count('a', laterMs).toTell, 31);
  });
});

describe('a flood of other names', () => {
  it('takes no more memory, whatever it brings', () => {
    const { sets, cells } = createRefusalMemory();
    const bytes = sets.locks.byteLength + sets.fingerprints.byteLength + cells.byteLength;
    assert.ok(bytes < 2_400_000, `${bytes} bytes`);
  });

  it('does not push out who is refused again and again, not even one that has just begun', () => {
    const counts = createCounts(1);
    let made = 0;
    for (let round = 0; round < MOST; round += 1) {
      assert.equal(counts.count('real', round).waitMs, 0);
      for (let flood = 0; flood < 10; flood += 1) counts.count(`made-up-${(made += 1)}`, round);
    }
    assert.notEqual(counts.count('real', MOST).waitMs, 0);
    for (let flood = 0; flood < 10_000; flood += 1) counts.count(`made-up-${(made += 1)}`, MOST);
    assert.notEqual(counts.count('real', MOST + 1).waitMs, 0);
  });

  it('leaves nothing behind for who comes after it', () => {
    const counts = createCounts(1);
    for (let key = 0; key < 16; key += 1) countTimes(counts, MOST + 1, { key: `loop-${key}` });
    assert.equal(countTimes(counts, MOST + 1, { key: 'newcomer', nowMs: 1 }), MOST);
  });
});
