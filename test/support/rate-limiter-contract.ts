/** What every rate limiter must do, wherever it counts. RFC 6585 §4. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { Limit, RateLimiter } from '../../src/state/rate-limiter.ts';

const START_MS = 12_345;

function chargeTimes(limiter: RateLimiter, count: number, { key = 'a', nowMs = 0 } = {}): number {
  let passed = 0;
  for (let round = 0; round < count; round += 1) if (limiter.charge(key, nowMs) === 0) passed += 1;
  return passed;
}

/** `create` makes a limiter that has counted nothing yet. */
export function itIsARateLimiter(create: (limit: Limit) => RateLimiter): void {
  itCounts(create);
  itRefunds(create);
  itLooks(create);
  itIsBounded(create);
  itKeepsItsWord(create);
}

function itCounts(create: (limit: Limit) => RateLimiter): void {
  it('lets a burst pass, then tells how long to wait', () => {
    const limiter = create({ requestsPerSecond: 2, burst: 3 });
    assert.equal(chargeTimes(limiter, 3), 3);
    assert.equal(limiter.charge('a', 0), 500);
    assert.equal(limiter.charge('a', 250), 250);
    assert.equal(limiter.charge('a', 500), 0);
    assert.equal(limiter.charge('a', 500), 500);
  });

  it('refills up to the burst and not beyond', () => {
    const limiter = create({ requestsPerSecond: 10, burst: 5 });
    assert.equal(chargeTimes(limiter, 5), 5);
    assert.equal(chargeTimes(limiter, 10, { nowMs: 300 }), 3);
    assert.equal(chargeTimes(limiter, 10, { nowMs: 1_000_000 }), 5);
  });

  it('counts each key for itself', () => {
    const limiter = create({ requestsPerSecond: 1, burst: 1 });
    assert.equal(limiter.charge('a', 0), 0);
    assert.equal(limiter.charge('b', 0), 0);
    assert.notEqual(limiter.charge('a', 0), 0);
  });

  it('an empty bucket is not filled by being forgotten', () => {
    const limiter = create({ requestsPerSecond: 1, burst: 10 });
    limiter.charge('other', 0);
    assert.equal(chargeTimes(limiter, 10, { nowMs: 9_999 }), 10);
    assert.equal(chargeTimes(limiter, 10, { nowMs: 10_000 }), 0);
    limiter.charge('other', 19_999);
    assert.equal(chargeTimes(limiter, 20, { nowMs: 20_000 }), 10);
  });

  it('a clock that stands still or steps back grants nothing, then or later', () => {
    const limiter = create({ requestsPerSecond: 1000, burst: 1 });
    limiter.charge('a', 1000);
    assert.notEqual(limiter.charge('a', 1000), 0);
    assert.notEqual(limiter.charge('a', 500), 0);
    assert.notEqual(limiter.charge('a', 1000), 0, 'the time between has been granted already');
  });
}

function itRefunds(create: (limit: Limit) => RateLimiter): void {
  it('a refund gives back one request, and never more than the burst', () => {
    const limiter = create({ requestsPerSecond: 1, burst: 1 });
    limiter.charge('a', 0);
    limiter.refund('a');
    limiter.refund('a');
    assert.equal(chargeTimes(limiter, 5), 1);
    limiter.refund('never charged');
    assert.equal(chargeTimes(limiter, 5, { key: 'never charged' }), 1);
  });

  it('a refund finds its bucket although others have been forgotten meanwhile', () => {
    const limiter = create({ requestsPerSecond: 0.1, burst: 2 });
    limiter.charge('other', 0);
    assert.equal(chargeTimes(limiter, 2, { nowMs: 19_999 }), 2);
    limiter.charge('other', 20_000);
    limiter.refund('a');
    assert.equal(limiter.charge('a', 20_000), 0);
  });
}

function itLooks(create: (limit: Limit) => RateLimiter): void {
  it('a look tells what a charge would, and takes nothing', () => {
    const steps = fc.array(
      fc.record({ key: fc.constantFrom('a', 'b'), pauseMs: fc.nat(2_000), isRefund: fc.boolean() }),
    );
    fc.assert(
      fc.property(steps, (all) => {
        const limiter = create({ requestsPerSecond: 2, burst: 3 });
        let nowMs = START_MS;
        for (const { key, pauseMs, isRefund } of all) {
          nowMs += pauseMs;
          if (isRefund) limiter.refund(key);
          const looks = [limiter.look(key, nowMs), limiter.look(key, nowMs)];
          const charged = limiter.charge(key, nowMs);
          assert.deepEqual(looks, [charged, charged]);
        }
      }),
      { numRuns: 50 },
    );
  });
}

function itIsBounded(create: (limit: Limit) => RateLimiter): void {
  it('keys beyond the bound share one bucket, so that a flood of addresses costs no more memory', () => {
    const limiter = create({ requestsPerSecond: 0.001, burst: 2 });
    const nowMs = 5_000_000;
    limiter.charge('known', nowMs);
    for (let key = 0; key < 1_000_000; key += 1) limiter.charge(String(key), nowMs);
    assert.notEqual(limiter.look('newcomer', nowMs), 0);
    assert.equal(chargeTimes(limiter, 3, { key: 'newcomer', nowMs }), 0, 'the flood has used it up');
    assert.equal(chargeTimes(limiter, 3, { key: 'another', nowMs }), 0);
    assert.equal(chargeTimes(limiter, 3, { key: 'known', nowMs }), 1, 'known keys keep their own');
    assert.equal(chargeTimes(limiter, 3, { key: 'newcomer', nowMs: 2 * nowMs }), 2, 'and all is well afterwards');
  });
}

function itKeepsItsWord(create: (limit: Limit) => RateLimiter): void {
  it('waiting as long as told is always enough', () => {
    const limits = fc.record({
      requestsPerSecond: fc.double({ min: 0.001, max: 100_000, noNaN: true }),
      burst: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(limits, fc.integer({ min: 0, max: 1e9 }), (limit, startMs) => {
        const limiter = create(limit);
        chargeTimes(limiter, limit.burst, { nowMs: startMs });
        const waitMs = limiter.charge('a', startMs);
        assert.ok(waitMs > 0);
        assert.equal(limiter.charge('a', startMs + waitMs), 0);
      }),
    );
  });

  it('never grants more than burst + rate × time, whatever the times', () => {
    const pauses = fc.array(fc.integer({ min: -1_000, max: 5_000 }), { maxLength: 200 });
    const limits = fc.record({
      requestsPerSecond: fc.integer({ min: 1, max: 5 }),
      burst: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(pauses, limits, (steps, limit) => {
        const limiter = create(limit);
        let nowMs = START_MS;
        let latestMs = START_MS;
        let granted = 0;
        for (const step of steps) {
          nowMs += step;
          latestMs = Math.max(latestMs, nowMs);
          if (limiter.charge('a', nowMs) === 0) granted += 1;
        }
        // The first charge may come before the start.
        const earliestMs = START_MS - 1_000;
        assert.ok(granted <= limit.burst + ((latestMs - earliestMs) * limit.requestsPerSecond) / 1000 + 1e-6);
      }),
    );
  });
}
