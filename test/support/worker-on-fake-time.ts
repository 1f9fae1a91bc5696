/** A worker thread of Obex whose clock is that of the test. */
import { getEnvironmentData, isMainThread } from 'node:worker_threads';
import { runWorker } from '../../src/workers/worker.ts';
import { FakeClock } from './fake-clock.ts';

/** Under what name a thread finds the memory of its clock. */
export const CLOCK_MEMORY = 'obex-test-clock';

if (!isMainThread) {
  const memory = getEnvironmentData(CLOCK_MEMORY);
  if (!(memory instanceof SharedArrayBuffer)) throw new Error('a worker of a test has been given no clock');
  runWorker(new FakeClock(memory));
}
