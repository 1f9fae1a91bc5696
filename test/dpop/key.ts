/** The client's key: an EC P-256 key in a PEM file that only its owner can read, made once. RFC 9449 §4.1, RFC 5958. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { KeyPair } from 'dpop';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;

export interface ClientKey extends KeyPair {
  readonly isNew: boolean;
}

/** Reads the key; makes it first if there is no such file. */
export function loadKey(file: string): ClientKey {
  const isNew = !existsSync(file);
  if (isNew) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: ALGORITHM.namedCurve });
    // `wx`: whatever has come there meanwhile is not overwritten.
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  }
  const key = createPrivateKey(readFileSync(file));
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error(`${file} holds no EC P-256 key`);
  return { isNew, privateKey: toCryptoKey(key, 'sign'), publicKey: toCryptoKey(createPublicKey(key), 'verify') };
}

function toCryptoKey(key: KeyObject, use: 'sign' | 'verify'): KeyPair['privateKey'] {
  return key.toCryptoKey(ALGORITHM, use === 'verify', [use]);
}
