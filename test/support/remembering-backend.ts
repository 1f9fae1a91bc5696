/** A backend that answers every request with `{}` and remembers the headers of clients' requests: what reached it, and what did not. */
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import { closeServer } from '../../src/demo/loopback.ts';
import { listenOnLoopback } from './loopback-server.ts';

export interface RememberingBackend {
  readonly port: number;
  /** Headers of the requests, but for probes, since the last `forget`, in order. */
  requests(): readonly IncomingHttpHeaders[];
  forget(): void;
  stop(): Promise<void>;
}

/** Listens on 127.0.0.1. */
export async function startRememberingBackend(): Promise<RememberingBackend> {
  let requests: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    // What `/ready` asks.
    if (request.method !== 'OPTIONS') requests.push(request.headers);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    requests: () => requests,
    forget: () => {
      requests = [];
    },
    stop: () => closeServer(server),
  };
}
