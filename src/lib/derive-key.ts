/** Keys that are made of one secret, a different one for each use. RFC 5869 (HKDF with SHA-256). */
import { hkdfSync } from 'node:crypto';

/** §3.2: what a key is for; whoever knows one key learns nothing of the others. */
export type KeyUse =
  | 'dpop nonces'
  | 'login client ids'
  | 'login cookies'
  | 'login states'
  | 'login store keys'
  | 'login store values'
  | 'control requests'
  | 'control answers';

/** The same secret and use give the same key, in every replica and after every restart. */
export function deriveKey(secret: string, use: KeyUse, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `obex ${use} v1`, bytes));
}
