/** Sealed texts and hidden names. NIST SP 800-38D, RFC 2104, RFC 5869. */
import assert from 'node:assert/strict';
import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { createByteSeal, createSeal } from '../../../../src/login/store/seal.ts';

const SECRET = 'a secret of the operator, long enough';
const NAME = 'code:name';

describe('the seal', () => {
  it('opens what it has sealed, and so does another of the same secret', () => {
    for (const text of ['', 'text', 'ü €\u{1f600}\0\n', 'x'.repeat(100_000)]) {
      const sealed = createSeal(SECRET).seal(NAME, text);
      assert.match(sealed, /^[\w-]+$/);
      assert.equal(createSeal(SECRET).unseal(NAME, sealed), text);
    }
  });

  it('is AES-256-GCM: version 1, nonce of 96 bits, text, tag of 128 bits; the name is authenticated', () => {
    const bytes = Buffer.from(createSeal(SECRET).seal(NAME, 'text'), 'base64url');
    assert.equal(bytes.length, 1 + 12 + 'text'.length + 16);
    assert.equal(bytes[0], 1);
    const key = new Uint8Array(hkdfSync('sha256', SECRET, '', 'obex login store values v1', 32));
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 13), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(NAME)).setAuthTag(bytes.subarray(-16));
    assert.equal(decipher.update(bytes.subarray(13, -16), undefined, 'utf8') + decipher.final('utf8'), 'text');
  });

  it('SP 800-38D §8: no nonce twice', () => {
    const { seal } = createSeal(SECRET);
    const sealed = Array.from({ length: 1_000 }, () => Buffer.from(seal(NAME, 'text'), 'base64url'));
    assert.equal(new Set(sealed.map((bytes) => bytes.toString('hex', 1, 13))).size, 1_000);
  });

  it('does not open what was sealed under another name or with another secret', () => {
    const sealed = createSeal(SECRET).seal(NAME, 'text');
    assert.equal(createSeal(SECRET).unseal('code:other', sealed), undefined);
    assert.equal(createSeal(SECRET).unseal('', sealed), undefined);
    assert.equal(createSeal(`${SECRET}.`).unseal(NAME, sealed), undefined);
  });

  it('does not open what was changed, cut, lengthened or written in another way', () => {
    const { seal, unseal } = createSeal(SECRET);
    const sealed = seal(NAME, 'text');
    const bytes = Buffer.from(sealed, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(unseal(NAME, changed.toString('base64url')), undefined, `bit ${bit}`);
    }
    for (let length = 0; length < sealed.length; length += 1) {
      assert.equal(unseal(NAME, sealed.slice(0, length)), undefined, `${length} characters`);
    }
    const other = [`${sealed}A`, `${sealed}=`, ` ${sealed}`, `${sealed}\n`, 'AA'.repeat(50), 'not base64url!', '{}'];
    for (const text of other) assert.equal(unseal(NAME, text), undefined, text);
  });

  it('RFC 4648 §3.5: does not open another spelling of the same bytes', () => {
    const { seal, unseal } = createSeal(SECRET);
    // 30 bytes more or less, so that the last character has bits to spare.
    const sealed = [seal(NAME, 'text'), seal(NAME, 'texts')].find((text) => text.length % 4 !== 0) ?? '';
    const bytes = Buffer.from(sealed, 'base64url');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twins = Array.from(alphabet)
      .map((last) => sealed.slice(0, -1) + last)
      .filter((text) => text !== sealed && bytes.equals(Buffer.from(text, 'base64url')));
    assert.ok(twins.length > 0);
    for (const twin of twins) assert.equal(unseal(NAME, twin), undefined);
  });

  it('opens nothing that was sealed for another use, under the same name', () => {
    const cookies = createByteSeal(SECRET, 'login cookies');
    const sealed = cookies.seal(NAME, Buffer.from('text'));
    assert.equal(createByteSeal(SECRET, 'login cookies').unseal(NAME, sealed)?.toString(), 'text');
    assert.equal(createSeal(SECRET).unseal(NAME, sealed), undefined);
    assert.equal(cookies.unseal(NAME, createSeal(SECRET).seal(NAME, 'text')), undefined);
  });

  it('hides an id behind HMAC-SHA256 with a key of its own', () => {
    const key = new Uint8Array(hkdfSync('sha256', SECRET, '', 'obex login store keys v1', 32));
    const digest = createHmac('sha256', key).update('a token').digest('base64url');
    assert.equal(createSeal(SECRET).hashKey('code', 'a token'), `code:${digest}`);
    assert.notEqual(createSeal(`${SECRET}.`).hashKey('code', 'a token'), `code:${digest}`);
  });
});
