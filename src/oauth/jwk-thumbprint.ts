/** JWK Thumbprint with SHA-256: one name for one public key. RFC 7638 §3, RFC 8037 §2. */
import { hash, type KeyObject } from 'node:crypto';

/** The required members of each key type, in the order of their code points (RFC 7638 §3.2, §3.3). */
const REQUIRED_MEMBERS: ReadonlyMap<string | undefined, readonly ('crv' | 'e' | 'kty' | 'n' | 'x' | 'y')[]> = new Map([
  ['RSA', ['e', 'kty', 'n'] as const],
  ['EC', ['crv', 'kty', 'x', 'y'] as const],
  ['OKP', ['crv', 'kty', 'x'] as const],
]);

/**
 * The base64url thumbprint of an RSA, EC or OKP public key, 43 characters. It is taken of the key and not of the text that
 * brought it, so that one key has one thumbprint however its members were written. Throws for any other kind of key.
 */
export function jwkThumbprint(publicKey: KeyObject): string {
  const jwk = publicKey.export({ format: 'jwk' });
  const members = REQUIRED_MEMBERS.get(jwk.kty);
  if (members === undefined) throw new TypeError(`no thumbprint for a key of type ${publicKey.asymmetricKeyType}`);
  const required = members.map((member) => [member, jwk[member]]);
  return hash('sha256', JSON.stringify(Object.fromEntries(required)), 'base64url');
}
