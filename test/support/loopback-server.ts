/** How a server of a test begins to listen; `closeServer` of the demo ends it. */
import { once } from 'node:events';
import type { Server } from 'node:net';
import { boundPort } from '../../src/demo/loopback.ts';

/** Listens on 127.0.0.1; 0 = any free port. Returns the port; rejects when it is taken. */
export async function listenOnLoopback(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return boundPort(server);
}
