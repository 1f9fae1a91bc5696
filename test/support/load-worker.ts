/** A thread that begins and ends requests of one key, and tells the highest number that all threads had at once. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Load } from '../../src/lib/loads.ts';
import { SharedLoads } from '../../src/state/loads-shared.ts';

const { memory, gate, present, threads, most, rounds } = workerData;
const loads = new SharedLoads(memory);
const arrivals = new Int32Array(gate);
const count = new Int32Array(present);
const held: Load[] = [];
let highest = 0;

// All threads start together, so that their counts meet.
Atomics.add(arrivals, 0, 1);
while (Atomics.load(arrivals, 0) < threads);

function endAll(): void {
  Atomics.sub(count, 0, held.length);
  for (const load of held.splice(0)) {
    load.removeStream();
    load.end();
  }
}

for (let round = 0; round < rounds; round += 1) {
  const load = loads.begin('a', most);
  if (load === undefined) {
    endAll();
    continue;
  }
  load.addStream(most);
  held.push(load);
  highest = Math.max(highest, Atomics.add(count, 0, 1) + 1);
}
endAll();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
parentPort?.postMessage(highest);
