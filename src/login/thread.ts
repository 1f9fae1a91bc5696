/** Where the login thread begins: the authorization server, apart from the threads that serve. */
import { parentPort, workerData } from 'node:worker_threads';
import { attend, type StartLoginServer } from './attend.ts';

/** Libraries write to the console: it goes to the log. On import oidc-provider says of every Node that is no LTS release that it is unsupported. */
const start: StartLoginServer = async (options, hooks) => {
  /* oxlint-disable no-console -- nothing is printed here */
  console.warn = () => undefined;
  const { startLoginServer } = await import('./server.ts');
  console.warn = (text: unknown) => hooks.log.warn('login_library', { message: String(text) });
  console.info = console.warn;
  /* oxlint-enable no-console */
  return startLoginServer(options, hooks);
};

if (parentPort === null) throw new Error('this thread is no login thread');
await attend(parentPort, workerData, start);
