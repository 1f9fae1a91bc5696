/** Signature algorithms and the keys they may be used with. RFC 7518 §3, RFC 8037 §3.1, RFC 9864 §2.2, RFC 8725 §3.1–3.2. */
import { constants, type KeyObject, verify } from 'node:crypto';

/** What an algorithm needs. `curve` and `signatureLength` (bytes) only where the algorithm fixes them. */
interface JwaRow {
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  readonly digest: string | null;
  readonly saltLength?: number;
  readonly curve?: string;
  readonly signatureLength?: number;
}

const ALGORITHMS = {
  RS256: { keyType: 'rsa', digest: 'sha256' },
  RS384: { keyType: 'rsa', digest: 'sha384' },
  RS512: { keyType: 'rsa', digest: 'sha512' },
  // §3.5: the salt is as long as the hash
  PS256: { keyType: 'rsa', digest: 'sha256', saltLength: 32 },
  PS384: { keyType: 'rsa', digest: 'sha384', saltLength: 48 },
  PS512: { keyType: 'rsa', digest: 'sha512', saltLength: 64 },
  // §3.4: R and S side by side, each as long as the curve's order
  ES256: { keyType: 'ec', digest: 'sha256', curve: 'prime256v1', signatureLength: 64 },
  ES384: { keyType: 'ec', digest: 'sha384', curve: 'secp384r1', signatureLength: 96 },
  ES512: { keyType: 'ec', digest: 'sha512', curve: 'secp521r1', signatureLength: 132 },
  Ed25519: { keyType: 'ed25519', digest: null, signatureLength: 64 },
  // RFC 8037 §3.1: the key decides between Ed25519 and Ed448, for which RFC 9864 §4.1.2 deprecates the name. No known issuer
  // signs with Ed448, so here it is the older name of Ed25519.
  EdDSA: { keyType: 'ed25519', digest: null, signatureLength: 64 },
} as const satisfies Record<string, JwaRow>;

/** The asymmetric algorithms that Obex can verify. `none` and HS* are not among them, whatever is configured. */
export type JwsAlgorithm = keyof typeof ALGORITHMS;

/** All of them, for the config schema and tests. */
export const JWS_ALGORITHMS = Object.keys(ALGORITHMS).filter(isJwsAlgorithm);

/** Tells whether Obex can verify an algorithm; the name is case-sensitive (RFC 7515 §4.1.1). */
export function isJwsAlgorithm(alg: string): alg is JwsAlgorithm {
  return Object.hasOwn(ALGORITHMS, alg);
}

/** What is asked of a key for every signature. */
interface KeyFacts {
  readonly algorithms: readonly JwsAlgorithm[];
  /** Of an RSA key's modulus, which is the length of its signatures (RFC 8017 §8.1.2, §8.2.2 step 1). */
  readonly modulusBytes: number;
}

/** Asking a key itself takes longer than all the other checks of a signature together. */
const knownKeys = new WeakMap<KeyObject, KeyFacts>();

/** The algorithms that a public key can be used with. Empty when there is none (another curve, another kind of key). */
export function algorithmsOf(key: KeyObject): readonly JwsAlgorithm[] {
  return factsOf(key).algorithms;
}

function factsOf(key: KeyObject): KeyFacts {
  const known = knownKeys.get(key);
  if (known !== undefined) return known;
  const facts = {
    algorithms: JWS_ALGORITHMS.filter((alg) => fits(ALGORITHMS[alg], key)),
    modulusBytes: Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8),
  };
  knownKeys.set(key, facts);
  return facts;
}

/**
 * Verifies a JWS signature (RFC 7515 §5.2 step 8). False for a signature that does not verify, is of the wrong length, or
 * whose key does not belong to the algorithm. Synchronous: the thread pool costs more than the work.
 */
export function verifySignature(alg: JwsAlgorithm, key: KeyObject, signed: SignedBytes): boolean {
  const row: JwaRow = ALGORITHMS[alg];
  const { signingInput, signature } = signed;
  const { algorithms, modulusBytes } = factsOf(key);
  if (!algorithms.includes(alg)) return false;
  if (signature.length !== (row.signatureLength ?? modulusBytes)) return false;
  if (row.saltLength !== undefined) {
    const { saltLength } = row;
    return verify(row.digest, signingInput, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
  }
  if (row.keyType === 'ec') return verify(row.digest, signingInput, { key, dsaEncoding: 'ieee-p1363' }, signature);
  return verify(row.digest, signingInput, key, signature);
}

/** What was signed and the signature over it; a `Jws` is one. */
export interface SignedBytes {
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

/** RFC 8725 §3.2: an algorithm is used only with a key of its own kind. */
function fits(row: JwaRow, key: KeyObject): boolean {
  if (key.type !== 'public' || key.asymmetricKeyType !== row.keyType) return false;
  return row.curve === undefined || key.asymmetricKeyDetails?.namedCurve === row.curve;
}
