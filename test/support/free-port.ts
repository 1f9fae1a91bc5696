/** Picks a loopback port for a server that cannot listen on port 0 and say which one it got. */
import { createServer } from 'node:net';

// Below the kernel's ephemeral range, so that nobody who connects or listens on 0 takes the port before its user does.
// Test files run in processes of their own, each with a stretch of its own.
const FIRST_PORT = 12_000;
const STRETCH = 40;
const STRETCHES = 500;

let next = FIRST_PORT + (process.pid % STRETCHES) * STRETCH;

/** A port on 127.0.0.1 on which nobody listens, and which this process has not handed out before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next;
    next = next + 1 < FIRST_PORT + STRETCH * STRETCHES ? next + 1 : FIRST_PORT;
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  return promise;
}
