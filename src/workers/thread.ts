/** Threads beside the main one: workers, which run the program from its beginning, and those of login and programs, which have files of their own. */
import { getAsset, isSea } from 'node:sea';
import { Worker } from 'node:worker_threads';
import type { LoginOrders } from '../login/messages.ts';
import type { ProgramsOrders } from '../programs/messages.ts';
import type { Birth } from './messages.ts';

/** As `scripts/build-executable.ts` names them. */
const PROGRAM_ASSET = 'obex.mjs';
const LOGIN_ASSET = 'login.mjs';
const PROGRAMS_ASSET = 'programs.mjs';

/** `entry`: the URL of the program's own file; `main.ts` knows that in a thread it is a worker. */
export function startThread(entry: string, birth: Birth): Worker {
  return isSea() ? startAsset(PROGRAM_ASSET, birth) : new Worker(new URL(entry), { workerData: birth });
}

export function startLoginThread(orders: LoginOrders): Worker {
  return startPart({ source: '../login/thread.ts', asset: LOGIN_ASSET }, orders);
}

export function startProgramsThread(orders: ProgramsOrders): Worker {
  return startPart({ source: '../programs/thread.ts', asset: PROGRAMS_ASSET }, orders);
}

/** In a checkout the file is beside this one's folder, in a release beside the program. */
function startPart({ source, asset }: { readonly source: string; readonly asset: string }, orders: object): Worker {
  if (isSea()) return startAsset(asset, orders);
  const file = import.meta.url.endsWith('.ts') ? source : `./${asset}`;
  return new Worker(new URL(file, import.meta.url), { workerData: orders });
}

/** No thread can run the file of a single executable, which holds it as text. */
function startAsset(asset: string, workerData: object): Worker {
  return new Worker(getAsset(asset, 'utf8'), { eval: true, execArgv: ['--input-type=module'], workerData });
}
