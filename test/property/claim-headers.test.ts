/** Claim headers and assertions against hostile claims: one line, in bounds, read in one way, nothing thrown. RFC 3986 §2.1, RFC 7519. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isRecord } from '../../src/config/path.ts';
import type { JsonObject } from '../../src/lib/json-text.ts';
import { parseSigningKey } from '../../src/oauth/signing-key.ts';
import { parseJsonObject } from '../../src/oauth/strict-json.ts';
import { compileClaimHeaders, readClaimHeaders, type WithheldClaim } from '../../src/proxy/claim-headers.ts';
import { createIdentify } from '../../src/proxy/identify.ts';

// The same run every time; take the line out to look further.
fc.configureGlobal({ seed: 20_261_130, numRuns: 200 });

const HEADERS = compileClaimHeaders({
  'X-A': 'a',
  'X-B': '/b',
  'X-C': '/c/0/d',
  'X-D': '__proto__',
  'X-E': '/constructor/prototype',
  'X-F': 'length',
  'X-G': 'iss',
  'X-H': 'exp',
  'X-I': '/jti',
});
const OF_ASSERTIONS = ['iss', 'exp', 'jti'];
const FIELDS = HEADERS.map(({ field }) => field);

const LINE_ENDS = [
  '\r\nX-Obex-User: root',
  '\n',
  '\0',
  '\u2028',
  '%0d%0a',
  '%',
  ',',
  ' ',
  '\ud800',
  'é',
  '\u{1f600}',
  '\x7f',
];
const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.constantFrom(...LINE_ENDS, 'a'), { maxLength: 8 }).map((parts) => parts.join('')),
  fc.integer({ min: 4000, max: 5000 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 1000, max: 2000 }).map((length) => '\u{10ffff}'.repeat(length)),
);
const hostileScalar = fc.oneof(
  hostileText,
  fc.double(),
  fc.boolean(),
  fc.constantFrom(2 ** 53, -0, 1e308, 0.1, 2 ** 53 - 1),
);
const hostileList = fc.oneof(
  fc.array(hostileScalar, { maxLength: 6 }),
  fc.integer({ min: 1000, max: 3000 }).map((length) => Array.from({ length }, () => 'g')),
  fc.constantFrom<unknown>([], [''], ['', ''], [null], [[]], [{}], ['a', ['b']]),
);
const hostileClaim = fc.oneof(hostileScalar, hostileList, fc.jsonValue({ maxDepth: 3 }));
const hostileClaims = fc.record(
  {
    a: hostileClaim,
    b: hostileClaim,
    c: fc.oneof(
      hostileClaim,
      hostileClaim.map((d) => [{ d }]),
    ),
    constructor: fc.oneof(
      hostileClaim,
      hostileClaim.map((prototype) => ({ prototype })),
    ),
    length: hostileClaim,
    iss: hostileClaim,
    exp: hostileClaim,
    jti: hostileClaim,
  },
  { requiredKeys: [] },
);

/** As they come out of a token: through JSON, which may hold what JavaScript would not write. */
function parse(claims: unknown, proto: unknown): JsonObject {
  const json = JSON.stringify(claims);
  const own = `"__proto__":${JSON.stringify(proto) ?? 'null'}`;
  const payload = parseJsonObject(Buffer.from(json === '{}' ? `{${own}}` : `${json.slice(0, -1)},${own}}`));
  // A member called `\` is refused with its token.
  fc.pre(payload !== undefined);
  return payload ?? assert.fail();
}

function pairsOf(fields: readonly string[]): readonly (readonly [string, string])[] {
  return Array.from({ length: fields.length / 2 }, (_, index) => [
    fields[2 * index] ?? '',
    fields[2 * index + 1] ?? '',
  ]);
}

/** What a backend makes of a value. */
const decode = (text: string): readonly string[] => text.split(',').map((item) => decodeURIComponent(item));

const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

describe('readClaimHeaders', () => {
  it('gives fields of one line and in bounds, each of them the whole claim', () => {
    fc.assert(
      fc.property(hostileClaims, hostileClaim, (hostile, proto) => {
        const payload = parse(hostile, proto);
        const { fields, claims, withheld } = readClaimHeaders(HEADERS, payload);
        const pairs = pairsOf(fields);
        assert.equal(claims.size, pairs.length);
        assert.ok(fields.join('').length <= 8192);
        for (const [name, text] of pairs) {
          assert.match(text, /^[\x21-\x7e]{1,4096}$/);
          const header = HEADERS.find(({ field }) => field === name);
          const value = claims.get(header?.claim ?? '');
          assert.deepEqual(decode(text), itemsOf(value).map(String));
        }
        const told = [...pairs.map(([name]) => name), ...withheld.map(({ field }: WithheldClaim) => field)];
        assert.equal(new Set(told).size, told.length);
        assert.ok(told.every((name) => FIELDS.includes(name)));
      }),
    );
  });

  it('stops at 8 KiB for all of them, in the order of the configuration, and goes on with what still fits', () => {
    const long = 'x'.repeat(4000);
    const { fields, withheld } = readClaimHeaders(HEADERS, { a: long, b: long, c: [{ d: long }], length: 1 });
    assert.deepEqual(
      pairsOf(fields).map(([name]) => name),
      ['X-A', 'X-B', 'X-F'],
    );
    assert.deepEqual(withheld, [{ field: 'X-C', reason: 'too_long' }]);
  });

  it('never makes the same field of two lists of texts', () => {
    const list = fc.array(fc.constantFrom('', 'a', 'b', ',', '%', '%2C', 'a,b', ' '), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(list, list, (one, other) => {
        const [first, second] = [one, other].map((a) => readClaimHeaders(HEADERS, { a }).fields[1]);
        if (first !== undefined && first === second) assert.deepEqual(one, other);
      }),
    );
  });
});

describe('createIdentify', () => {
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const key = parseSigningKey(pem);
  if (typeof key === 'string') assert.fail(key);
  const terms = { issuer: 'https://tool.example', audience: 'http://backend', ttlMs: 60_000, key };
  const identify = createIdentify({ claimHeaders: HEADERS, assertions: terms, onWithheld: () => undefined });
  const token = {
    issuer: 'https://idp.example',
    subject: 'alice',
    client: undefined,
    scopes: new Set<string>(),
    scopeClaim: undefined,
    expiresAtMs: 1_900_000_000_000,
    jkt: undefined,
    x5tS256: undefined,
  };

  it('signs the same claims in an assertion of at most 8 KiB, and nothing takes the place of its own', () => {
    fc.assert(
      fc.property(hostileClaims, hostileClaim, (hostile, proto) => {
        const payload = parse(hostile, proto);
        const { fields, assertion } = identify(token, payload, 1_800_000_000_000);
        if (assertion === undefined) return;
        const compact = fields.at(-1) ?? '';
        assert.ok(compact.length <= 8192);
        assert.match(compact, /^[\w-]+\.[\w-]+\.[\w-]+$/);
        const said: unknown = parseJsonObject(Buffer.from(compact.split('.')[1] ?? '', 'base64url'));
        assert.ok(isRecord(said), 'the payload is strict JSON without a member twice');
        const { iss, sub, aud, exp, iat } = said;
        assert.deepEqual(
          { iss, sub, aud, exp, iat },
          { iss: terms.issuer, sub: 'alice', aud: terms.audience, exp: 1_800_000_060, iat: 1_800_000_000 },
        );
        for (const [claim, value] of readClaimHeaders(HEADERS, payload).claims) {
          if (OF_ASSERTIONS.includes(claim)) continue;
          // -0 is 0 in JSON.
          assert.equal(JSON.stringify(said[claim]), JSON.stringify(value));
        }
      }),
    );
  });
});
