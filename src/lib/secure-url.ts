/** Which URLs nobody on the way can read or change: https, or http that does not leave this machine. RFC 8252 §8.3. */
import { isLoopbackHost } from './loopback.ts';

export function isSecureUrl({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname));
}
