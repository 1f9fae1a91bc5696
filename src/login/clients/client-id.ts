/** Client ids that hold their own registration, sealed, so that registering costs no memory. RFC 7591 §3.2.1, RFC 5116. */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { isString } from '../../oauth/claims.ts';
import { parseJsonObject } from '../../oauth/strict-json.ts';

/** What a client registered that has to be known later. */
export interface Registration {
  readonly redirectUris: readonly string[];
  readonly name: string | undefined;
}

/** A registration out of its client id. */
export interface SealedRegistration extends Registration {
  /** Seconds since the epoch. */
  readonly created: number;
}

export interface ClientIds {
  /** A new client id; undefined when the registration is longer than 2 KB. Two ids of the same data differ. */
  seal(registration: Registration): { readonly clientId: string; readonly created: number } | undefined;
  /** Undefined: not ours, altered, or older than 365 days. */
  open(clientId: string): SealedRegistration | undefined;
}

export interface ClientIdOptions {
  /** 32 bytes that are used for nothing else; the same in all replicas. */
  readonly key: Uint8Array;
  readonly clock: Clock;
}

/** Tells people whose id it is. */
const PREFIX = 'obex-';
const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_PAYLOAD_BYTES = 2048;
const MAX_ID_CHARACTERS = PREFIX.length + Math.ceil(((NONCE_BYTES + MAX_PAYLOAD_BYTES + TAG_BYTES) * 4) / 3);
const MAX_AGE_SECONDS = 365 * 24 * 3600;

export function createClientIds({ key, clock }: ClientIdOptions): ClientIds {
  const secretKey = createSecretKey(key);
  const nowSeconds = (): number => Math.floor(clock.nowMs() / 1000);

  return {
    seal({ redirectUris, name }) {
      const created = nowSeconds();
      const payload = Buffer.from(JSON.stringify({ u: redirectUris, n: name, c: created }));
      if (payload.length > MAX_PAYLOAD_BYTES) return undefined;
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, secretKey, nonce, { authTagLength: TAG_BYTES });
      const sealed = Buffer.concat([nonce, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
      return { clientId: PREFIX + sealed.toString('base64url'), created };
    },

    open(clientId) {
      const sealed = decode(clientId);
      if (sealed === undefined) return undefined;
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, secretKey, nonce, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const payload = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
      try {
        decipher.final();
      } catch {
        return undefined;
      }
      const registration = parsePayload(payload);
      return registration && nowSeconds() - registration.created <= MAX_AGE_SECONDS ? registration : undefined;
    },
  };
}

/** Only the one spelling: Node passes over what is not base64url, and over bits at the end, so that many ids would be one client. */
function decode(clientId: string): Buffer | undefined {
  if (!clientId.startsWith(PREFIX) || clientId.length > MAX_ID_CHARACTERS) return undefined;
  const encoded = clientId.slice(PREFIX.length);
  const sealed = Buffer.from(encoded, 'base64url');
  return sealed.length > NONCE_BYTES + TAG_BYTES && sealed.toString('base64url') === encoded ? sealed : undefined;
}

/** Sealed by us, perhaps by another version. */
function parsePayload(payload: Uint8Array): SealedRegistration | undefined {
  const { u: redirectUris, n: name, c: created } = parseJsonObject(payload) ?? {};
  if (!Array.isArray(redirectUris) || !redirectUris.every(isString)) return undefined;
  if (typeof created !== 'number' || (name !== undefined && !isString(name))) return undefined;
  return { redirectUris, name, created };
}
