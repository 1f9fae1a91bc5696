/** A DPoP client of our own: makes proofs as they should be, and as no library would make them. RFC 9449 §4.2. */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { hashAccessToken } from '../../src/oauth/dpop-proof.ts';
import type { JwsAlgorithm } from '../../src/oauth/jwa.ts';
import { jwkThumbprint } from '../../src/oauth/jwk-thumbprint.ts';
import { type Content, encodePart } from './jws.ts';

type Members = Readonly<Record<string, unknown>>;

/** What to change in a good proof; a member that is undefined is left out. */
export interface ProofChange {
  readonly header?: Members;
  readonly claims?: Members;
  /** Instead of header and claims altogether. */
  readonly rawHeader?: Content;
  readonly rawPayload?: Content;
}

export const PROOF_NOW_MS = 1.79e12;
export const ACCESS_TOKEN = 'an.access.token';
/** What a proof is made for, unless a test says otherwise. */
export const PROVEN_REQUEST = { method: 'POST', targetUri: 'https://my-tool.example.com/mcp' };

export interface Prover {
  readonly alg: JwsAlgorithm;
  readonly jwk: Members;
  readonly jkt: string;
  readonly privateKey: KeyObject;
  /** A proof for `PROVEN_REQUEST` made at `PROOF_NOW_MS`, with `change` applied before it is signed. */
  prove(change?: ProofChange): string;
}

export function createProver(alg: JwsAlgorithm = 'ES256', keys = generateKeys(alg)): Prover {
  const { publicKey, privateKey } = keys;
  const jwk = { ...publicKey.export({ format: 'jwk' }) };
  const digest = alg.startsWith('Ed') ? null : `sha${alg.slice(2)}`;
  return {
    alg,
    jwk,
    jkt: jwkThumbprint(publicKey),
    privateKey,
    prove({ header, claims, rawHeader, rawPayload } = {}) {
      const headerPart = encodePart(rawHeader ?? { typ: 'dpop+jwt', alg, jwk, ...header });
      const payloadPart = encodePart(rawPayload ?? { ...goodClaims(), ...claims });
      const input = `${headerPart}.${payloadPart}`;
      const options = alg.startsWith('ES') ? ({ dsaEncoding: 'ieee-p1363' } as const) : {};
      const padding = alg.startsWith('PS') ? { padding: 6, saltLength: Number(alg.slice(2)) / 8 } : {};
      return `${input}.${encodePart(sign(digest, Buffer.from(input), { key: privateKey, ...options, ...padding }))}`;
    },
  };
}

export function goodClaims(): Members {
  return {
    jti: randomUUID(),
    htm: PROVEN_REQUEST.method,
    htu: PROVEN_REQUEST.targetUri,
    iat: PROOF_NOW_MS / 1000,
    ath: hashAccessToken(ACCESS_TOKEN),
  };
}

function generateKeys(alg: JwsAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg.startsWith('Ed')) return generateKeyPairSync('ed25519');
  if (!alg.startsWith('ES')) return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return generateKeyPairSync('ec', { namedCurve: alg === 'ES512' ? 'P-521' : `P-${alg.slice(2)}` });
}
