/** A backend that answers every request with `{}` and remembers the headers of clients' requests: what reached it, and what did not. */
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import { boundPort } from '../../src/demo/loopback.ts';

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
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: boundPort(server),
    requests: () => requests,
    forget: () => {
      requests = [];
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
