/** A worker thread that serves nothing: it does what a test says in the query of the backend URL. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker } from '../../src/workers/messages.ts';

const { index } = workerData;
/** Of the configuration that is being put in force. */
let script = new URL(workerData.handOver.config.servers[0].backend.url).searchParams;

function post(message: FromWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort?.postMessage(message);
}

parentPort?.on('message', (message: ToWorker) => {
  post({ kind: 'lines', text: `${index} ${message.kind}\n` });
  if (message.kind === 'prepare') script = new URL(message.handOver.config.servers[0].backend.url).searchParams;
  if (script.get(message.kind) === String(index)) return post({ kind: 'refused', problem: `worker ${index} refuses` });
  if (script.get('bug') === message.kind) throw new Error('a bug');
  switch (message.kind) {
    case 'listen':
      return post({ kind: 'listening', url: 'http://localhost:1', port: 1 });
    case 'prepare':
    case 'commit':
      return post({ kind: 'done' });
    case 'drain':
      return process.exit(0);
    case 'discard':
    case 'keys':
    case 'ticket_keys':
    case 'refreshed':
    case 'revocations':
    case 'login_reply':
      return undefined;
  }
});
