/** The key that Obex signs with, and how others come to know it. RFC 7517 §4, RFC 7518 §3, RFC 8037 §3.1, RFC 7638. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { parsePrivateKey } from '../lib/pem.ts';
import { jwkThumbprint } from './jwk-thumbprint.ts';

/** EdDSA is the older name of Ed25519, and the one that libraries of today know. */
export type SigningAlgorithm = 'ES256' | 'ES384' | 'EdDSA' | 'RS256';

export interface SigningKey {
  readonly alg: SigningAlgorithm;
  /** RFC 7638 thumbprint, so that one key has one name everywhere. */
  readonly kid: string;
  /** JSON text of the public key as a JWK. */
  readonly publicJwk: string;
  /** base64url. */
  sign(input: string): string;
}

const DIGESTS: Readonly<Record<SigningAlgorithm, string | null>> = {
  ES256: 'sha256',
  ES384: 'sha384',
  EdDSA: null,
  RS256: 'sha256',
};
/** RFC 7518 §3.3; and beyond the second a signature takes longer than a request should. */
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 4096;

/** The key of a PEM text, or what is wrong with it, to be written behind the name of the file. */
export function parseSigningKey(pem: string): SigningKey | string {
  const privateKey = parsePrivateKey(pem);
  if (typeof privateKey === 'string') return privateKey;
  const alg = selectAlgorithm(privateKey);
  if (alg === undefined) {
    return 'holds a key that cannot sign assertions; take EC P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits';
  }
  const publicKey = createPublicKey(privateKey);
  const kid = jwkThumbprint(publicKey);
  return {
    alg,
    kid,
    publicJwk: JSON.stringify({ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg, kid }),
    // RFC 7518 §3.4: R and S side by side
    sign: (input) =>
      sign(DIGESTS[alg], Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
  };
}

function selectAlgorithm({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): SigningAlgorithm | undefined {
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails;
  if (asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256';
  if (asymmetricKeyType === 'ec' && namedCurve === 'secp384r1') return 'ES384';
  if (asymmetricKeyType === 'ed25519') return 'EdDSA';
  const fits = modulusLength >= MIN_RSA_BITS && modulusLength <= MAX_RSA_BITS;
  return asymmetricKeyType === 'rsa' && fits ? 'RS256' : undefined;
}
