/** The request-target: origin-form, or absolute-form reduced to it. RFC 9112 §3.2. */
import { isPctEncoded, TARGET_CHAR } from './characters.ts';
import { isAuthority } from './host.ts';

const PERCENT = 0x25;
const SLASH = 0x2f;

/**
 * Returns the origin-form target for a received one, or undefined when it must be refused. `host` is the Host field.
 * CONNECT (§3.2.3) is never served here and always becomes "/".
 */
export function parseRequestTarget(method: string, received: string, host: string): string | undefined {
  if (method === 'CONNECT') return isAuthority(received) && /:\d+$/.test(received) ? '/' : undefined;
  if (received.charCodeAt(0) === SLASH) return isPathAndQuery(received) ? received : undefined;
  return fromAbsoluteForm(method, received, host);
}

/**
 * §3.2.2: absolute-form passes only when its authority is the one of the Host field, so that nobody behind can choose
 * between the two. §3.2.4: an OPTIONS without path would have to become "*", which is not served.
 */
function fromAbsoluteForm(method: string, received: string, host: string): string | undefined {
  const scheme = /^https?:\/\//i.exec(received);
  if (scheme === null) return undefined;
  const start = scheme[0].length;
  const authorityEnd = start + received.slice(start).search(/[/?]|$/);
  const authority = received.slice(start, authorityEnd);
  if (authority.toLowerCase() !== host.toLowerCase() || !isAuthority(authority)) return undefined;
  const rest = received.slice(authorityEnd);
  if (rest === '' && method === 'OPTIONS') return undefined;
  const target = rest.charCodeAt(0) === SLASH ? rest : `/${rest}`;
  return isPathAndQuery(target) ? target : undefined;
}

/** RFC 3986: absolute-path [ "?" query ]: no fragment, no control, no raw byte beyond ASCII, no broken escape. */
function isPathAndQuery(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (TARGET_CHAR[code] !== 1 && !(code === PERCENT && isPctEncoded(text, i))) return false;
  }
  return true;
}
