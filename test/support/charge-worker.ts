/** A thread that charges every key again and again to shared buckets, and tells how often each let it pass. */
import { parentPort, workerData } from 'node:worker_threads';
import { SharedRateLimiter } from '../../src/state/rate-limiter-shared.ts';

const { memory, gate, threads, keys, rounds } = workerData;
const limiter = new SharedRateLimiter(memory);
const arrivals = new Int32Array(gate);
const passed: number[] = keys.map(() => 0);

// All threads start together, so that their charges meet.
Atomics.add(arrivals, 0, 1);
while (Atomics.load(arrivals, 0) < threads);

for (let round = 0; round < rounds; round += 1) {
  for (let key = 0; key < keys.length; key += 1) {
    if (limiter.charge(keys[key], 1_000) === 0) passed[key] = (passed[key] ?? 0) + 1;
  }
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
parentPort?.postMessage(passed);
