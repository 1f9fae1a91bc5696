/** Makes JWS texts, good ones and ones that no library would write. RFC 7515 §7.1. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose';
import { type Denial, deny } from '../../src/oauth/denial.ts';
import type { JwsAlgorithm } from '../../src/oauth/jwa.ts';
import { type Jws, parseJws } from '../../src/oauth/jws.ts';

export type Content = Readonly<Record<string, unknown>> | Uint8Array | string;

/** base64url of bytes, of a text, or of an object's JSON. */
export function encodePart(content: Content): string {
  if (content instanceof Uint8Array) return Buffer.from(content).toString('base64url');
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)).toString('base64url');
}

/** A compact JWS with any header, payload and signature. */
export function compactJws(header: Content, payload: Content, signature: Uint8Array = Buffer.alloc(64, 1)): string {
  return `${encodePart(header)}.${encodePart(payload)}.${encodePart(signature)}`;
}

/** Parses a JWS that must be well-formed. */
export function parseGoodJws(compact: string): Jws {
  const jws = parseJws(compact);
  if ('denied' in jws) throw new Error(`refused: ${JSON.stringify(jws.evidence)}`);
  return jws;
}

/** A key pair of an algorithm, made by jose, and what signs with it. */
export interface Signer {
  readonly jwk: JWK;
  readonly publicKey: KeyObject;
  sign(payload: Content, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

export async function createSigner(alg: JwsAlgorithm): Promise<Signer> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(pair.publicKey);
  return {
    jwk,
    publicKey: createPublicKey({ key: { ...jwk }, format: 'jwk' }),
    sign: (payload, header = {}) =>
      new CompactSign(Buffer.from(encodePart(payload), 'base64url'))
        .setProtectedHeader({ alg, ...header })
        .sign(pair.privateKey),
  };
}

/** The refusal of a malformed token, as `parseJws` and the claim checks word it. */
export function invalidToken(detail: string): Denial {
  return deny('invalid_token', { detail });
}
