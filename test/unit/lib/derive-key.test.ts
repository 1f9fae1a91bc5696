/** Keys derived from one secret. RFC 5869 §2, Appendix A. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { deriveKey } from '../../../src/lib/derive-key.ts';

describe('deriveKey', () => {
  it('is HKDF-SHA256 with the use as info and no salt', () => {
    const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();
    // RFC 5869 §2.2: without a salt, as many zeros as the hash is long; §2.3: T(1)
    const prk = hmac(Buffer.alloc(32), 'a secret of the operator');
    assert.deepEqual(deriveKey('a secret of the operator', 'dpop nonces', 32), hmac(prk, 'obex dpop nonces v1\u0001'));
  });

  it('gives each secret keys of its own', () => {
    assert.notDeepEqual(deriveKey('one', 'dpop nonces', 32), deriveKey('other', 'dpop nonces', 32));
  });
});
