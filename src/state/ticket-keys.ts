/** The keys that TLS session tickets are sealed with, and for how long. RFC 5077 §5.5, RFC 8446 §8.1, Appendix C.4. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';

/** RFC 5077 §4: name, HMAC key and cipher key, 16 bytes each. */
const TICKET_KEY_BYTES = 48;

/**
 * New keys are random, not derived, so that nothing in memory opens the tickets of an hour that is over. Nor does Obex
 * itself then: such a client has a full handshake once.
 */
export const TICKET_KEYS_LIFETIME_MS = 3_600_000;

export function createTicketKeys(): Buffer {
  return randomBytes(TICKET_KEY_BYTES);
}

/** Keys of one thread that has nobody to share them with: the same buffer until they are old. */
export function createRotatingTicketKeys(clock: Clock): () => Buffer {
  let keys = createTicketKeys();
  let expiresMs = clock.monotonicMs() + TICKET_KEYS_LIFETIME_MS;
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= expiresMs) {
      keys = createTicketKeys();
      expiresMs = nowMs + TICKET_KEYS_LIFETIME_MS;
    }
    return keys;
  };
}
