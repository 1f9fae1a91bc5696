/** The rate limiter port, over both implementations; the shared one also with threads that charge at once. RFC 6585 §4. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { MemoryRateLimiter } from '../../src/state/rate-limiter.ts';
import { createRateLimitMemory, SharedRateLimiter } from '../../src/state/rate-limiter-shared.ts';
import { itIsARateLimiter } from '../support/rate-limiter-contract.ts';

const CHARGER = new URL('../support/charge-worker.ts', import.meta.url);
const THREADS = 2;

describe('the rate limiter of one thread', () => {
  itIsARateLimiter((limit) => new MemoryRateLimiter(limit));
});

describe('the rate limiter of several threads', () => {
  itIsARateLimiter((limit) => new SharedRateLimiter(createRateLimitMemory(limit)));

  it('lets exactly the burst of each key pass, whichever threads charge it at once', async (context) => {
    const burst = 200;
    const keys = Array.from({ length: 50 }, (_, key) => `key-${key}`);
    const memory = createRateLimitMemory({ requestsPerSecond: 1, burst });
    const gate = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const workers = Array.from(
      { length: THREADS },
      () => new Worker(CHARGER, { workerData: { memory, gate, threads: THREADS, keys, rounds: burst } }),
    );
    context.after(() => Promise.all(workers.map((worker) => worker.terminate())));
    const passed = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
    const total = keys.map((_, key) => passed.reduce((sum, counts) => sum + counts[key], 0));
    assert.deepEqual(
      total,
      keys.map(() => burst),
    );
  });
});
