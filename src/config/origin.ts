/** Web origins in the config, as browsers serialise them: they are compared as text. RFC 6454 §6.2, Fetch §3.2. */
import { type Refused, refuse } from './refused.ts';

const WANTED = 'expected an origin such as "https://app.example.com", or "*"';
const WITH_AUTHORITY = /^([a-z][a-z0-9+.-]*:\/\/)([^\s/?#@,]+)/i;

/** `*`, or an origin of any scheme: those of extensions and apps (`chrome-extension://id`, `tauri://localhost`) too. */
export function parseOrigin(value: unknown): string | Refused {
  if (value === '*') return value;
  if (typeof value !== 'string') return refuse(WANTED, value);
  if (value === 'null') return refuse(WANTED, value, 'any sandboxed page sends "null", so it is never allowed');
  if (value.includes('*')) {
    return refuse(WANTED, value, 'patterns are not taken: write every origin in full, or "*" alone for all');
  }
  if (/^file:/i.test(value)) return refuse(WANTED, value, 'pages from files send "null", which is never allowed');
  const origin = /^https?:/i.test(value) ? URL.parse(value)?.origin : serialise(value);
  if (origin === undefined) return refuse(WANTED, value);
  return origin === value ? value : refuse(WANTED, value, `write "${origin}", as browsers do`);
}

/** The URL parser knows no origins of other schemes. Their hosts stay as they are: some are in upper case. */
function serialise(value: string): string | undefined {
  const [, scheme, authority] = WITH_AUTHORITY.exec(value) ?? [];
  return scheme === undefined || authority === undefined ? undefined : scheme.toLowerCase() + authority;
}
