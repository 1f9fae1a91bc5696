/** Server-provided nonces that need no memory: the time of issue, sealed. RFC 9449 §8, §9. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { decodeBase64url } from './jws.ts';

/** `ageing` = good, but the client should get a newer one; `stale` = ours, but too old; `unknown` = not ours. */
export type NonceState = 'fresh' | 'ageing' | 'stale' | 'unknown';

export interface Nonces {
  /** The nonce to give out now; the same text for a while, so that clients may go on with the one they have. */
  issue(nowMs: number): string;
  check(nonce: string, nowMs: number): NonceState;
}

export interface NonceOptions {
  /** Shared by all replicas; at least 32 characters of it should be random. */
  readonly secret: string;
  /** How long a nonce is good after it was issued. */
  readonly lifetimeMs: number;
  /** Nonces of one scope are unknown in another that has the same secret. */
  readonly scope?: string | undefined;
}

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TIME_BYTES = 8;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Names the use of the derived key, so that the same secret may serve for something else. */
const PURPOSE = 'obex dpop nonce v1';

/**
 * A nonce is base64url of IV ‖ AES-256-GCM(time of issue) ‖ tag: 48 characters that nobody can foretell or make without the
 * secret (RFC 9449 §8: "unpredictable"). A new one is issued in every third of the lifetime, so that one just given out
 * stays good for two thirds of it.
 */
export function createNonces({ secret, lifetimeMs, scope }: NonceOptions): Nonces {
  const purpose = scope === undefined ? PURPOSE : `${PURPOSE} ${scope}`;
  const key = Buffer.from(hkdfSync('sha256', secret, '', purpose, KEY_BYTES));
  const turnMs = lifetimeMs / 3;
  let current: { readonly nonce: string; readonly issuedAtMs: number } | undefined;

  return {
    issue(nowMs) {
      if (current === undefined || Math.abs(nowMs - current.issuedAtMs) >= turnMs) {
        current = { nonce: seal(key, nowMs), issuedAtMs: nowMs };
      }
      return current.nonce;
    },
    check(nonce, nowMs) {
      const issuedAtMs = nonce === current?.nonce ? current.issuedAtMs : open(key, nonce);
      if (issuedAtMs === undefined) return 'unknown';
      // A nonce from the future comes from a replica whose clock is ahead, and is bounded like one from the past.
      if (Math.abs(nowMs - issuedAtMs) > lifetimeMs) return 'stale';
      // By age, and not by being another than the current one: each thread and replica has a current one of its own.
      return nowMs - issuedAtMs < turnMs ? 'fresh' : 'ageing';
    },
  };
}

function seal(key: Uint8Array, timeMs: number): string {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeDoubleBE(timeMs);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv);
  return Buffer.concat([iv, cipher.update(time), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

function open(key: Uint8Array, nonce: string): number | undefined {
  const sealed = decodeBase64url(nonce);
  if (sealed?.length !== IV_BYTES + TIME_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    const time = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES));
    decipher.final();
    return time.readDoubleBE();
  } catch {
    return undefined;
  }
}
