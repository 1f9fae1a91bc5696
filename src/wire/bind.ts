/** Binding a server to its address. A unix socket file that nothing answers on is left over from a crash and replaced. */
import { lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import type { ListenAddress } from './exchange.ts';

/** Listens, or rejects with the system's error (EADDRINUSE, EACCES, …) as the cause. */
export async function bind(server: Server, address: ListenAddress): Promise<void> {
  try {
    await listen(server, address);
  } catch (cause) {
    if (!('path' in address) || !hasCode(cause, 'EADDRINUSE') || !(await isStale(address.path))) {
      throw new Error(`cannot listen on ${formatAddress(address)}${formatCure(cause, address)}`, { cause });
    }
    await unlink(address.path);
    await listen(server, address);
  }
}

function listen(server: Server, address: ListenAddress): Promise<void> {
  const isPrivate = 'path' in address && address.isPrivate === true;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Not afterwards: whoever connects in between stays connected. Node makes the socket before `listen` returns.
    const mask = isPrivate ? process.umask(OTHERS) : undefined;
    server.listen(address, () => {
      server.removeListener('error', reject);
      resolve();
    });
    if (mask !== undefined) process.umask(mask);
  });
}

/** Whoever may not use a private socket; nor does anybody run it. */
const OTHERS = 0o177;

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

/** What keeps us from the address, and what to do about it. */
function formatCure(cause: unknown, address: ListenAddress): string {
  const isPath = 'path' in address;
  if (hasCode(cause, 'EADDRINUSE')) {
    if (isPath) return ': another program listens there, or it is no socket; stop or remove it, or choose another path';
    return `: the port is taken; "ss -tanp sport = :${address.port}", as root, shows by whom; stop that, or choose another port`;
  }
  if (!isPath && address.reusePort === true && CANNOT_SHARE.some((code) => hasCode(cause, code))) {
    return ': this system does not let several threads share a port (SO_REUSEPORT); set obex.workers: 1';
  }
  if (!hasCode(cause, 'EACCES')) return '';
  // So says libuv where there is no such folder, too.
  if (isPath)
    return ': its folder is not there, or is not for this user to write to; mend that, or choose another path';
  if (address.port >= 1024) return ': this user may not take this port; choose another';
  return ': this user may not take so low a port; choose one from 1024 on, or give the program CAP_NET_BIND_SERVICE';
}

/** What libuv, and kernels without SO_REUSEPORT, answer when a port is to be shared. */
const CANNOT_SHARE = ['ENOTSUP', 'EOPNOTSUPP', 'ENOPROTOOPT', 'EINVAL'];

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function formatAddress(address: ListenAddress): string {
  return 'path' in address ? `unix:${address.path}` : `${address.host ?? ''}:${address.port}`;
}
