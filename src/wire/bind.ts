/** Binding a server to its address. A unix socket file that nothing answers on is left over from a crash and replaced. */
import { lstat, unlink } from 'node:fs/promises';
import { connect, isIPv6, type Server } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import type { ListenAddress } from './exchange.ts';

/** Listens, or rejects with the system's error (EADDRINUSE, EACCES, …) as the cause. */
export async function bind(server: Server, address: ListenAddress): Promise<void> {
  compileIpv6Pattern();
  try {
    await listen(server, address);
  } catch (cause) {
    if (!('path' in address) || !hasCode(cause, 'EADDRINUSE') || !(await isStale(address.path))) {
      throw new Error(`cannot listen on ${formatAddress(address)}`, { cause });
    }
    await unlink(address.path);
    await listen(server, address);
  }
}

function listen(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

/**
 * Node asks of an address that it listens on whether it is one of IPv6, by a pattern that V8 takes 6 ms to turn into bytecode,
 * and 1 ms into machine code. The flag must not stay: with it V8 refuses the code caches of the modules that are still to come.
 */
function compileIpv6Pattern(): void {
  setFlagsFromString('--no-regexp-tier-up');
  isIPv6('');
  setFlagsFromString('--regexp-tier-up');
}

async function isStale(path: string): Promise<boolean> {
  // A file that is no socket refuses connections too; it is somebody's data.
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(hasCode(error, 'ECONNREFUSED')));
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function formatAddress(address: ListenAddress): string {
  return 'path' in address ? `unix:${address.path}` : `${address.host ?? ''}:${address.port}`;
}
