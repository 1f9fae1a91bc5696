/** Which Host a request may name when nobody is authenticated: the defence against DNS rebinding. RFC 9110 §7.2. */
import net from 'node:net';

/** True if a page of a foreign site cannot have made a browser send this authority. */
export type HostPolicy = (authority: string) => boolean;

export function createHostPolicy(options: { publicUrl: URL; allowedHosts: readonly string[] }): HostPolicy {
  const names = new Set(['localhost', hostOf(options.publicUrl.host), ...options.allowedHosts.map(hostOf)]);
  return (authority) => {
    const host = hostOf(authority);
    // A browser cannot be made to believe that an address belongs to a foreign site's name.
    return names.has(host) || net.isIPv4(host) || (host.startsWith('[') && net.isIPv6(host.slice(1, -1)));
  };
}

/** The authority without its port, in lower case. */
function hostOf(authority: string): string {
  return authority.replace(/:\d*$/, '').toLowerCase();
}
