/** The compact serialization, and what a strict reader refuses. RFC 7515, RFC 7797 §6, RFC 8725 §3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Jws, parseJws } from '../../src/oauth/jws.ts';
import { compactJws, encodePart, invalidToken, parseGoodJws } from '../support/jws.ts';

const HEADER = { alg: 'RS256', kid: 'k1', typ: 'at+jwt' };
const PAYLOAD = { iss: 'https://issuer.example' };
const SIGNATURE = Buffer.from([0xfb, 0xff, 0xfe, 0x01]);
const GOOD = compactJws(HEADER, PAYLOAD, SIGNATURE);
const [H = '', P = '', S = ''] = GOOD.split('.');

describe('RFC 7515 §3.1', () => {
  it('parses header, payload, signing input and signature', () => {
    const jws = parseGoodJws(GOOD);
    assert.deepEqual({ ...jws, payload: { ...jws.payload } }, {
      header: HEADER,
      payload: PAYLOAD,
      signingInput: Buffer.from(`${H}.${P}`),
      signature: SIGNATURE,
    } satisfies Jws);
  });

  for (const text of [
    '',
    '.',
    'abc',
    H,
    `${H}.${P}`,
    `${H}.${P}.${S}.`,
    `${H}.${P}.${S}.${S}`,
    `${GOOD}.a.b`,
    '....',
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 12))}… of ${text.split('.').length} parts`, () =>
      assert.deepEqual(parseJws(text), invalidToken('not three parts')));
  }

  it('refuses empty parts', () => {
    assert.deepEqual(parseJws('..'), invalidToken('the header is not a strict JSON object'));
    assert.deepEqual(parseJws(`.${P}.${S}`), invalidToken('the header is not a strict JSON object'));
    assert.deepEqual(parseJws(`${H}..${S}`), invalidToken('the payload is not a strict JSON object'));
  });

  it('refuses a detached payload and the JSON serializations', () => {
    assert.deepEqual(
      parseJws(JSON.stringify({ protected: H, payload: P, signature: S })),
      invalidToken('not three parts'),
    );
  });

  it('parses an empty signature: `none` is for the algorithm check to refuse', () => {
    const jws = parseGoodJws(`${encodePart({ alg: 'none' })}.${P}.`);
    assert.equal(jws.header.alg, 'none');
    assert.equal(jws.signature.length, 0);
  });

  it('bounds the size at 16 KiB before it looks inside (CVE-2025-61920)', () => {
    const room = 16 * 1024 - GOOD.length;
    assert.equal('denied' in parseJws(GOOD + 'A'.repeat(room - (room % 4))), false);
    assert.deepEqual(parseJws(GOOD + 'A'.repeat(room + 1)), invalidToken('longer than 16 KiB'));
    assert.deepEqual(parseJws('.'.repeat(1_000_000)), invalidToken('longer than 16 KiB'));
  });
});

describe('RFC 7515 §2: base64url without padding, whitespace or other characters', () => {
  const mutations: readonly [string, (part: string) => string][] = [
    ['padding', (part) => `${part}=`],
    ['full padding', (part) => part + '='.repeat((4 - (part.length % 4)) % 4 || 4)],
    ['a space before', (part) => ` ${part}`],
    ['a space after', (part) => `${part} `],
    ['a space inside', (part) => `${part.slice(0, 2)} ${part.slice(2)}`],
    ['a line feed inside', (part) => `${part.slice(0, 4)}\n${part.slice(4)}`],
    ['a tab after', (part) => `${part}\t`],
    ['a NUL after', (part) => `${part}\0`],
    ['the base64 alphabet (+)', (part) => `+${part.slice(1)}`],
    ['the base64 alphabet (/)', (part) => `/${part.slice(1)}`],
    ['a percent sign', (part) => `%${part}`],
    ['a letter beyond ASCII', (part) => `\u00e9${part}`],
    ['a letter whose low byte is in the alphabet', (part) => `\u0141${part.slice(1)}`],
    ['a surplus character (length 1 mod 4)', (part) => part + 'A'.repeat((5 - (part.length % 4)) % 4)],
  ];
  for (const [name, mutate] of mutations) {
    for (const index of [0, 1, 2]) {
      it(`refuses ${name} in part ${index + 1}`, () => {
        const parts = [H, P, S].map((part, at) => (at === index ? mutate(part) : part));
        assert.deepEqual(parseJws(parts.join('.')), invalidToken('not canonical base64url'));
      });
    }
  }

  it('refuses stray bits in the last character, in every part', () => {
    // One byte takes two characters, of which the second has 4 bits to spare; two bytes leave 2 bits.
    for (const [bytes, last] of [
      ['{}  ', 'B'],
      ['{}   ', 'B'],
    ] as const) {
      const canonical = encodePart(bytes);
      const stray = canonical.slice(0, -1) + last;
      assert.notEqual(stray, canonical);
      assert.deepEqual(Buffer.from(stray, 'base64url'), Buffer.from(canonical, 'base64url'));
      for (const text of [`${stray}.${P}.${S}`, `${H}.${stray}.${S}`, `${H}.${P}.${stray}`]) {
        assert.deepEqual(parseJws(text), invalidToken('not canonical base64url'));
      }
    }
  });
});

describe('RFC 7515 §4: the header', () => {
  const refused: readonly [string, Readonly<Record<string, unknown>>, string][] = [
    ['no alg', {}, 'alg is not a string'],
    ['alg null', { alg: null }, 'alg is not a string'],
    ['alg in an array', { alg: ['RS256'] }, 'alg is not a string'],
    ['kid a number', { alg: 'RS256', kid: 1 }, 'kid is not a string'],
    ['kid null', { alg: 'RS256', kid: null }, 'kid is not a string'],
    ['kid too long', { alg: 'RS256', kid: 'k'.repeat(1025) }, 'kid is longer than 1024 characters'],
    ['typ an object', { alg: 'RS256', typ: {} }, 'typ is not a string'],
    ['crit (§4.1.11, CVE-2026-32597)', { alg: 'RS256', crit: ['exp'], exp: 1 }, 'crit in the header'],
    ['crit empty', { alg: 'RS256', crit: [] }, 'crit in the header'],
    ['crit null', { alg: 'RS256', crit: null }, 'crit in the header'],
    ['b64 false (RFC 7797 §6)', { alg: 'RS256', b64: false, crit: ['b64'] }, 'crit in the header'],
    ['b64 without crit', { alg: 'RS256', b64: false }, 'b64 in the header'],
    ['b64 true', { alg: 'RS256', b64: true }, 'b64 in the header'],
  ];
  for (const [name, header, detail] of refused) {
    it(`refuses ${name}`, () => assert.deepEqual(parseJws(compactJws(header, PAYLOAD)), invalidToken(detail)));
  }

  const notStrict: readonly [string, string | Uint8Array][] = [
    ['a duplicate alg (§4: names are unique)', '{"alg":"none","alg":"RS256"}'],
    ['an array', '["RS256"]'],
    ['a string', '"RS256"'],
    ['nothing', ''],
    ['bad UTF-8', Buffer.from([...Buffer.from('{"alg":"'), 0xff, ...Buffer.from('"}')])],
    ['deep nesting', `{"alg":"RS256","x":${'['.repeat(40)}${']'.repeat(40)}}`],
    ['text behind the object', '{"alg":"RS256"}{}'],
  ];
  for (const [name, content] of notStrict) {
    it(`refuses a header with ${name}`, () =>
      assert.deepEqual(parseJws(compactJws(content, PAYLOAD)), invalidToken('the header is not a strict JSON object')));
    it(`refuses a payload with ${name}`, () =>
      assert.deepEqual(parseJws(compactJws(HEADER, content)), invalidToken('the payload is not a strict JSON object')));
  }

  it('reads nothing from __proto__', () => {
    const header = '{"__proto__":{"alg":"RS256"}}';
    assert.deepEqual(parseJws(compactJws(header, PAYLOAD)), invalidToken('alg is not a string'));
  });

  it('never hands on a key that the token brings (RFC 8725 §3.10)', () => {
    const header = {
      ...HEADER,
      jwk: { kty: 'oct', k: 'AA' },
      jku: 'https://a.example',
      x5u: 'https://a.example',
      x5c: ['AA'],
    };
    assert.deepEqual(parseGoodJws(compactJws(header, PAYLOAD)).header, HEADER);
  });

  it('leaves kid and typ undefined when they are absent', () => {
    assert.deepEqual(parseGoodJws(compactJws({ alg: 'ES256' }, PAYLOAD)).header, {
      alg: 'ES256',
      kid: undefined,
      typ: undefined,
    });
  });

  it('shows no part of the token in its evidence', () => {
    const secret = 'c2VjcmV0LXRva2VuLW1hdGVyaWFs';
    for (const text of [secret, `${secret}.${secret}.${secret}`, `${H}.${secret}.${S}`, `${secret}.=.${secret}`]) {
      assert.equal(JSON.stringify(parseJws(text)).includes(secret.slice(0, 6)), false);
    }
  });
});
