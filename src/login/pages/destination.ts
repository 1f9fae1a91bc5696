/** Where a code goes, and how a policy names it. RFC 8252 §7, CSP Level 3 §2.3.1 and §6.4.2.1 (form-action). */
import { isLoopbackHost } from '../../lib/loopback.ts';

/** What a redirect URI says of who gets the code: the one thing about a client that it cannot make up. */
export type Destination =
  | { readonly kind: 'site'; readonly host: string }
  | { readonly kind: 'this-computer' }
  | { readonly kind: 'scheme'; readonly scheme: string };

export function destinationOf(redirectUri: URL): Destination {
  if (redirectUri.protocol !== 'https:' && redirectUri.protocol !== 'http:') {
    return { kind: 'scheme', scheme: redirectUri.protocol };
  }
  if (isLoopbackHost(redirectUri.hostname)) return { kind: 'this-computer' };
  return { kind: 'site', host: redirectUri.host };
}

/** The grammar of a policy has no IPv6 addresses, and a URL may have `;` and `,` in its host, which end a directive. */
const NAMEABLE = /^[a-z0-9.-]+(:\d+)?$/;

/** The origin; the scheme where a policy cannot name the host, or where there is none. */
export function policySource(target: URL): string {
  const web = target.protocol === 'https:' || target.protocol === 'http:';
  return web && NAMEABLE.test(target.host) ? target.origin : target.protocol;
}
