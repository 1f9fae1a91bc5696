/** The cache of verified tokens: exact keys, expiry, bounds, and what a removed key takes along. */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import type { VerificationKey } from '../../../src/oauth/jwks.ts';
import type { Principal } from '../../../src/oauth/principal.ts';
import { type VerifiedToken, VerifiedTokens } from '../../../src/state/verified-tokens.ts';
import { issuerKey } from '../../support/test-issuer.ts';

const LIMITS = { maxEntries: 100, maxBytes: 1_000_000 };

function verificationKey(name: string): VerificationKey {
  const key = createPublicKey(issuerKey('ES256', name).privateKey);
  return { kid: name, algorithms: new Set(['ES256'] as const), key };
}

const KEY = verificationKey('key-1');
const PRINCIPAL: Principal = {
  accessToken: undefined,
  key: KEY,
  identityFields: ['X-Obex-User', 'alice'],
  rateLimitKey: 'k',
};

function entry(override: Partial<VerifiedToken> = {}): VerifiedToken {
  return {
    principal: PRINCIPAL,
    issuer: 'https://a.example',
    expiresAtMs: 1_000,
    recheckAtMs: Infinity,
    ath: '',
    ...override,
  };
}

describe('VerifiedTokens', () => {
  it('gives back exactly the entry of exactly the token', () => {
    const tokens = new VerifiedTokens(LIMITS);
    const kept = entry();
    tokens.set('a.b.c', kept);
    assert.equal(tokens.get('a.b.c', 0), kept);
    for (const other of ['a.b.C', 'a.b.c ', 'a.b.', '', '__proto__', 'constructor'])
      assert.equal(tokens.get(other, 0), undefined);
  });

  it('RFC 7519 §4.1.4: an entry is gone on and after its expiry', () => {
    const tokens = new VerifiedTokens(LIMITS);
    tokens.set('a', entry({ expiresAtMs: 1_000 }));
    assert.notEqual(tokens.get('a', 999), undefined);
    assert.equal(tokens.get('a', 1_000), undefined);
    assert.equal(tokens.entries, 0);
    assert.equal(tokens.bytes, 0);
    assert.equal(tokens.get('a', 0), undefined, 'it does not come back when the clock does');
  });

  it('keepOnly drops what a removed key has verified, for this issuer alone', () => {
    const tokens = new VerifiedTokens(LIMITS);
    const other = verificationKey('key-2');
    tokens.set('a1', entry());
    tokens.set('a2', entry({ principal: { ...PRINCIPAL, key: other } }));
    tokens.set('b1', entry({ issuer: 'https://b.example' }));
    tokens.keepOnly('https://a.example', [other]);
    assert.equal(tokens.get('a1', 0), undefined);
    assert.notEqual(tokens.get('a2', 0), undefined);
    assert.notEqual(tokens.get('b1', 0), undefined);
    tokens.keepOnly('https://a.example', []);
    assert.equal(tokens.get('a2', 0), undefined);
  });

  it('keepOnly keeps what rests on the word of the issuer, and on no key', () => {
    const tokens = new VerifiedTokens(LIMITS);
    tokens.set('a', entry({ principal: { ...PRINCIPAL, key: undefined } }));
    tokens.keepOnly('https://a.example', []);
    assert.notEqual(tokens.get('a', 0), undefined);
  });

  it('an equal key that is another object is another key', () => {
    const tokens = new VerifiedTokens(LIMITS);
    tokens.set('a', entry());
    tokens.keepOnly('https://a.example', [verificationKey('key-1')]);
    assert.equal(tokens.get('a', 0), undefined);
  });

  it('is bounded in entries: the least recently used goes first', () => {
    const tokens = new VerifiedTokens({ ...LIMITS, maxEntries: 2 });
    tokens.set('a', entry());
    tokens.set('b', entry());
    tokens.get('a', 0);
    tokens.set('c', entry());
    assert.equal(tokens.entries, 2);
    assert.equal(tokens.get('b', 0), undefined);
    assert.notEqual(tokens.get('a', 0), undefined);
  });

  it('is bounded in bytes, tokens and identity fields counted', () => {
    const tokens = new VerifiedTokens({ ...LIMITS, maxBytes: 10_000 });
    for (let round = 0; round < 100; round += 1) {
      tokens.set(`${round}${'x'.repeat(1_000)}`, entry());
      assert.ok(tokens.bytes <= 10_000);
    }
    assert.ok(tokens.entries >= 3 && tokens.entries < 10, String(tokens.entries));
    tokens.set('y'.repeat(10_001), entry());
    assert.equal(tokens.get('y'.repeat(10_001), 0), undefined);
  });

  for (const limits of [
    { ...LIMITS, maxEntries: 0 },
    { ...LIMITS, maxBytes: 0 },
  ]) {
    it(`${JSON.stringify(limits)} turns it off`, () => {
      const tokens = new VerifiedTokens(limits);
      tokens.set('a', entry());
      assert.equal(tokens.get('a', 0), undefined);
      assert.equal(tokens.entries, 0);
    });
  }
});
