/** RFC 7638: JSON Web Key Thumbprint. */
import assert from 'node:assert/strict';
import { createPublicKey, createSecretKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { calculateJwkThumbprint } from 'jose';
import { jwkThumbprint, memberThumbprint } from '../../src/oauth/jwk-thumbprint.ts';

const thumbprint = (jwk: Record<string, string>): string => jwkThumbprint(createPublicKey({ key: jwk, format: 'jwk' }));

describe('RFC 7638 §3.1', () => {
  it('gives the thumbprint of the example, whatever the order and the optional members', () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
    const expected = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';
    assert.equal(thumbprint({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }), expected);
    assert.equal(thumbprint({ kid: 'other', e: 'AQAB', n, kty: 'RSA' }), expected);
  });
});

describe('RFC 8037 Appendix A.3', () => {
  it('gives the thumbprint of the Ed25519 example', () => {
    assert.equal(
      thumbprint({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }),
      'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    );
  });
});

describe('RFC 7638 §3.2: required members of each key type', () => {
  const keys = {
    'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    Ed25519: generateKeyPairSync('ed25519'),
  };
  for (const [name, { publicKey }] of Object.entries(keys)) {
    it(`agrees with jose about a ${name} key`, async () => {
      assert.equal(jwkThumbprint(publicKey), await calculateJwkThumbprint(publicKey.export({ format: 'jwk' })));
    });
  }

  for (const [name, { publicKey }] of Object.entries(keys)) {
    it(`tells that of a ${name} key from its members alone, however they are written`, () => {
      const jwk = publicKey.export({ format: 'jwk' });
      const expected = jwkThumbprint(publicKey);
      assert.equal(memberThumbprint({ ...jwk, kid: 'k', use: 'sig' }), expected);
      for (const member of ['n', 'e', 'x', 'y'] as const) {
        const value = jwk[member];
        if (value === undefined) continue;
        const padded = Buffer.concat([Buffer.alloc(3), Buffer.from(value, 'base64url')]).toString('base64url');
        assert.equal(memberThumbprint({ ...jwk, [member]: padded }), expected, member);
        assert.equal(memberThumbprint({ ...jwk, [member]: 1 }), undefined);
        assert.notEqual(memberThumbprint({ ...jwk, [member]: 'AQ' }), expected);
      }
    });
  }

  it('a coordinate that begins with zeros keeps them', async () => {
    for (let tries = 0; ; tries += 1) {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const jwk = publicKey.export({ format: 'jwk' });
      const x = Buffer.from(jwk.x ?? '', 'base64url');
      if (x[0] !== 0) continue;
      assert.equal(memberThumbprint({ ...jwk }), await calculateJwkThumbprint(jwk));
      assert.equal(memberThumbprint({ ...jwk, x: x.subarray(1).toString('base64url') }), jwkThumbprint(publicKey));
      return;
    }
  });

  it('tells none of members that make no key which is known here', () => {
    const { x, y } = keys['P-256'].publicKey.export({ format: 'jwk' });
    for (const jwk of [
      {},
      { kty: 'oct', k: 'AAAA' },
      { kty: 'EC', crv: 'secp256k1', x, y },
      { kty: 'OKP', crv: 'X25519', x },
    ]) {
      assert.equal(memberThumbprint(jwk), undefined);
    }
  });

  it('§7: has none for a symmetric key, whose thumbprint would help to guess it', () => {
    assert.throws(() => jwkThumbprint(createSecretKey(Buffer.alloc(32))), TypeError);
  });
});
