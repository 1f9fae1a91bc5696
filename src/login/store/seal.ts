/** Seals what the login keeps, and hides under which names. AES-256-GCM (NIST SP 800-38D), HMAC (RFC 2104), HKDF (RFC 5869). */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { deriveKey, type KeyUse } from '../../lib/derive-key.ts';

/** First byte of what is sealed: how the rest is to be read. */
const VERSION = 1;

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** SP 800-38D §8.3: random nonces of 96 bits are good for 2^32 texts of one key, 136 a second for a year. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES;

export interface Seal {
  /** `name` is where the text will stand; nothing that is sealed under one name opens under another. */
  seal(name: string, text: string): string;
  /** Undefined for whatever was not sealed by us, with this secret, under this name. */
  unseal(name: string, sealed: string): string | undefined;
  /** `kind:` and 43 characters that tell nothing of the id: the ids of the login are tokens. */
  hashKey(kind: string, id: string): string;
}

/** The same of bytes, with a key of its own. */
export interface ByteSeal {
  seal(name: string, bytes: Uint8Array): string;
  unseal(name: string, sealed: string): Buffer | undefined;
}

/** The same secret opens what it has sealed, in every process and after every restart. */
export function createSeal(secret: string): Seal {
  const values = createByteSeal(secret, 'login store values');
  const nameKey = deriveKey(secret, 'login store keys', KEY_BYTES);
  return {
    seal: (name, text) => values.seal(name, Buffer.from(text)),
    unseal: (name, sealed) => values.unseal(name, sealed)?.toString(),
    hashKey: (kind, id) => `${kind}:${createHmac('sha256', nameKey).update(id).digest('base64url')}`,
  };
}

export function createByteSeal(secret: string, use: KeyUse): ByteSeal {
  const key = deriveKey(secret, use, KEY_BYTES);
  return { seal: (name, bytes) => seal(key, name, bytes), unseal: (name, sealed) => unseal(key, name, sealed) };
}

function seal(key: Buffer, name: string, content: Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(name));
  const parts = [Buffer.of(VERSION), nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(parts).toString('base64url');
}

function unseal(key: Buffer, name: string, sealed: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < HEAD_BYTES + TAG_BYTES || bytes[0] !== VERSION) return undefined;
  // RFC 4648 §3.5: one text for one sealing, not also those with other last bits or with characters that are skipped.
  if (bytes.toString('base64url') !== sealed) return undefined;
  const nonce = bytes.subarray(1, HEAD_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(name));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const content = decipher.update(bytes.subarray(HEAD_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return content;
}
