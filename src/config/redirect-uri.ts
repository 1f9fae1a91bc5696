/** Where clients of `login` may have people sent back to. RFC 8252 §7 (private-use schemes, loopback), RFC 9700 §2.1. */
import { BROWSER_SCHEMES } from '../lib/browser-schemes.ts';
import { Refused, refuse, refuseSilently } from './refused.ts';

const WANTED =
  'expected a redirect URI such as "https://client.example/callback" or "cursor://anysphere.cursor-mcp/oauth/callback"';
const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
/** RFC 3986 §2. */
const CHARACTERS = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2}){1,512}$/;
/** RFC 8252 §7.3, and the name that many clients use for it. */
const LOOPBACK = /^https?:\/\/(127\.0\.0\.1|\[::1\]|localhost)([:/?]|$)/i;

/** An element of `clients.redirect_uris`: a word, or a URI. */
export function parseRedirectRule(value: unknown): string | Refused {
  if (value === 'loopback' || value === 'dangerously_any_https') return value;
  if (typeof value === 'string' && /^\w+$/.test(value)) return refuse(`${WANTED}, or the word loopback`, value);
  const uri = parseUri(value);
  if (uri instanceof Refused) return uri;
  if (LOOPBACK.test(uri))
    return refuse('must not be on this machine', value, 'write loopback, which is http and any port there');
  return uri.startsWith('http:') ? refuse('must not begin with http://', value, 'write https://') : uri;
}

/** One of a client that is configured. */
export function parseClientRedirectUri(value: unknown): string | Refused {
  if (value === 'loopback' || value === 'dangerously_any_https') {
    return refuse('must be one whole redirect URI of the client', value, 'write it as the client sends it');
  }
  const uri = parseUri(value);
  if (uri instanceof Refused || !uri.startsWith('http:') || LOOPBACK.test(uri)) return uri;
  return refuse(
    'must not begin with http:// unless the host is localhost, 127.0.0.1 or [::1]',
    value,
    'write https://',
  );
}

function parseUri(value: unknown): string | Refused {
  if (typeof value !== 'string') return refuse(WANTED, value);
  const scheme = SCHEME.exec(value)?.[1] ?? '';
  if (BROWSER_SCHEMES.has(scheme.toLowerCase()))
    return refuse(`must not begin with ${scheme}:, which no application answers to`, value);
  if (value.includes('*')) {
    return refuse('must be one whole URI: patterns are not taken', value, 'write each in full, as the client sends it');
  }
  if (value.includes('#')) return refuse('must not have a fragment', value, 'delete all from the "#" on');
  if (/^[^/?]*\/\/[^/?]*@/.test(value)) {
    return refuseSilently('must not hold a user name or password; delete all up to the "@"');
  }
  if (/^https?:/i.test(value) && !/^https?:/.test(value))
    return refuse(WANTED, value, 'write the scheme in lower case');
  const isWeb = scheme === 'https' || scheme === 'http';
  // §7.1: "com.example.app:/callback"; without the slash it would be no path.
  const isWhole = isWeb ? /^https?:\/\/[^/?]/.test(value) : scheme !== '' && value.startsWith('/', scheme.length + 1);
  return isWhole && CHARACTERS.test(value) && URL.canParse(value) ? value : refuse(WANTED, value);
}
