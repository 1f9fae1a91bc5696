/** What Obex vouches for to the backend: the X-Obex-* fields of a verified token. RFC 9068 §2.2, RFC 3986 §2.1. */
import type { AccessToken } from '../oauth/principal.ts';
import { formatScopes } from '../oauth/scope.ts';
import { encodeValue } from './encode-value.ts';

/** Alternating name, value. Made once per token, so the values are strings that need no further work. */
export function formatIdentityFields(accessToken: AccessToken): readonly string[] {
  const { subject, client, issuer, scopes, jkt, x5tS256 } = accessToken;
  const fields = ['X-Obex-Issuer', encodeValue(issuer), 'X-Obex-Scopes', encodeList(formatScopes(scopes))];
  if (subject !== undefined) fields.push('X-Obex-User', encodeValue(subject));
  if (client !== undefined) fields.push('X-Obex-Client', encodeValue(client));
  // A bound token is never let in without what it is bound to, so the binding of the token says it of the request.
  if (jkt !== undefined) fields.push('X-Obex-DPoP-Bound', 'true');
  if (x5tS256 !== undefined) fields.push('X-Obex-Cert-Bound', 'true');
  return fields;
}

function encodeList(scopes: string): string {
  return scopes.split(' ').map(encodeValue).join(' ');
}
