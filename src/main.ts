/** Where the program begins, in the main thread and in a worker: signals first, all that takes time to load after them. */
import { isMainThread } from 'node:worker_threads';
import { catchSignals } from './signals.ts';

if (isMainThread) {
  const signals = catchSignals();
  await (await import('./command-line.ts')).runCommandLine({ entry: import.meta.url, signals });
} else (await import('./workers/worker.ts')).runWorker();
