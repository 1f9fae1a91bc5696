/** Where an http or https URL leads: host, port and the name in the TLS handshake. RFC 9110 §4.2, RFC 6066 §3. */
import { isIP } from 'node:net';

export interface TcpAddress {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

export function tcpAddress(url: URL): TcpAddress {
  const defaultPort = url.protocol === 'https:' ? 443 : 80;
  // WHATWG URL keeps the brackets of an IPv6 address.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: url.port === '' ? defaultPort : Number(url.port) };
}

/** RFC 6066 §3: no IP address in server_name. */
export function toServerName(host: string): string {
  return isIP(host) === 0 ? host : '';
}
