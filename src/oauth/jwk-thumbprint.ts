/** JWK Thumbprint with SHA-256: one name for one public key. RFC 7638 §3, RFC 8037 §2. */
import { hash, type KeyObject } from 'node:crypto';
import type { JsonObject } from '../lib/json-text.ts';

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
  return digest(members.map((member) => [member, jwk[member]]));
}

/** Bytes of a coordinate of each curve, which is as long as that (RFC 7518 §6.2.1.2, RFC 8037 §2). */
const COORDINATE_BYTES: ReadonlyMap<unknown, number> = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
  ['Ed25519', 32],
]);

/**
 * The thumbprint that `jwkThumbprint` would have of the key that these members make, without making it: what that costs is
 * the writer's choice. Undefined for members that make none of the keys known here.
 */
export function memberThumbprint(jwk: JsonObject): string | undefined {
  const { kty, crv } = jwk;
  const members = typeof kty === 'string' ? REQUIRED_MEMBERS.get(kty) : undefined;
  const coordinateBytes = COORDINATE_BYTES.get(crv);
  if (members === undefined || (kty !== 'RSA' && coordinateBytes === undefined)) return undefined;
  const required: [string, unknown][] = [];
  for (const member of members) {
    const value = jwk[member];
    if (typeof value !== 'string') return undefined;
    const isName = member === 'kty' || member === 'crv';
    required.push([member, isName ? value : canonicalNumber(value, kty === 'RSA' ? 0 : coordinateBytes)]);
  }
  return digest(required);
}

/** Big-endian bytes as base64url, no longer than the number needs and no shorter than `leastBytes`. */
function canonicalNumber(text: string, leastBytes = 0): string {
  const bytes = Buffer.from(text, 'base64url');
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Buffer.alloc(0) : bytes.subarray(first);
  const padding = Buffer.alloc(Math.max(0, leastBytes - digits.length));
  return Buffer.concat([padding, digits]).toString('base64url');
}

function digest(required: readonly (readonly [string, unknown])[]): string {
  return hash('sha256', JSON.stringify(Object.fromEntries(required)), 'base64url');
}
