/** Where codes may be sent: which redirect URIs are allowed, and how one is compared. RFC 8252 §7–8, RFC 9700 §2.1, §4.1.3. */
import { BROWSER_SCHEMES } from '../../lib/browser-schemes.ts';

/** Judges a redirect URI as a client wrote it. */
export interface RedirectPolicy {
  /** Whether a client may register it. */
  isAllowed(uri: string): boolean;
}

/** Elements of the list that are no URI. */
const LOOPBACK = 'loopback';
const ANY_HTTPS = 'dangerously_any_https';

const MAX_CHARACTERS = 512;
/** RFC 3986 §2, §4.3: the characters of a URI and none besides, so that no parser drops or turns one; no fragment. */
const ABSOLUTE_URI = /^([A-Za-z][A-Za-z0-9+.-]*):((?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)$/;
/** RFC 8252 §7.3, and localhost, which §8.3 advises against and most clients use. Groups: before the port, port, after it. */
const LOOPBACK_URI = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost))(?::([1-9]\d{0,4}))?((?:[/?].*)?)$/;
const LOOPBACK_HTTPS = /^https:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d*)?(?:[/?].*)?$/i;
const MAX_PORT = 65_535;

/**
 * `allowed`: `loopback`, `dangerously_any_https`, or a redirect URI that is compared byte for byte. https at a loopback
 * name is never allowed, because native clients, which registered ones are, cannot use it.
 */
export function createRedirectPolicy(allowed: readonly string[]): RedirectPolicy {
  const exact = new Set(allowed);
  return {
    isAllowed(uri) {
      if (!isRedirectUri(uri) || isLoopbackHttps(uri)) return false;
      if (exact.has(uri)) return true;
      return (exact.has(LOOPBACK) && isLoopback(uri)) || (exact.has(ANY_HTTPS) && isPlainHttps(uri));
    },
  };
}

/**
 * Whether a code may be sent there at all, whatever the list says: at most 512 characters, no userinfo, no fragment, no
 * scheme that a browser obeys itself, http on loopback alone.
 */
export function isRedirectUri(uri: string): boolean {
  if (uri.length > MAX_CHARACTERS) return false;
  const [, scheme = '', rest = ''] = ABSOLUTE_URI.exec(uri) ?? [];
  if (rest === '' || hasUserinfo(rest) || BROWSER_SCHEMES.has(scheme.toLowerCase())) return false;
  if (scheme.toLowerCase() === 'http') return isLoopback(uri);
  return URL.canParse(uri);
}

/** Any port, any path, on one of the three names of this machine, spelled as here and in no other way. */
export function isLoopback(uri: string): boolean {
  return uri.length <= MAX_CHARACTERS && ABSOLUTE_URI.test(uri) && loopbackWithoutPort(uri) !== undefined;
}

/** https at a name of this machine: no registered client can have it, a configured one can. */
export function isLoopbackHttps(uri: string): boolean {
  return LOOPBACK_HTTPS.test(uri);
}

function loopbackWithoutPort(uri: string): string | undefined {
  const match = LOOPBACK_URI.exec(uri);
  if (match === null || Number(match[2] ?? 0) > MAX_PORT) return undefined;
  return `${match[1]}${match[3]}`;
}

/** Written as a URL parser would write it: no other spelling of a host, no dot segments, nothing that a browser may read otherwise. */
function isPlainHttps(uri: string): boolean {
  const href = uri.startsWith('https://') ? URL.parse(uri)?.href : undefined;
  return href !== undefined && (href === uri || href === `${uri}/`);
}

/** RFC 3986 §3.2: an authority begins with two slashes; the last "@" in it ends the userinfo. */
function hasUserinfo(rest: string): boolean {
  return /^\/\/[^/?]*@/.test(rest);
}
