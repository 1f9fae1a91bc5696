/** Which host names mean this machine. RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */

/** `hostname` as the URL parser writes it: localhost, *.localhost, 127.0.0.0/8, [::1]. */
export function isLoopbackHost(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]') return true;
  return /^127(\.\d{1,3}){3}$/.test(hostname);
}
