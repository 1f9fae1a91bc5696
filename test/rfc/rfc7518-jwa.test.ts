/** Signatures: every algorithm, and every way to cheat with one. RFC 7518 §3, RFC 8037 §3.1, RFC 9864 §2.2, RFC 8725 §3.1–3.2. */
import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { algorithmsOf, isJwsAlgorithm, JWS_ALGORITHMS, verifySignature } from '../../src/oauth/jwa.ts';
import { createSigner, encodePart, parseGoodJws } from '../support/jws.ts';

/** RFC 9864 §2.2, §4.1.2: the fully-specified name, and the deprecated one that stands for it. */
const SAME_SIGNATURE = ['Ed25519', 'EdDSA'];
const CLAIMS = { iss: 'https://issuer.example' };
const signers = await Promise.all(JWS_ALGORITHMS.map(async (alg) => ({ alg, signer: await createSigner(alg) })));

for (const { alg, signer } of signers) {
  describe(`RFC 7518 §3.1: ${alg}`, () => {
    const { publicKey } = signer;

    it('verifies what jose signed', async () => {
      assert.equal(verifySignature(alg, publicKey, parseGoodJws(await signer.sign(CLAIMS))), true);
    });

    it('refuses another payload, another header, another key', async () => {
      const token = await signer.sign(CLAIMS);
      const [header = '', payload = '', signature = ''] = token.split('.');
      const other = await createSigner(alg);
      const changed = [
        `${header}.${encodePart({ iss: 'https://evil.example' })}.${signature}`,
        `${encodePart({ alg, kid: 'x' })}.${payload}.${signature}`,
      ];
      for (const text of changed) assert.equal(verifySignature(alg, publicKey, parseGoodJws(text)), false);
      assert.equal(verifySignature(alg, other.publicKey, parseGoodJws(token)), false);
    });

    it('refuses every signature of another length', async () => {
      const { signingInput, signature } = parseGoodJws(await signer.sign(CLAIMS));
      const lengths = [0, 1, signature.length / 2, signature.length - 1];
      const wrong = [
        ...lengths.map((length) => signature.subarray(0, length)),
        Buffer.concat([signature, Buffer.alloc(1)]),
        Buffer.concat([Buffer.alloc(1), signature]),
        Buffer.concat([signature, signature]),
      ];
      for (const candidate of wrong) {
        assert.equal(verifySignature(alg, publicKey, { signingInput, signature: candidate }), false);
      }
    });

    it('refuses a flipped bit at either end, and constant bytes (CVE-2022-21449)', async () => {
      const { signingInput, signature } = parseGoodJws(await signer.sign(CLAIMS));
      for (const index of [0, signature.length - 1]) {
        const flipped = Buffer.from(signature);
        flipped.writeUInt8(flipped.readUInt8(index) ^ 1, index);
        assert.equal(verifySignature(alg, publicKey, { signingInput, signature: flipped }), false);
      }
      for (const byte of [0x00, 0x01, 0xff]) {
        const constant = Buffer.alloc(signature.length, byte);
        assert.equal(verifySignature(alg, publicKey, { signingInput, signature: constant }), false);
      }
    });

    it('verifies under no other algorithm, with no key of another kind (RFC 8725 §3.1)', async () => {
      const jws = parseGoodJws(await signer.sign(CLAIMS));
      for (const other of signers) {
        if (other.alg === alg) continue;
        if (SAME_SIGNATURE.includes(alg) && SAME_SIGNATURE.includes(other.alg)) continue;
        assert.equal(verifySignature(other.alg, publicKey, jws), false, `${other.alg} with the ${alg} key`);
        assert.equal(verifySignature(alg, other.signer.publicKey, jws), false, `${alg} with the ${other.alg} key`);
      }
    });
  });
}

describe('RFC 7518 §3.4', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signingInput = Buffer.from('a.b');

  it('refuses a DER-encoded signature', () => {
    const signature = sign('sha256', signingInput, pair.privateKey);
    assert.equal(verifySignature('ES256', pair.publicKey, { signingInput, signature }), false);
  });

  it('refuses r or s outside 1 … n − 1', () => {
    const signature = sign('sha256', signingInput, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
    assert.equal(verifySignature('ES256', pair.publicKey, { signingInput, signature }), true);
    const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
    for (const bad of [Buffer.alloc(32), order, Buffer.alloc(32, 0xff)]) {
      const badR = Buffer.concat([bad, signature.subarray(32)]);
      const badS = Buffer.concat([signature.subarray(0, 32), bad]);
      assert.equal(verifySignature('ES256', pair.publicKey, { signingInput, signature: badR }), false);
      assert.equal(verifySignature('ES256', pair.publicKey, { signingInput, signature: badS }), false);
    }
  });
});

describe('RFC 9864 §2.2: "EdDSA using the Ed25519 parameter set"', () => {
  const signingInput = Buffer.from('a.b');

  it('one signature verifies by the fully-specified name and by the one that §4.1.2 deprecates', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const signature = sign(null, signingInput, privateKey);
    for (const alg of ['Ed25519', 'EdDSA'] as const) {
      assert.equal(verifySignature(alg, publicKey, { signingInput, signature }), true);
    }
  });

  it('no other curve verifies, by either name', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed448');
    const signature = sign(null, signingInput, privateKey);
    for (const alg of ['Ed25519', 'EdDSA'] as const) {
      assert.equal(verifySignature(alg, publicKey, { signingInput, signature }), false);
    }
  });
});

describe('RFC 7518 §3.3, §3.5', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signingInput = Buffer.from('a.b');

  it('refuses a signature that is the right number plus the modulus (RFC 8017 §8.2.2)', () => {
    const signature = sign('sha256', signingInput, pair.privateKey);
    const { n = '' } = pair.publicKey.export({ format: 'jwk' });
    const toNumber = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);
    const sum = (toNumber(signature) + toNumber(Buffer.from(n, 'base64url'))).toString(16);
    const congruent = Buffer.from(sum.padStart(sum.length + (sum.length % 2), '0'), 'hex');
    assert.equal(verifySignature('RS256', pair.publicKey, { signingInput, signature }), true);
    assert.equal(verifySignature('RS256', pair.publicKey, { signingInput, signature: congruent }), false);
  });

  it('refuses a PSS salt that is not as long as the hash', () => {
    for (const saltLength of [0, 20, 31, 33, 64]) {
      const signature = sign('sha256', signingInput, { key: pair.privateKey, padding: 6, saltLength });
      assert.equal(verifySignature('PS256', pair.publicKey, { signingInput, signature }), false, `salt ${saltLength}`);
    }
  });

  it('refuses a signature over another hash', () => {
    const signature = sign('sha1', signingInput, pair.privateKey);
    for (const alg of ['RS256', 'RS384', 'RS512'] as const) {
      assert.equal(verifySignature(alg, pair.publicKey, { signingInput, signature }), false);
    }
  });

  it('refuses an HMAC made with the public key as the secret (Hono CVE-2026-22817)', () => {
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' });
    const signature = createHmac('sha256', pem).update(signingInput).digest();
    assert.equal(isJwsAlgorithm('HS256'), false);
    for (const alg of JWS_ALGORITHMS) {
      assert.equal(verifySignature(alg, pair.publicKey, { signingInput, signature }), false);
    }
  });

  it('verifies with public keys only', () => {
    const signature = sign('sha256', signingInput, pair.privateKey);
    const privateKey = createPrivateKey({ key: pair.privateKey.export({ format: 'jwk' }), format: 'jwk' });
    assert.equal(verifySignature('RS256', privateKey, { signingInput, signature }), false);
  });
});

describe('RFC 8725 §3.1', () => {
  it('knows the asymmetric algorithms and no other name', () => {
    const names = [
      'none',
      'None',
      'HS256',
      'HS512',
      'rs256',
      'RS256 ',
      'RS1',
      'ES256K',
      'Ed448',
      'ed25519',
      'EDDSA',
      '',
      '__proto__',
      'toString',
    ];
    assert.deepEqual(names.filter(isJwsAlgorithm), []);
    assert.deepEqual(JWS_ALGORITHMS.filter(isJwsAlgorithm), JWS_ALGORITHMS);
    assert.equal(JWS_ALGORITHMS.join(' '), 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 Ed25519 EdDSA');
  });

  it('assigns algorithms by kind of key and curve (RFC 8725 §3.2)', () => {
    const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
    const algorithmsOfNew = (pair: { readonly publicKey: Parameters<typeof algorithmsOf>[0] }) =>
      algorithmsOf(pair.publicKey);
    assert.deepEqual(algorithmsOfNew(generateKeyPairSync('rsa', { modulusLength: 2048 })), rsa);
    assert.deepEqual(algorithmsOfNew(generateKeyPairSync('ec', { namedCurve: 'P-256' })), ['ES256']);
    assert.deepEqual(algorithmsOfNew(generateKeyPairSync('ec', { namedCurve: 'P-384' })), ['ES384']);
    assert.deepEqual(algorithmsOfNew(generateKeyPairSync('ec', { namedCurve: 'P-521' })), ['ES512']);
    assert.deepEqual(algorithmsOfNew(generateKeyPairSync('ed25519')), ['Ed25519', 'EdDSA']);
    assert.deepEqual(algorithmsOfNew(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })), []);
    assert.deepEqual(algorithmsOfNew(generateKeyPairSync('ed448')), []);
    assert.deepEqual(algorithmsOfNew(generateKeyPairSync('x25519')), []);
  });
});
