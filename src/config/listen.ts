/** Network addresses of the config: where to listen, whom to trust, which Host names to answer. */
import { isIP } from 'node:net';
import { LONGEST_SOCKET_PATH } from '../lib/socket-path.ts';
import { type Refused, refuse } from './refused.ts';

/** `host` undefined = every address of the machine. */
export type ListenAddress = { readonly host: string | undefined; readonly port: number } | { readonly path: string };

const LISTEN_FORMS = 'expected ":8443", "127.0.0.1:8443", "[::1]:8443" or "unix:/run/obex.sock"';
/** RFC 1123 §2.1 host names, any number of labels. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** `":port"`, `"host:port"`, `"[::1]:port"`, `"unix:/path"`; port 0 = the kernel chooses. */
export function parseListen(value: unknown): ListenAddress | Refused {
  const isPort = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value));
  if (isPort) return refuse(LISTEN_FORMS, value, `write ":${value}"`);
  if (typeof value !== 'string') return refuse(LISTEN_FORMS, value);
  if (value.startsWith('unix:')) return parseSocketPath(value.slice('unix:'.length));
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(value) ?? [];
  if (digits === undefined) return refuse(LISTEN_FORMS, value);
  if (Number(digits) > 65_535) return refuse('expected a port from 0 to 65535', value);
  const host = bracketed ?? plain ?? '';
  const legal = bracketed === undefined ? host === '' || isIP(host) === 4 || HOST_NAME.test(host) : isIP(host) === 6;
  if (!legal) return refuse(LISTEN_FORMS, value, 'leave the host out to listen on every address');
  return { host: host === '' ? undefined : host, port: Number(digits) };
}

function parseSocketPath(path: string): ListenAddress | Refused {
  if (!path.startsWith('/')) return refuse('expected an absolute path after "unix:"', `unix:${path}`);
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    return refuse(`expected a socket path of at most ${LONGEST_SOCKET_PATH} bytes`, `unix:${path}`);
  }
  return { path };
}

/** The text that `parseListen` reads back. */
export function formatListen(address: ListenAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  const host = address.host ?? '';
  return host.includes(':') ? `[${host}]:${address.port}` : `${host}:${address.port}`;
}

/** Whether only this machine can connect. */
export function isLocalAddress(address: ListenAddress): boolean {
  if ('path' in address) return true;
  const { host } = address;
  return (
    host !== undefined && (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.')))
  );
}

/** A CIDR as text that `net.BlockList.addSubnet` takes; a bare address gets its full prefix length. */
export function parseCidr(value: unknown): string | Refused {
  const wanted = 'expected addresses such as "10.0.0.0/8", "192.0.2.10" or "fd00::/8"';
  if (typeof value !== 'string') return refuse(wanted, value);
  const [address = '', length, ...rest] = value.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || address.includes('%')) return refuse(wanted, value);
  const longest = family === 4 ? 32 : 128;
  if (length === undefined) return `${address}/${longest}`;
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > longest) {
    return refuse(`expected a prefix length from 0 to ${longest} after the "/"`, value);
  }
  return value;
}

/** A Host name without port, in lower case. */
export function parseHostName(value: unknown): string | Refused {
  if (typeof value === 'string' && HOST_NAME.test(value)) return value.toLowerCase();
  return refuse('expected a host name without port and wildcard, such as "obex.internal"', value);
}
