/** JWK Sets: which published keys may verify tokens, and why others may not. RFC 7517 §4–5, RFC 7518 §6, RFC 8725 §3.2. */
import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../lib/json-text.ts';
import { algorithmsOf, isJwsAlgorithm, type JwsAlgorithm } from './jwa.ts';
import { hasRocaFingerprint } from './roca.ts';

/** A public key that may verify tokens, and with which algorithms. */
export interface VerificationKey {
  readonly kid: string | undefined;
  readonly algorithms: ReadonlySet<JwsAlgorithm>;
  readonly key: KeyObject;
}

/** A published key that is not used, and a phrase for the log. */
export interface IgnoredKey {
  readonly kid: string | undefined;
  readonly why: string;
}

export interface JwkSet {
  readonly keys: readonly VerificationKey[];
  readonly ignored: readonly IgnoredKey[];
}

const MAX_KEYS = 100;
/** How many keys are tried for one token; each try is a signature verification. */
const MAX_CANDIDATES = 8;
const MIN_RSA_BITS = 2048;
/** OpenSSL verifies nothing beyond. */
const MAX_RSA_BITS = 16_384;
/** RFC 7518 §6.2.2, §6.3.2, §6.4: members of private and symmetric keys. */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * Reads a JWK Set. Undefined when it is not one. A key that cannot be used is listed in `ignored` and leaves the others
 * alone (RFC 7517 §5). Keys that share a `kid` are all kept. Only the first 100 keys are read.
 */
export function parseJwkSet(json: unknown): JwkSet | undefined {
  if (!isJsonObject(json) || !Array.isArray(json['keys'])) return undefined;
  const published: readonly unknown[] = json['keys'];
  const keys: VerificationKey[] = [];
  const ignored: IgnoredKey[] = [];
  for (const jwk of published.slice(0, MAX_KEYS)) {
    const parsed = parseJwk(jwk);
    if ('why' in parsed) ignored.push(parsed);
    else keys.push(parsed);
  }
  if (published.length > MAX_KEYS) ignored.push({ kid: undefined, why: `keys beyond the first ${MAX_KEYS}` });
  return { keys, ignored };
}

/**
 * The keys to try for a token. With a `kid` only those that carry it, without one all; always only those that fit the
 * algorithm, and at most 8.
 */
export function selectKeys(
  keys: readonly VerificationKey[],
  alg: JwsAlgorithm,
  kid: string | undefined,
): readonly VerificationKey[] {
  return keys
    .filter((key) => (kid === undefined || key.kid === kid) && key.algorithms.has(alg))
    .slice(0, MAX_CANDIDATES);
}

/** Reads one JWK: a public signature key with nothing against it, or why it is not used. */
export function parseJwk(jwk: unknown): VerificationKey | IgnoredKey {
  if (!isJsonObject(jwk)) return { kid: undefined, why: 'not an object' };
  const kid = typeof jwk['kid'] === 'string' ? jwk['kid'] : undefined;
  const why = unusableMember(jwk);
  if (why !== undefined) return { kid, why };
  const key = importPublicKey(jwk);
  if (key === undefined) return { kid, why: 'not a public RSA, EC or Ed25519 key' };
  const weakness = rsaWeakness(key);
  if (weakness !== undefined) return { kid, why: weakness };
  const { alg } = jwk;
  const algorithms = algorithmsOf(key).filter((candidate) => alg === undefined || candidate === alg);
  if (algorithms.length === 0) return { kid, why: 'no algorithm that fits the key' };
  return { kid, algorithms: new Set(algorithms), key };
}

/** What the members beside the key itself say against using it (RFC 7517 §4.2–4.5). */
function unusableMember(jwk: JsonObject): string | undefined {
  const { kty, kid, use, key_ops: keyOps, alg } = jwk;
  if (kty === 'oct') return 'a symmetric key';
  // Whoever can read the set can sign with it: such a key is compromised, its public half included.
  if (SECRET_MEMBERS.some((member) => jwk[member] !== undefined)) return 'a private key has been published';
  if (kid !== undefined && typeof kid !== 'string') return 'kid is not a string';
  if (use !== undefined && use !== 'sig') return 'use is not sig';
  if (keyOps !== undefined && !(Array.isArray(keyOps) && keyOps.includes('verify'))) return 'key_ops lacks verify';
  if (alg !== undefined && !(typeof alg === 'string' && isJwsAlgorithm(alg))) return 'alg is not a signature algorithm';
  return undefined;
}

/** Node checks member types, and that a point lies on its curve (RFC 8725 §3.4). */
function importPublicKey(jwk: JsonObject): KeyObject | undefined {
  const key: webcrypto.JsonWebKey = {};
  for (const member of ['kty', 'crv', 'x', 'y', 'n', 'e'] as const) {
    const value = jwk[member];
    if (typeof value === 'string') key[member] = value;
  }
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** RFC 7518 §3.3: 2048 bits or more; and the known ways to make a modulus or an exponent that anyone can undo. */
function rsaWeakness(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType !== 'rsa') return undefined;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS) return 'an RSA modulus below 2048 bits';
  if (modulusLength > MAX_RSA_BITS) return 'an RSA modulus above 16384 bits';
  if (publicExponent < 3n || publicExponent % 2n === 0n) return 'an RSA exponent that is even or below 3';
  const { n = '' } = key.export({ format: 'jwk' });
  if (hasRocaFingerprint(BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`))) return 'ROCA (CVE-2017-15361)';
  return undefined;
}
