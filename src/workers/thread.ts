/** A thread that runs the program from its beginning; `main.ts` knows that in a thread it is a worker. */
import { getAsset, isSea } from 'node:sea';
import { Worker } from 'node:worker_threads';
import type { Birth } from './messages.ts';

/** As `scripts/build-executable.ts` names it. */
const PROGRAM_ASSET = 'obex.mjs';

/** `entry`: the URL of the program's own file. No thread can run the file of a single executable, which holds the program as text. */
export function startThread(entry: string, birth: Birth): Worker {
  if (!isSea()) return new Worker(new URL(entry), { workerData: birth });
  return new Worker(getAsset(PROGRAM_ASSET, 'utf8'), {
    eval: true,
    execArgv: ['--input-type=module'],
    workerData: birth,
  });
}
