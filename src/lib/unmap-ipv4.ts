/** RFC 4291 §2.5.5.2: an IPv4 address in the clothes of IPv6, as the peer of a dual-stack socket has it. */

/** The IPv4 address; any other text as it is. */
export function unmapIpv4(address: string): string {
  return address.startsWith(':') ? address.replace(/^::ffff:(?=\d+\.)/i, '') : address;
}
