/** Proofs remembered in shared memory: exact across threads, bounded in entries, time and work. RFC 9449 §11.1. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { type ClaimOutcome, ReplayCacheUnavailable } from '../../../src/state/replay-cache.ts';
import { createReplayMemory, MemoryReplayCache, type ReplayMemory } from '../../../src/state/replay-cache-memory.ts';
import { expiryOf, NOW_MS } from '../../support/replay-cache-contract.ts';

const WORKER = new URL('../../support/claim-worker.ts', import.meta.url);
const WINDOW_MS = 80_000;
/** An entry outlives its expiry by less than one slice. */
const SLICE_MS = 2_000;
const EXPIRES_AT_MS = expiryOf(NOW_MS);

function createCache(maxEntries: number): MemoryReplayCache {
  return new MemoryReplayCache(createReplayMemory(maxEntries));
}

interface ClaimsOrder {
  readonly keys: readonly string[];
  readonly expiresAtMs: number;
  readonly nowMs: number;
  /** How much later each claim is than the one before. */
  readonly stepMs: number;
}

/** Starts threads on one memory; each call of the result makes them all claim the same keys at once. */
async function startThreads(t: TestContext, memory: ReplayMemory, threads: number) {
  const gate = new SharedArrayBuffer(4);
  const workers = Array.from({ length: threads }, () => new Worker(WORKER, { workerData: { memory, gate, threads } }));
  t.after(() => Promise.all(workers.map((worker) => worker.terminate())));
  await Promise.all(workers.map((worker) => once(worker, 'online')));
  return (order: ClaimsOrder): Promise<readonly ClaimOutcome[][]> =>
    Promise.all(
      workers.map(async (worker) => {
        const answer = once(worker, 'message');
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
        worker.postMessage(order);
        return (await answer)[0];
      }),
    );
}

/** How many threads claimed each key. */
function countClaims(outcomes: readonly ClaimOutcome[][], keys: readonly string[]): readonly number[] {
  return keys.map((_, index) => outcomes.filter((thread) => thread[index] === 'claimed').length);
}

describe('RFC 9449 §11.1: one proof is accepted once, whichever thread it reaches', () => {
  it('of 1,000 claims of one key by 4 threads at once exactly one succeeds', async (t) => {
    const memory = createReplayMemory(1000);
    const claimAtOnce = await startThreads(t, memory, 4);
    for (let round = 0; round < 20; round += 1) {
      const keys = Array.from({ length: 250 }, () => `key ${round}`);
      const outcomes = await claimAtOnce({ keys, expiresAtMs: EXPIRES_AT_MS, nowMs: NOW_MS, stepMs: 0 });
      assert.deepEqual(
        outcomes.flat().toSorted().slice(0, 2),
        ['claimed', 'replayed'],
        `${outcomes.flat().filter((outcome) => outcome === 'claimed').length} claimed`,
      );
    }
    assert.equal(new MemoryReplayCache(memory).countEntries(NOW_MS), 20);
  });

  it('4 threads that claim the same 20,000 keys claim each of them once between them', async (t) => {
    const memory = createReplayMemory(20_000);
    const claimAtOnce = await startThreads(t, memory, 4);
    const keys = Array.from({ length: 20_000 }, (_, n) => `key ${n}`);
    const outcomes = await claimAtOnce({ keys, expiresAtMs: EXPIRES_AT_MS, nowMs: NOW_MS, stepMs: 0 });
    assert.deepEqual(
      countClaims(outcomes, keys).filter((count) => count !== 1),
      [],
    );
    assert.equal(new MemoryReplayCache(memory).countEntries(NOW_MS), 20_000);
  });

  it('no key is claimed twice while slices turn and free the slots of a full table', async (t) => {
    const memory = createReplayMemory(4000);
    const claimAtOnce = await startThreads(t, memory, 4);
    const older = new MemoryReplayCache(memory);
    // One entry less in each slice that goes by while the threads claim, in the buckets that they claim in.
    for (let n = 0; n < 4000; n += 1) older.claim(`older ${n}`, NOW_MS + 1 + (n % 30) * SLICE_MS, NOW_MS);
    const keys = Array.from({ length: 3000 }, (_, n) => `key ${n}`);
    const stepMs = WINDOW_MS / 2 / keys.length;
    const outcomes = await claimAtOnce({ keys, expiresAtMs: EXPIRES_AT_MS + 5_000, nowMs: NOW_MS, stepMs });
    assert.deepEqual(
      countClaims(outcomes, keys).filter((count) => count > 1),
      [],
    );
  });
});

describe('a slice that turns between the look at a slot and its taking', () => {
  /** Runs `meanwhile` once, just before a claim takes its slot: what another thread might do at that moment. */
  function beforeTaking(t: TestContext, meanwhile: () => void): void {
    const { compareExchange } = Atomics;
    let due = true;
    Reflect.set(Atomics, 'compareExchange', (...words: Parameters<typeof compareExchange>) => {
      if (due && words[0] instanceof BigInt64Array) {
        due = false;
        meanwhile();
      }
      return compareExchange(...words);
    });
    t.after(() => Reflect.set(Atomics, 'compareExchange', compareExchange));
  }

  it('lets of two threads that claim one key only the other one succeed', (t) => {
    const memory = createReplayMemory(4000);
    const [cache, other] = [new MemoryReplayCache(memory), new MemoryReplayCache(memory)];
    // About half of every bucket holds entries that this thread sees alive, and the other, which is later, does not.
    for (let n = 0; n < 2000; n += 1) cache.claim(`older ${n}`, NOW_MS, NOW_MS);
    const outcomes: ClaimOutcome[] = [];
    beforeTaking(t, () => outcomes.push(other.claim('key', EXPIRES_AT_MS, NOW_MS + SLICE_MS)));
    outcomes.push(cache.claim('key', EXPIRES_AT_MS, NOW_MS));
    assert.deepEqual(outcomes, ['claimed', 'replayed']);
  });

  it('does not refuse the only one that claims a key', (t) => {
    const memory = createReplayMemory(4000);
    const [cache, other] = [new MemoryReplayCache(memory), new MemoryReplayCache(memory)];
    beforeTaking(t, () => other.countEntries(NOW_MS + SLICE_MS));
    assert.equal(cache.claim('key', EXPIRES_AT_MS, NOW_MS), 'claimed');
    assert.equal(other.claim('key', EXPIRES_AT_MS, NOW_MS), 'replayed');
  });
});

describe('against a naive model', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 40 }),
    iatMs: fc.integer({ min: -60_000, max: 10_000 }),
    elapsedMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4_000 }), fc.integer({ min: 0, max: 200_000 })),
  });

  it('never claims a key that lives, always one that has been gone for a slice, and counts what lives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.array(step, { maxLength: 200 }), (maxEntries, steps) => {
        const cache = createCache(maxEntries);
        /** Key → when it expires. */
        const model = new Map<number, number>();
        let nowMs = NOW_MS;
        for (const { key, iatMs, elapsedMs } of steps) {
          nowMs += elapsedMs;
          const expiresAtMs = expiryOf(nowMs + iatMs);
          const lives = [...model.values()].filter((expiry) => expiry > nowMs).length;
          const lingers = [...model.values()].filter((expiry) => expiry > nowMs - SLICE_MS).length;
          const expiry = model.get(key) ?? 0;
          const outcome = cache.claim(String(key), expiresAtMs, nowMs);
          if (expiry > nowMs) assert.equal(outcome, 'replayed');
          else if (expiry <= nowMs - SLICE_MS && lingers < maxEntries) assert.equal(outcome, 'claimed');
          if (lives >= maxEntries) assert.notEqual(outcome, 'claimed');
          if (outcome === 'claimed') model.set(key, expiresAtMs);
          assert.ok(cache.countEntries(nowMs) >= [...model.values()].filter((expiry) => expiry > nowMs).length);
          assert.ok(cache.countEntries(nowMs) <= maxEntries);
        }
      }),
      { seed: 20_261_123, numRuns: 300 },
    );
  });
});

describe('a full cache', () => {
  const MAX_ENTRIES = 50_000;

  /** The most shared words that any one claim read: what it costs, whatever the machine. */
  function mostLoads(t: TestContext, claims: Iterable<() => unknown>): number {
    const { load } = Atomics;
    let loads = 0;
    Reflect.set(Atomics, 'load', (...words: Parameters<typeof load>) => {
      loads += 1;
      return load(...words);
    });
    t.after(() => Reflect.set(Atomics, 'load', load));
    let most = 0;
    for (const claim of claims) {
      loads = 0;
      claim();
      most = Math.max(most, loads);
    }
    return most;
  }

  it('takes exactly max_entries, then says full, and still knows every one', () => {
    const cache = createCache(MAX_ENTRIES);
    for (let n = 0; n < MAX_ENTRIES; n += 1) {
      assert.equal(cache.claim(`key ${n}`, EXPIRES_AT_MS - (n % 60_000), NOW_MS), 'claimed', String(n));
    }
    assert.equal(cache.countEntries(NOW_MS), MAX_ENTRIES);
    assert.equal(cache.claim('one more', EXPIRES_AT_MS, NOW_MS), 'full');
    for (let n = 0; n < MAX_ENTRIES; n += 1) {
      assert.equal(cache.claim(`key ${n}`, EXPIRES_AT_MS, NOW_MS), 'replayed', String(n));
    }
  });

  it('has room again as entries expire, as often as one likes', () => {
    const cache = createCache(MAX_ENTRIES);
    for (let round = 0; round < 6; round += 1) {
      const nowMs = NOW_MS + round * (WINDOW_MS + SLICE_MS);
      assert.equal(cache.countEntries(nowMs), 0);
      for (let n = 0; n < MAX_ENTRIES; n += 1) {
        assert.equal(cache.claim(`key ${n}`, expiryOf(nowMs) - (n % 50_000), nowMs), 'claimed', `${round} ${n}`);
      }
    }
  });

  it('costs a claim no more than a bucket of 16 slots in each of its few levels', (t) => {
    const cache = createCache(MAX_ENTRIES);
    const claimMany = function* (count: number, name: string) {
      for (let n = 0; n < count; n += 1) yield () => cache.claim(`${name} ${n}`, EXPIRES_AT_MS, NOW_MS);
    };
    const levels = Math.log2(1 + createReplayMemory(MAX_ENTRIES).slots.byteLength / 8 / 4096);
    const bound = levels * 16 + 10;
    assert.ok(mostLoads(t, claimMany(1000, 'first')) <= 16 + 10);
    assert.ok(mostLoads(t, claimMany(MAX_ENTRIES - 1000, 'filling')) <= bound);
    assert.ok(mostLoads(t, claimMany(1000, 'beyond')) <= bound);
    assert.equal(cache.claim('beyond', EXPIRES_AT_MS, NOW_MS), 'full');
  });

  it('fits a million entries into 17 MB, whatever their expiry', () => {
    const { slots } = createReplayMemory(1_000_000);
    assert.ok(slots.byteLength <= 17e6, String(slots.byteLength));
  });
});

describe('a clock that goes back', () => {
  it('by less than a proof may be old changes nothing', () => {
    const cache = createCache(10);
    assert.equal(cache.claim('a', EXPIRES_AT_MS, NOW_MS), 'claimed');
    assert.equal(cache.claim('b', expiryOf(NOW_MS - 30_000), NOW_MS - 30_000), 'claimed');
    assert.equal(cache.claim('a', EXPIRES_AT_MS, NOW_MS - 30_000), 'replayed');
  });

  it('by more makes claims fail: what was let go of could be used again', () => {
    const cache = createCache(10);
    assert.equal(cache.claim('a', EXPIRES_AT_MS, NOW_MS), 'claimed');
    assert.equal(cache.countEntries(NOW_MS + 3_600_000), 0);
    assert.throws(() => cache.claim('a', EXPIRES_AT_MS, NOW_MS), ReplayCacheUnavailable);
  });

  it('refuses a claim for longer than it can remember, which is a bug', () => {
    assert.throws(() => createCache(10).claim('a', NOW_MS + 3 * 3_600_000, NOW_MS), RangeError);
  });
});
