/** Ports on loopback: which one a server got, and which one is free. */
import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { createServer } from 'node:net';

/** The TCP port that a listening server is bound to. */
export function boundPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a TCP port');
  return address.port;
}

/** Returns when the port is free and every connection is cut. The server must be listening. */
export async function closeServer(server: HttpServer): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** The first free port of the ten from `preferred` on; any free port when they are taken, or with 0. */
export async function findFreePort(preferred: number): Promise<number> {
  const candidates = preferred === 0 ? [] : Array.from({ length: 10 }, (_, index) => preferred + index);
  for (const port of candidates) {
    // Clients may take `localhost` for either address, so another program's server on [::1] counts as taken too.
    if ((await tryListen(port, '127.0.0.1')) && (await tryListen(port, '::1'))) return port;
  }
  return tryListen(0, '127.0.0.1');
}

/** Listens for a moment: the port, or 0 when it is taken. */
async function tryListen(port: number, host: string): Promise<number> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    // Without IPv6 nobody can be listening on [::1].
    return error instanceof Error && 'code' in error && error.code === 'EADDRNOTAVAIL' ? port : 0;
  }
  const bound = boundPort(server);
  const closed = once(server, 'close');
  server.close();
  await closed;
  return bound;
}
