/** Authorization server metadata, read for the URLs in it. RFC 8414 §3, OpenID Connect Discovery 1.0 §4. */

import { isJsonObject } from '../lib/json-text.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import { isSecureUrl } from '../lib/secure-url.ts';

/** Characters shown of an issuer that somebody else has written. */
const MAX_SHOWN = 256;

/**
 * RFC 8414 §2: tells whether clients can be sent to an issuer: an https URL without query and fragment. `iss` may be any
 * other text as well (RFC 7519 §4.1.1). http is for loopback, or with `allowHttp`.
 */
export function isIssuerIdentifier(issuer: string, allowHttp: boolean): boolean {
  const url = /^https?:\/\/[^?#]+$/i.test(issuer) ? URL.parse(issuer) : null;
  return url !== null && (allowHttp || isSecureUrl(url));
}

/**
 * Where an issuer's metadata may be, in the order to try: RFC 8414 §3.1 puts the well-known part before the issuer's
 * path, OpenID Connect Discovery §4 after it. `issuer` is an absolute URL.
 */
export function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}

/** A place that the metadata name, and whose metadata. */
export interface NamedUrl {
  readonly issuer: string;
  /** Drops the demand for https; without it http is for an issuer on loopback whose endpoints are there too. */
  readonly allowHttp: boolean;
  readonly member: 'jwks_uri' | 'introspection_endpoint';
}

/**
 * Checks a metadata document: it must name the issuer byte for byte (RFC 8414 §3.3, else one issuer could speak for
 * another) and have a usable URL in the member. A problem is worded to follow the document's URL.
 */
export function checkIssuerMetadata(
  json: unknown,
  { issuer, allowHttp, member }: NamedUrl,
): { readonly url: string } | { readonly problem: string } {
  if (!isJsonObject(json)) return { problem: 'holds no JSON object' };
  if (json['issuer'] !== issuer) return { problem: describeOther(json['issuer']) };
  const text = json[member];
  const url = typeof text === 'string' ? URL.parse(text) : null;
  const noun = `${member.startsWith('i') ? 'an' : 'a'} ${member}`;
  if (typeof text !== 'string' || url === null) return { problem: `has no ${member} that is a URL` };
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (allowHttp || isLocalPair(url, issuer)))) {
    return { problem: `has ${noun} that is not an https URL` };
  }
  if (url.username !== '' || url.password !== '') return { problem: `has ${noun} with a user name or password in it` };
  return { url: text };
}

/** Often only a final slash is between the two names; what could not be configured is not advised. */
function describeOther(issuer: unknown): string {
  if (typeof issuer !== 'string') return 'names no issuer';
  const quoted = JSON.stringify(issuer.slice(0, MAX_SHOWN));
  if (issuer.includes('{')) {
    return `names ${quoted}, which stands for many tenants: write the issuer of your own tenant under idp, which is iss in its tokens`;
  }
  if (!isIssuerIdentifier(issuer, true)) return `names ${quoted}`;
  return `names ${quoted}; if that is the issuer that you trust, write issuer: ${quoted} under idp`;
}

function isLocalPair(url: URL, issuer: string): boolean {
  return isLoopbackHost(url.hostname) && isLoopbackHost(URL.parse(issuer)?.hostname ?? '');
}
