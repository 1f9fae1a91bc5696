/** What Obex vouches for to the backend: the X-Obex-* fields of a verified token. RFC 9068 §2.2, RFC 3986 §2.1. */
import { ownText } from '../lib/own-text.ts';
import type { AccessToken } from '../oauth/principal.ts';
import { formatScopes } from '../oauth/scope.ts';

/** Alternating name, value. Made once per token, so the values are strings that need no further work. */
export function formatIdentityFields(accessToken: AccessToken): readonly string[] {
  const { subject, client, issuer, scopes, jkt, x5tS256 } = accessToken;
  const fields = ['X-Obex-Issuer', encode(issuer), 'X-Obex-Scopes', encodeList(formatScopes(scopes))];
  if (subject !== undefined) fields.push('X-Obex-User', encode(subject));
  if (client !== undefined) fields.push('X-Obex-Client', encode(client));
  // A bound token is never let in without what it is bound to, so the binding of the token says it of the request.
  if (jkt !== undefined) fields.push('X-Obex-DPoP-Bound', 'true');
  if (x5tS256 !== undefined) fields.push('X-Obex-Cert-Bound', 'true');
  return fields;
}

/** What stays as it is, which is nearly every claim. */
const PLAIN = /^[\x21-\x24\x26-\x7e]*$/;

/** UTF-8; bytes outside 0x21–0x7E and `%` as `%XX`, so that a value can neither break a field nor be read two ways. */
function encode(value: string): string {
  if (PLAIN.test(value)) return value;
  let encoded = '';
  for (const byte of Buffer.from(value, 'utf8')) {
    const plain = byte >= 0x21 && byte <= 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  // Kept as long as the token: a chain of a thousand pieces takes sixty times the room of its characters.
  return ownText(encoded);
}

function encodeList(scopes: string): string {
  return scopes.split(' ').map(encode).join(' ');
}
