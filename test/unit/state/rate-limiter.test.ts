/** Token buckets on a clock of the test's own. RFC 6585 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MemoryRateLimiter } from '../../../src/state/rate-limiter.ts';

function chargeTimes(limiter: MemoryRateLimiter, count: number, { key = 'a', nowMs = 0 } = {}): number {
  let passed = 0;
  for (let round = 0; round < count; round += 1) if (limiter.charge(key, nowMs) === 0) passed += 1;
  return passed;
}

describe('MemoryRateLimiter', () => {
  it('lets a burst pass, then tells how long to wait', () => {
    const limiter = new MemoryRateLimiter({ requestsPerSecond: 2, burst: 3 });
    assert.equal(chargeTimes(limiter, 3), 3);
    assert.equal(limiter.charge('a', 0), 500);
    assert.equal(limiter.charge('a', 250), 250);
    assert.equal(limiter.charge('a', 500), 0);
    assert.equal(limiter.charge('a', 500), 500);
  });

  it('refills up to the burst and not beyond', () => {
    const limiter = new MemoryRateLimiter({ requestsPerSecond: 10, burst: 5 });
    assert.equal(chargeTimes(limiter, 5), 5);
    assert.equal(chargeTimes(limiter, 10, { nowMs: 300 }), 3);
    assert.equal(chargeTimes(limiter, 10, { nowMs: 1_000_000 }), 5);
  });

  it('counts each key for itself', () => {
    const limiter = new MemoryRateLimiter({ requestsPerSecond: 1, burst: 1 });
    assert.equal(limiter.charge('a', 0), 0);
    assert.equal(limiter.charge('b', 0), 0);
    assert.notEqual(limiter.charge('a', 0), 0);
  });

  it('a refund gives back one request, and never more than the burst', () => {
    const limiter = new MemoryRateLimiter({ requestsPerSecond: 1, burst: 1 });
    limiter.charge('a', 0);
    limiter.refund('a');
    limiter.refund('a');
    assert.equal(chargeTimes(limiter, 5), 1);
    limiter.refund('never charged');
    assert.equal(chargeTimes(limiter, 5, { key: 'never charged' }), 1);
  });

  it('a refund finds its bucket although the generations have turned meanwhile', () => {
    const limiter = new MemoryRateLimiter({ requestsPerSecond: 0.1, burst: 2 });
    limiter.charge('other', 0);
    assert.equal(chargeTimes(limiter, 2, { nowMs: 19_999 }), 2);
    limiter.charge('other', 20_000);
    limiter.refund('a');
    assert.equal(limiter.charge('a', 20_000), 0);
  });

  it('an empty bucket is not filled by being forgotten', () => {
    const limiter = new MemoryRateLimiter({ requestsPerSecond: 1, burst: 10 });
    limiter.charge('other', 0);
    assert.equal(chargeTimes(limiter, 10, { nowMs: 9_999 }), 10);
    assert.equal(chargeTimes(limiter, 10, { nowMs: 10_000 }), 0);
    limiter.charge('other', 19_999);
    assert.equal(chargeTimes(limiter, 20, { nowMs: 20_000 }), 10);
  });

  it('a clock that stands still or steps back grants nothing', () => {
    const limiter = new MemoryRateLimiter({ requestsPerSecond: 1000, burst: 1 });
    limiter.charge('a', 1000);
    assert.notEqual(limiter.charge('a', 1000), 0);
    assert.notEqual(limiter.charge('a', 500), 0);
  });

  it('keys beyond the bound share one bucket, so that a flood of addresses costs no more memory', () => {
    const limiter = new MemoryRateLimiter({ requestsPerSecond: 0.001, burst: 1 });
    for (let key = 0; key < 100_000; key += 1) limiter.charge(String(key), 5_000_000);
    assert.equal(chargeTimes(limiter, 1, { key: 'x', nowMs: 5_000_000 }), 1);
    assert.equal(chargeTimes(limiter, 1, { key: 'y', nowMs: 5_000_000 }), 0);
    assert.notEqual(limiter.charge('0', 5_000_000), 0, 'known keys keep their own');
  });

  it('waiting as long as told is always enough', () => {
    const limits = fc.record({
      requestsPerSecond: fc.double({ min: 0.001, max: 100_000, noNaN: true }),
      burst: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(limits, fc.integer({ min: 0, max: 1e9 }), (limit, startMs) => {
        const limiter = new MemoryRateLimiter(limit);
        chargeTimes(limiter, limit.burst, { nowMs: startMs });
        const waitMs = limiter.charge('a', startMs);
        assert.ok(waitMs > 0);
        assert.equal(limiter.charge('a', startMs + waitMs), 0);
      }),
    );
  });

  it('never grants more than burst + rate × time, whatever the times', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        (pauses, requestsPerSecond, burst) => {
          const limiter = new MemoryRateLimiter({ requestsPerSecond, burst });
          let nowMs = 12_345;
          let granted = 0;
          for (const pause of pauses) {
            nowMs += pause;
            if (limiter.charge('a', nowMs) === 0) granted += 1;
          }
          assert.ok(granted <= burst + ((nowMs - 12_345) * requestsPerSecond) / 1000 + 1e-6);
        },
      ),
    );
  });
});
