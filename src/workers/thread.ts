/** Threads beside the main one: workers, which run the program from its beginning, and the login thread, which has a file of its own. */
import { getAsset, isSea } from 'node:sea';
import { Worker } from 'node:worker_threads';
import type { LoginOrders } from '../login/messages.ts';
import type { Birth } from './messages.ts';

/** As `scripts/build-executable.ts` names them. */
const PROGRAM_ASSET = 'obex.mjs';
const LOGIN_ASSET = 'login.mjs';

/** `entry`: the URL of the program's own file; `main.ts` knows that in a thread it is a worker. */
export function startThread(entry: string, birth: Birth): Worker {
  return isSea() ? startAsset(PROGRAM_ASSET, birth) : new Worker(new URL(entry), { workerData: birth });
}

/** In a checkout the file is beside this one's folder, in a release beside the program. */
export function startLoginThread(orders: LoginOrders): Worker {
  if (isSea()) return startAsset(LOGIN_ASSET, orders);
  const file = import.meta.url.endsWith('.ts') ? '../login/thread.ts' : `./${LOGIN_ASSET}`;
  return new Worker(new URL(file, import.meta.url), { workerData: orders });
}

/** No thread can run the file of a single executable, which holds it as text. */
function startAsset(asset: string, workerData: object): Worker {
  return new Worker(getAsset(asset, 'utf8'), { eval: true, execArgv: ['--input-type=module'], workerData });
}
