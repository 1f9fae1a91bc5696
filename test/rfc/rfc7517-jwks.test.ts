/** Which published keys verify tokens. RFC 7517 §4–5, RFC 7518 §6, RFC 8725 §3.2–3.4. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { parseJwkSet, selectKeys, type VerificationKey } from '../../src/oauth/jwks.ts';

type Jwk = Readonly<Record<string, unknown>>;

const toJwk = (key: KeyObject): Jwk => ({ ...key.export({ format: 'jwk' }) });
const rsaPair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ecPair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA = toJwk(rsaPair.publicKey);
const EC = toJwk(ecPair.publicKey);
const ED25519 = toJwk(generateKeyPairSync('ed25519').publicKey);
const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

/** What became of one key: its algorithms, or why it was ignored. */
function judge(jwk: unknown): string {
  const set = parseJwkSet({ keys: [jwk] });
  assert.ok(set);
  assert.equal(set.keys.length + set.ignored.length, 1);
  return set.keys.map(({ algorithms }) => [...algorithms].join(' ')).join() + set.ignored.map(({ why }) => why).join();
}

function encodeNumber(number: bigint): string {
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}

/** A number congruent to a power of 65537 modulo the product of the primes up to 701, as the Infineon library makes. */
function rocaModulus(bits: number): bigint {
  let product = 1n;
  for (let candidate = 2; candidate <= 701; candidate += 1) {
    if (Array.from({ length: candidate - 2 }, (_, index) => index + 2).every((divisor) => candidate % divisor !== 0)) {
      product *= BigInt(candidate);
    }
  }
  let power = 1n;
  for (let step = 0; step < 12_345; step += 1) power = (power * 65_537n) % product;
  return product * (1n << BigInt(bits - product.toString(2).length)) + power;
}

describe('RFC 7517 §5', () => {
  for (const json of [undefined, null, 'keys', [], {}, { keys: {} }, { keys: null }, { keys: 'a' }, { key: [] }]) {
    it(`takes ${JSON.stringify(json)} for no JWK Set`, () => assert.equal(parseJwkSet(json), undefined));
  }

  it('reads an empty set', () => assert.deepEqual(parseJwkSet({ keys: [] }), { keys: [], ignored: [] }));

  it('ignores members that it does not know', () => {
    assert.equal(parseJwkSet({ keys: [{ ...RSA, x5t: 'a', ext: true }], next: 1 })?.keys.length, 1);
  });

  it('lets no bad key sink the set, and says why each was left out', () => {
    const set = parseJwkSet({
      keys: [null, { ...RSA, kid: 'a' }, { kty: 'oct', k: 'AAAA', kid: 'b' }, { ...EC, kid: 'c' }],
    });
    assert.deepEqual(
      set?.keys.map(({ kid }) => kid),
      ['a', 'c'],
    );
    assert.deepEqual(set?.ignored, [
      { kid: undefined, why: 'not an object' },
      { kid: 'b', why: 'a symmetric key' },
    ]);
  });

  it('keeps all keys that share a kid', () => {
    const set = parseJwkSet({
      keys: [
        { ...RSA, kid: 'a' },
        { ...EC, kid: 'a' },
        { ...RSA, kid: 'a' },
      ],
    });
    assert.deepEqual(
      set?.keys.map(({ kid }) => kid),
      ['a', 'a', 'a'],
    );
  });

  it('reads the first 100 keys', () => {
    const set = parseJwkSet({ keys: Array.from({ length: 150 }, () => EC) });
    assert.equal(set?.keys.length, 100);
    assert.deepEqual(set?.ignored, [{ kid: undefined, why: 'keys beyond the first 100' }]);
  });
});

describe('RFC 7517 §4', () => {
  const judged: readonly [string, unknown, string][] = [
    ['an RSA key without alg', RSA, RSA_ALGORITHMS.join(' ')],
    ['an EC key without alg', EC, 'ES256'],
    ['an Ed25519 key, by either name (RFC 9864)', ED25519, 'Ed25519 EdDSA'],
    ['alg EdDSA names one of them', { ...ED25519, alg: 'EdDSA' }, 'EdDSA'],
    ['alg Ed25519 names the other', { ...ED25519, alg: 'Ed25519' }, 'Ed25519'],
    ['alg Ed25519 on a key of another kind', { ...EC, alg: 'Ed25519' }, 'no algorithm that fits the key'],
    ['alg narrows (§4.4)', { ...RSA, alg: 'PS384' }, 'PS384'],
    ['alg of another kind of key', { ...RSA, alg: 'ES256' }, 'no algorithm that fits the key'],
    ['alg of another curve', { ...EC, alg: 'ES384' }, 'no algorithm that fits the key'],
    ['alg for encryption', { ...RSA, alg: 'RSA-OAEP' }, 'alg is not a signature algorithm'],
    ['alg HS256 on an RSA key', { ...RSA, alg: 'HS256' }, 'alg is not a signature algorithm'],
    ['alg none', { ...RSA, alg: 'none' }, 'alg is not a signature algorithm'],
    ['alg no string', { ...RSA, alg: ['RS256'] }, 'alg is not a signature algorithm'],
    ['use sig (§4.2)', { ...EC, use: 'sig' }, 'ES256'],
    ['use enc', { ...EC, use: 'enc' }, 'use is not sig'],
    ['use null', { ...EC, use: null }, 'use is not sig'],
    ['key_ops with verify (§4.3)', { ...EC, key_ops: ['sign', 'verify'] }, 'ES256'],
    ['key_ops without verify', { ...EC, key_ops: ['encrypt'] }, 'key_ops lacks verify'],
    ['key_ops empty', { ...EC, key_ops: [] }, 'key_ops lacks verify'],
    ['key_ops a string', { ...EC, key_ops: 'verify' }, 'key_ops lacks verify'],
    ['kid a number (§4.5)', { ...EC, kid: 1 }, 'kid is not a string'],
    ['not an object', 'key', 'not an object'],
    ['an array', [EC], 'not an object'],
    ['no kty', { n: RSA['n'], e: RSA['e'] }, 'not a public RSA, EC or Ed25519 key'],
    ['an unknown kty', { ...RSA, kty: 'AKP' }, 'not a public RSA, EC or Ed25519 key'],
    ['kty in lower case', { ...RSA, kty: 'rsa' }, 'not a public RSA, EC or Ed25519 key'],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }, 'a symmetric key'],
    ['a private RSA key', toJwk(rsaPair.privateKey), 'a private key has been published'],
    ['a private EC key', toJwk(ecPair.privateKey), 'a private key has been published'],
    ['a public key with a k', { ...EC, k: 'AA' }, 'a private key has been published'],
  ];
  for (const [name, jwk, outcome] of judged) {
    it(`judges ${name}: ${outcome}`, () => assert.equal(judge(jwk), outcome));
  }
});

describe('RFC 7518 §6.2', () => {
  const curve = (namedCurve: string) => toJwk(generateKeyPairSync('ec', { namedCurve }).publicKey);
  const notAKey = 'not a public RSA, EC or Ed25519 key';
  const judged: readonly [string, unknown, string][] = [
    ['P-384', curve('P-384'), 'ES384'],
    ['P-521', curve('P-521'), 'ES512'],
    ['secp256k1', curve('secp256k1'), 'no algorithm that fits the key'],
    ['a point that is not on the curve (RFC 8725 §3.4)', { ...EC, y: EC['x'] }, notAKey],
    [
      'the point 0, 0',
      { ...EC, x: Buffer.alloc(32).toString('base64url'), y: Buffer.alloc(32).toString('base64url') },
      notAKey,
    ],
    ['a coordinate missing', { ...EC, y: undefined }, notAKey],
    ['a coordinate that is no string', { ...EC, x: 1 }, notAKey],
    ['a key under the name of another curve', { ...EC, crv: 'P-384' }, notAKey],
    ['an unknown curve', { ...EC, crv: 'P-257' }, notAKey],
    ['X25519', toJwk(generateKeyPairSync('x25519').publicKey), 'no algorithm that fits the key'],
    ['Ed448', toJwk(generateKeyPairSync('ed448').publicKey), 'no algorithm that fits the key'],
    ['an Ed25519 key of 31 bytes', { ...ED25519, x: Buffer.alloc(31, 1).toString('base64url') }, notAKey],
  ];
  for (const [name, jwk, outcome] of judged) {
    it(`judges ${name}: ${outcome}`, () => assert.equal(judge(jwk), outcome));
  }
});

describe('RFC 7518 §6.3', () => {
  const odd = (bits: number) => encodeNumber((1n << BigInt(bits - 1)) + 0x1234567n);
  const rsa = (n: string, e = 'AQAB') => ({ kty: 'RSA', n, e });
  const all = RSA_ALGORITHMS.join(' ');
  const badExponent = 'an RSA exponent that is even or below 3';
  const judged: readonly [string, unknown, string][] = [
    ['a modulus of 1024 bits (§3.3)', rsa(odd(1024)), 'an RSA modulus below 2048 bits'],
    ['a modulus of 2047 bits', rsa(odd(2047)), 'an RSA modulus below 2048 bits'],
    ['a modulus of 2048 bits', rsa(odd(2048)), all],
    [
      'a modulus of 1024 bits behind zeros',
      rsa(Buffer.concat([Buffer.alloc(128), Buffer.from(odd(1024), 'base64url')]).toString('base64url')),
      'an RSA modulus below 2048 bits',
    ],
    [
      'a zero octet in front, as some libraries write (§6.3.1.1)',
      rsa(Buffer.concat([Buffer.alloc(1), Buffer.from(odd(2048), 'base64url')]).toString('base64url')),
      all,
    ],
    ['a modulus of 16384 bits', rsa(odd(16_384)), all],
    ['a modulus of 16392 bits', rsa(odd(16_392)), 'an RSA modulus above 16384 bits'],
    ['e = 1', rsa(odd(2048), encodeNumber(1n)), badExponent],
    ['e = 2', rsa(odd(2048), encodeNumber(2n)), badExponent],
    ['e = 3', rsa(odd(2048), encodeNumber(3n)), all],
    ['e = 65536', rsa(odd(2048), encodeNumber(65_536n)), badExponent],
    ['e = 0', rsa(odd(2048), encodeNumber(0n)), badExponent],
    ['no e', { kty: 'RSA', n: odd(2048) }, 'not a public RSA, EC or Ed25519 key'],
    ['a ROCA modulus of 2048 bits', rsa(encodeNumber(rocaModulus(2048))), 'ROCA (CVE-2017-15361)'],
    ['a ROCA modulus of 4096 bits', rsa(encodeNumber(rocaModulus(4096))), 'ROCA (CVE-2017-15361)'],
    ['the odd neighbour of a ROCA modulus', rsa(encodeNumber(rocaModulus(2048) + 2n)), all],
  ];
  for (const [name, jwk, outcome] of judged) {
    it(`judges ${name}: ${outcome}`, () => assert.equal(judge(jwk), outcome));
  }
});

describe('RFC 7515 §4.1.4: selection by kid', () => {
  const keys: readonly VerificationKey[] =
    parseJwkSet({
      keys: [
        { ...RSA, kid: 'a' },
        { ...EC, kid: 'a' },
        { ...RSA, kid: 'b', alg: 'RS512' },
        { ...RSA },
        { ...EC, kid: 'A' },
      ],
    })?.keys ?? [];
  const select = (alg: Parameters<typeof selectKeys>[1], kid: string | undefined) =>
    selectKeys(keys, alg, kid).map((key) => keys.indexOf(key));

  it('takes the keys of that kid that fit the algorithm', () => {
    assert.deepEqual(select('RS256', 'a'), [0]);
    assert.deepEqual(select('ES256', 'a'), [1]);
    assert.deepEqual(select('ES384', 'a'), []);
    assert.deepEqual(select('RS256', 'b'), []);
    assert.deepEqual(select('RS512', 'b'), [2]);
  });

  it('compares kid case-sensitively and falls back to no other key', () => {
    assert.deepEqual(select('ES256', 'A'), [4]);
    assert.deepEqual(select('RS256', 'c'), []);
    assert.deepEqual(select('RS256', ''), []);
  });

  it('takes every key that fits for a token without kid', () => {
    assert.deepEqual(select('RS256', undefined), [0, 3]);
    assert.deepEqual(select('RS512', undefined), [0, 2, 3]);
  });

  it('never offers more than 8', () => {
    const many = parseJwkSet({ keys: Array.from({ length: 20 }, () => EC) })?.keys ?? [];
    assert.equal(selectKeys(many, 'ES256', undefined).length, 8);
  });
});
