/** The client's credentials, from the Authorization field and nowhere else. RFC 9110 §11.4, RFC 6750 §2, RFC 9449 §7.1. */
import { type Denial, deny } from './denial.ts';

/** How the client presents its token. */
export type Scheme = 'Bearer' | 'DPoP';

/** `accessToken` is the text as received: nothing but "not empty" has been checked. */
export interface Credentials {
  readonly scheme: Scheme;
  readonly accessToken: string;
}

const SPACE = 0x20;

/**
 * Reads the values of all Authorization fields of one request. None, another scheme, or a scheme without a token is
 * `no_token`; two fields are `malformed_authorization`. The token's syntax is left to `parseJws`: a token that is in the
 * cache has passed it already.
 */
export function parseCredentials(authorization: readonly string[]): Credentials | Denial {
  const value = authorization[0];
  if (value === undefined) return deny('no_token');
  // RFC 9110 §5.3: Authorization is no list; two of them could be read differently by two parsers.
  if (authorization.length > 1) return deny('malformed_authorization', { detail: 'more than one Authorization field' });
  const space = value.indexOf(' ');
  const scheme = space === -1 ? undefined : parseScheme(value.slice(0, space));
  if (scheme === undefined) return deny('no_token', { detail: 'neither Bearer nor DPoP with a token' });
  let start = space + 1;
  while (value.charCodeAt(start) === SPACE) start += 1;
  if (start === value.length) return deny('no_token', { detail: 'a scheme without a token' });
  return { scheme, accessToken: value.slice(start) };
}

/** RFC 9110 §11.1: the scheme is case-insensitive. */
function parseScheme(text: string): Scheme | undefined {
  if (text === 'Bearer' || text === 'DPoP') return text;
  switch (text.toLowerCase()) {
    case 'bearer':
      return 'Bearer';
    case 'dpop':
      return 'DPoP';
  }
  return undefined;
}

/**
 * Tells whether a request target carries `access_token` as a query parameter (RFC 6750 §2.3, forbidden by MCP), in any
 * percent-encoded spelling, after `&` or after `;` (which some backends read as a separator).
 */
export function hasAccessTokenQuery(target: string): boolean {
  const mark = target.indexOf('?');
  if (mark === -1) return false;
  const query = target.slice(mark + 1);
  if (!query.includes('access_token') && !query.includes('%')) return false;
  return query.split(/[&;]/).some((parameter) => parameterName(parameter) === 'access_token');
}

function parameterName(parameter: string): string {
  const equals = parameter.indexOf('=');
  const name = equals === -1 ? parameter : parameter.slice(0, equals);
  return name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
