/** Proofs remembered in shared memory: exact across threads, bounded in entries, time and work. RFC 9449 §11.1. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { type ClaimOutcome, ReplayCacheUnavailable } from '../../../src/state/replay-cache.ts';
import { createReplayMemory, type ReplayMemory } from '../../../src/state/replay-cache-memory.ts';
import { parseObject } from '../../support/json.ts';
import { expiryOf, NOW_MS } from '../../support/replay-cache-contract.ts';
import { TimedReplayCache } from '../../support/timed-replay-cache.ts';

const WORKER = new URL('../../support/claim-worker.ts', import.meta.url);
const WINDOW_MS = 80_000;
const SLICE_MS = 2_000;
/** An entry outlives its expiry by less than two slices, which is for small corrections of the clock, and the rest of its last. */
const LINGERS_MS = 3 * SLICE_MS;
const EXPIRES_AT_MS = expiryOf(NOW_MS);
const WENT_BACK = 'the clock has gone back: the proof may have been used before';

function createCache(maxEntries: number): TimedReplayCache {
  return new TimedReplayCache(createReplayMemory(maxEntries));
}

interface ClaimsOrder {
  readonly keys: readonly string[];
  readonly expiresAtMs: number;
  readonly nowMs: number;
  /** How much later each claim is than the one before. */
  readonly stepMs: number;
  /** Before which claim the wall clock jumps. */
  readonly jump?: { readonly at: number; readonly byMs: number };
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

/** Runs `meanwhile` once, just before a claim exchanges one of these words: what another thread might do at that moment. */
function beforeExchange(t: TestContext, isMeant: (words: object) => boolean, meanwhile: () => void): void {
  const { compareExchange } = Atomics;
  let due = true;
  Reflect.set(Atomics, 'compareExchange', (...words: Parameters<typeof compareExchange>) => {
    if (due && isMeant(words[0])) {
      due = false;
      meanwhile();
    }
    return compareExchange(...words);
  });
  t.after(() => Reflect.set(Atomics, 'compareExchange', compareExchange));
}

const isSlot = (words: object): boolean => words instanceof BigInt64Array;

/** The outcome of a claim, or the message of `ReplayCacheUnavailable`. */
function claimOrRefusal(cache: TimedReplayCache, key: string, expiresAtMs: number): string {
  try {
    return cache.claim(key, expiresAtMs);
  } catch (error) {
    if (error instanceof ReplayCacheUnavailable) return error.message;
    throw error;
  }
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
    assert.equal(new TimedReplayCache(memory).countEntries(NOW_MS), 20);
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
    assert.equal(new TimedReplayCache(memory).countEntries(NOW_MS), 20_000);
  });

  it('no key is claimed twice while slices turn and free the slots of a full table', async (t) => {
    const memory = createReplayMemory(4000);
    const claimAtOnce = await startThreads(t, memory, 4);
    const older = new TimedReplayCache(memory);
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
  it('lets of two threads that claim one key only the other one succeed', (t) => {
    const memory = createReplayMemory(4000);
    const [cache, other] = [new TimedReplayCache(memory), new TimedReplayCache(memory)];
    // About half of every bucket holds entries that this thread sees alive, and the other, which is later, does not.
    for (let n = 0; n < 2000; n += 1) cache.claim(`older ${n}`, NOW_MS, NOW_MS);
    const outcomes: ClaimOutcome[] = [];
    beforeExchange(t, isSlot, () => outcomes.push(other.claim('key', EXPIRES_AT_MS, NOW_MS + SLICE_MS)));
    outcomes.push(cache.claim('key', EXPIRES_AT_MS, NOW_MS));
    assert.deepEqual(outcomes, ['claimed', 'replayed']);
  });

  it('does not refuse the only one that claims a key', (t) => {
    const memory = createReplayMemory(4000);
    const [cache, other] = [new TimedReplayCache(memory), new TimedReplayCache(memory)];
    beforeExchange(t, isSlot, () => other.countEntries(NOW_MS + SLICE_MS));
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

  it('never claims a key that lives, always one that has been gone for a while, and counts what lives', () => {
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
          const lingers = [...model.values()].filter((expiry) => expiry > nowMs - LINGERS_MS).length;
          const expiry = model.get(key) ?? 0;
          const outcome = cache.claim(String(key), expiresAtMs, nowMs);
          if (expiry > nowMs) assert.equal(outcome, 'replayed');
          else if (expiry <= nowMs - LINGERS_MS && lingers < maxEntries) assert.equal(outcome, 'claimed');
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
      const nowMs = NOW_MS + round * (WINDOW_MS + LINGERS_MS);
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

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('a wall clock that jumps', () => {
  const claimNew = (cache: TimedReplayCache): string => cache.claim(randomUUID(), expiryOf(cache.nowMs));

  it('by less than a proof may be old changes nothing', () => {
    const cache = createCache(10);
    assert.equal(cache.claim('a', EXPIRES_AT_MS), 'claimed');
    cache.jump(-30_000);
    assert.equal(claimNew(cache), 'claimed');
    assert.equal(cache.claim('a', EXPIRES_AT_MS), 'replayed');
    cache.jump(30_000);
    assert.equal(claimNew(cache), 'claimed');
    assert.equal(cache.claim('a', EXPIRES_AT_MS), 'replayed');
    cache.probe();
  });

  it('by less than two seconds does not shorten the memory', () => {
    const cache = createCache(10);
    // The last millisecond of a slice.
    const expiresAtMs = EXPIRES_AT_MS + SLICE_MS - 1;
    cache.advance(expiresAtMs - NOW_MS);
    assert.equal(cache.claim('a', expiresAtMs), 'claimed');
    cache.jump(1 - SLICE_MS);
    cache.advance(SLICE_MS - 1);
    assert.equal(cache.claim('a', expiresAtMs), 'replayed');
  });

  for (const [name, ms] of Object.entries({ 'a second': 1_000, 'an hour': HOUR_MS, 'ten days': 10 * DAY_MS })) {
    it(`${name} ahead and right again: claims go on, where they failed until the clock had caught up`, () => {
      const cache = createCache(10);
      assert.equal(claimNew(cache), 'claimed');
      cache.jump(ms);
      assert.equal(claimNew(cache), 'claimed');
      cache.countEntries();
      cache.jump(-ms);
      cache.probe();
      assert.equal(claimNew(cache), 'claimed');
    });

    it(`${name} back: claims go on, and what was used passes neither at once nor when its time comes again`, () => {
      const cache = createCache(10);
      assert.equal(cache.claim('a', EXPIRES_AT_MS), 'claimed');
      cache.jump(-ms);
      assert.equal(claimNew(cache), 'claimed');
      cache.advance(ms);
      const outcome = claimOrRefusal(cache, 'a', EXPIRES_AT_MS);
      assert.equal(outcome, ms < 70_000 ? 'replayed' : WENT_BACK);
      cache.advance(WINDOW_MS + SLICE_MS);
      assert.equal(claimNew(cache), 'claimed');
    });
  }

  it('back over a time in which proofs were used: no proof passes until the clock has passed the last of them', () => {
    const events: Record<string, unknown>[] = [];
    const log = { write: (line: string): void => void events.push(parseObject(line)) };
    const cache = new TimedReplayCache(createReplayMemory(1000), log);
    for (let n = 0; n < 60; n += 1, cache.advance(60_000)) assert.equal(claimNew(cache), 'claimed');
    const lastUsedMs = cache.nowMs - 60_000;
    cache.jump(-HOUR_MS / 2);
    assert.throws(() => cache.probe(), ReplayCacheUnavailable);
    assert.equal(claimOrRefusal(cache, 'a', expiryOf(cache.nowMs)), WENT_BACK);
    assert.equal(claimOrRefusal(cache, 'b', expiryOf(cache.nowMs)), WENT_BACK);
    const [jumped, unsettled, ...others] = events;
    assert.deepEqual([jumped?.['event'], jumped?.['by_seconds'], others], ['clock_jumped', -1800, []]);
    assert.equal(unsettled?.['event'], 'replay_cache_unsettled');
    const untilMs = Date.parse(String(unsettled['until']));
    assert.ok(untilMs > lastUsedMs && untilMs <= lastUsedMs + SLICE_MS, String(untilMs - lastUsedMs));
    cache.advance(untilMs - cache.nowMs - 1);
    assert.equal(claimOrRefusal(cache, 'c', expiryOf(cache.nowMs)), WENT_BACK);
    cache.advance(1);
    cache.probe();
    assert.equal(claimNew(cache), 'claimed');
  });

  it('whatever it does, no proof is claimed twice, and what is refused is a proof that may have been used', () => {
    const step = fc.record({
      jumpMs: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: -200_000, max: 200_000 })),
      elapsedMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 200_000 })),
      iatMs: fc.integer({ min: -70_000, max: 10_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = createCache(1000);
        const used = new Map<string, number>();
        for (const { jumpMs, elapsedMs, iatMs } of steps) {
          cache.jump(jumpMs);
          cache.advance(elapsedMs);
          // Every proof that was used and that the gate would let through by its iat.
          for (const [key, expiresAtMs] of used) {
            const leftMs = expiresAtMs - cache.nowMs;
            if (leftMs < 0 || leftMs > WINDOW_MS) continue;
            assert.notEqual(claimOrRefusal(cache, key, expiresAtMs), 'claimed');
          }
          const key = randomUUID();
          const expiresAtMs = expiryOf(cache.nowMs + iatMs);
          const outcome = claimOrRefusal(cache, key, expiresAtMs);
          if (outcome === 'claimed') used.set(key, expiresAtMs);
          else assert.ok(Math.max(...used.values()) + SLICE_MS > expiresAtMs, outcome);
        }
      }),
      { seed: 20_261_130, numRuns: 500 },
    );
  });

  it('by a hundred different distances is still known of: eras that are no longer told apart are refused together', () => {
    const cache = createCache(1000);
    const used: [key: string, expiresAtMs: number][] = [];
    for (let n = 0; n < 100; n += 1) {
      const byMs = (n * 7919 * 1_000) % DAY_MS;
      cache.jump(byMs);
      const key = randomUUID();
      used.push([key, expiryOf(cache.nowMs)]);
      if (claimOrRefusal(cache, key, expiryOf(cache.nowMs)) !== 'claimed') used.pop();
      cache.jump(-byMs);
      cache.advance(1_000);
    }
    assert.ok(used.length > 16, String(used.length));
    for (const [key, expiresAtMs] of used.toSorted(([, one], [, other]) => one - other)) {
      cache.advance(Math.max(0, expiresAtMs - 10_000 - cache.nowMs));
      assert.notEqual(claimOrRefusal(cache, key, expiresAtMs), 'claimed');
    }
    cache.advance(WINDOW_MS);
    assert.equal(claimNew(cache), 'claimed');
  });

  it('while a claim is being made: it is made again under the new distance, or its use would be forgotten too early', (t) => {
    const memory = createReplayMemory(10);
    const [cache, other] = [new TimedReplayCache(memory), new TimedReplayCache(memory)];
    cache.probe();
    const isEra = (words: object): boolean => words instanceof Int32Array && words.buffer === memory.eras;
    beforeExchange(t, isEra, () => {
      other.jump(-HOUR_MS);
      other.probe();
    });
    assert.equal(cache.claim('a', EXPIRES_AT_MS), 'claimed');
    other.advance(HOUR_MS);
    assert.equal(claimOrRefusal(other, 'a', EXPIRES_AT_MS), WENT_BACK);
  });

  it('in one thread before the others: no key is claimed twice', async (t) => {
    const memory = createReplayMemory(20_000);
    const claimAtOnce = await startThreads(t, memory, 4);
    const keys = Array.from({ length: 10_000 }, (_, n) => `key ${n}`);
    const jump = { at: 5_000, byMs: -20_000 };
    const outcomes = await claimAtOnce({ keys, expiresAtMs: EXPIRES_AT_MS, nowMs: NOW_MS, stepMs: 0, jump });
    assert.deepEqual(
      countClaims(outcomes, keys).filter((count) => count !== 1),
      [],
    );
  });

  it('refuses a claim for longer than it can remember, which is a bug', () => {
    assert.throws(() => createCache(10).claim('a', NOW_MS + 3 * HOUR_MS, NOW_MS), RangeError);
  });
});
