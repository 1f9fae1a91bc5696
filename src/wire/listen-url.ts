/** Where a listener can be reached from this machine. RFC 3986 §3.2.2. */
import type { ListenAddress } from './exchange.ts';

export function formatListenUrl(listen: ListenAddress, port: number, isTls: boolean): string {
  if ('path' in listen) return `unix:${listen.path}`;
  const host = listen.host === undefined || listen.host === '0.0.0.0' ? 'localhost' : listen.host;
  return `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
