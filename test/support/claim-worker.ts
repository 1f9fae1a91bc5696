/** A thread that claims from shared replay memory: each message brings keys, the answer is how each claim ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { TimedReplayCache } from './timed-replay-cache.ts';

const { memory, gate, threads } = workerData;
const cache = new TimedReplayCache(memory);
const arrivals = new Int32Array(gate);

/** All threads leave together, so that their claims meet. */
function meet(): void {
  const round = Math.floor(Atomics.add(arrivals, 0, 1) / threads) + 1;
  while (Atomics.load(arrivals, 0) < round * threads);
}

parentPort?.on('message', ({ keys, expiresAtMs, nowMs, stepMs, jump }) => {
  meet();
  const outcomes = keys.map((key: string, index: number) => {
    if (jump?.at === index) cache.jump(jump.byMs);
    const jumpedMs = jump?.at <= index ? jump.byMs : 0;
    return cache.claim(key, expiresAtMs, nowMs + index * stepMs + jumpedMs);
  });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort?.postMessage(outcomes);
});
