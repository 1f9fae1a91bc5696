/** What a certificate is made for: an IP address or a DNS name. RFC 1123 §2.1, RFC 5280 §4.2.1.6. */
import { isIP, isIPv6 } from 'node:net';

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
// RFC 1123 §2.1: the last label of a name is not a number, or "10.0.0.300" would be one.
const DNS_NAME = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)*(?!\\d+$)${LABEL}$`, 'i');

/** Whether a certificate can be made for it. */
export function isHost(text: string): boolean {
  return isIP(text) === 0 ? DNS_NAME.test(text) : !text.includes('%');
}

/** The 4 or 16 bytes of an address, as a certificate holds them. */
export function addressBytes(address: string): Uint8Array {
  if (!isIPv6(address)) return Uint8Array.from(address.split('.'), Number);
  // WHATWG URL writes an address whose end is in dotted form in groups too.
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [left, right] = [head, tail].map((half) => (half === '' ? [] : half.split(':')));
  const groups = [...(left ?? []), ...(right ?? [])];
  const zeros = Array.from({ length: 8 - groups.length }, () => '0');
  groups.splice(left?.length ?? 0, 0, ...zeros);
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
