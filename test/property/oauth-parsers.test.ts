/** Parsers of the oauth room against any input. RFC 7515 §5.2, RFC 8259 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkAccessToken, checkTyp } from '../../src/oauth/access-token.ts';
import { hasAccessTokenQuery, parseCredentials } from '../../src/oauth/credentials.ts';
import { normalizeHttpUri } from '../../src/oauth/http-uri.ts';
import { refuseIdToken } from '../../src/oauth/id-token.ts';
import { checkIssuerMetadata, isIssuerIdentifier } from '../../src/oauth/issuer-metadata.ts';
import { parseJwkSet } from '../../src/oauth/jwks.ts';
import { parseJws } from '../../src/oauth/jws.ts';
import { createOriginPolicy } from '../../src/oauth/origin.ts';
import { formatScopes, parseScopeClaims } from '../../src/oauth/scope.ts';
import { parseJsonObject } from '../../src/oauth/strict-json.ts';
import { compactJws } from '../support/jws.ts';

// The same run every time; take the line out to look further.
fc.configureGlobal({ seed: 20_261_123 });

const NAMED = { issuer: 'https://i.example', allowHttp: false, member: 'jwks_uri' } as const;

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.base64String());
/** Objects whose members have the names that matter and the wrong values. */
const anyClaims = fc.record(
  Object.fromEntries(
    ['iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'client_id', 'azp', 'scope', 'scp', 'cnf', 'nonce', 'at_hash'].map(
      (name) => [name, fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('https://i.example', 'api', 2e9, 1e9))],
    ),
  ),
  { requiredKeys: [] },
);
const anyJwk = fc.record(
  {
    kty: fc.constantFrom('RSA', 'EC', 'OKP', 'oct'),
    crv: fc.oneof(fc.constantFrom('P-256', 'P-521', 'Ed25519'), fc.jsonValue()),
    ...Object.fromEntries(
      ['n', 'e', 'x', 'y', 'alg', 'kid', 'use', 'key_ops'].map((name) => [
        name,
        fc.oneof(fc.base64String(), fc.jsonValue()),
      ]),
    ),
  },
  { requiredKeys: [] },
);

describe('RFC 7515 §5.2: a parser answers, whatever it is given', () => {
  it('never throws for a text', () => {
    const policy = createOriginPolicy({ publicUrl: new URL('http://localhost'), allowedOrigins: [] });
    fc.assert(
      fc.property(anyText, (text) => {
        parseJws(text);
        parseJws(`${text}.${text}.${text}`);
        parseJws(compactJws(text, text));
        parseCredentials([text]);
        parseCredentials([`Bearer ${text}`]);
        hasAccessTokenQuery(`/?${text}`);
        checkTyp(text);
        isIssuerIdentifier(text, true);
        isIssuerIdentifier(`https://${text}`, false);
        policy(text);
        policy(`http://${text}`);
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws for bytes or JSON', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.jsonValue(), anyClaims, anyJwk, (bytes, json, claims, jwk) => {
        parseJsonObject(bytes);
        parseJwkSet(json);
        parseJwkSet({ keys: [json, jwk] });
        checkIssuerMetadata(json, NAMED);
        refuseIdToken(undefined, claims);
        checkIssuerMetadata({ issuer: NAMED.issuer, jwks_uri: json }, NAMED);
        checkAccessToken(
          claims,
          { issuer: 'https://i.example', audiences: ['api'], resourceUri: undefined, clockSkewMs: 0 },
          1.5e12,
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('hands on a token with sound values only', () => {
    const expected = { issuer: 'https://i.example', audiences: ['api'], resourceUri: undefined, clockSkewMs: 0 };
    const fixed = { iss: 'https://i.example', aud: 'api', exp: 2e9 };
    fc.assert(
      fc.property(anyClaims, ({ sub, scope, scp, azp }) => {
        const outcome = checkAccessToken({ ...fixed, sub, scope, scp, azp }, expected, 1.5e12);
        if ('denied' in outcome) return outcome.reason === 'invalid_token';
        const { subject, client, scopes } = outcome;
        return (
          (subject ?? '') === (sub ?? '') &&
          (client ?? '') === (azp ?? '') &&
          [...scopes].every((token) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(token))
        );
      }),
      { numRuns: 2000 },
    );
  });
});

describe('RFC 3986 §6.2.2–6.2.3: one spelling for one URI', () => {
  const uris = fc.webUrl({ validSchemes: ['http', 'https'] });
  it('is that of every URL library, and its own', () => {
    fc.assert(
      fc.property(uris, (uri) => {
        const normal = normalizeHttpUri(uri);
        assert.equal(normalizeHttpUri(URL.parse(uri)?.href ?? ''), normal);
        assert.equal(normalizeHttpUri(normal ?? ''), normal);
      }),
      { numRuns: 2000 },
    );
  });

  it('never makes one of two paths that differ in a final slash', () => {
    fc.assert(
      fc.property(uris, (uri) => {
        fc.pre(new URL(uri).pathname !== '/');
        const other = uri.endsWith('/') ? uri.slice(0, -1) : `${uri}/`;
        assert.notEqual(normalizeHttpUri(other), normalizeHttpUri(uri));
      }),
    );
  });

  it('never throws for a text', () => {
    fc.assert(
      fc.property(anyText, (text) => void [text, `https://${text}`, `https://a/${text}`].map(normalizeHttpUri)),
    );
  });
});

/** A JSON text whose member names may repeat and whose strings are escaped at random, what it says, and whether it may. */
interface Written {
  readonly text: string;
  readonly value: unknown;
  readonly legal: boolean;
}

/** A string literal, plain or with every code unit escaped. */
const write = (text: string, escaped: boolean): string =>
  escaped
    ? `"${text
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join('')}"`
    : JSON.stringify(text);

const NAMES = ['a', 'b', 'iss', 'is', '1', '"', ':', '', '__proto__', '\\', '\\\\', 'é', '{'];
const leaf = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null));

const { object } = fc.letrec<{ object: Written; value: Written }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf.map((value) => ({ text: JSON.stringify(value), value: Object.is(value, -0) ? 0 : value, legal: true })),
    fc
      .tuple(fc.string(), fc.boolean())
      .map(([value, escaped]) => ({ text: write(value, escaped), value, legal: true })),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => ({
      text: `[${items.map(({ text }) => text).join(',')}]`,
      value: items.map(({ value }) => value),
      legal: items.every(({ legal }) => legal),
    })),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(fc.constantFrom(...NAMES), fc.boolean(), tie('value')), { maxLength: 4 })
    .map((members) => ({
      text: `{${members.map(([name, escaped, { text }]) => `${write(name, escaped)} : ${text}`).join(',')}}`,
      value: Object.fromEntries(members.map(([name, , { value }]) => [name, value])),
      legal:
        new Set(members.map(([name]) => name)).size === members.length &&
        members.every(([name, , { legal }]) => legal && name !== '\\'),
    })),
}));

/** nodejs/node#63785: V8 may misread these names, which are then refused; whether it does depends on what came before. */
const MISREAD = /"\\(u[0-9a-f]{4}|.)" :/;

describe('RFC 8259 §4: names within an object are unique', () => {
  it('refuses exactly the texts that repeat a name somewhere, and reads the others right', () => {
    fc.assert(
      fc.property(object, ({ text, value, legal }) => {
        const parsed = parseJsonObject(Buffer.from(text));
        if (parsed === undefined) assert.ok(!legal || MISREAD.test(text), text);
        else assert.deepEqual([legal, parsed], [true, Object.assign(Object.create(null), value)], text);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('RFC 6749 §3.3: one text for one set', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[!#-[\]-~]+$/)), (tokens) => {
        const scopes = new Set(tokens);
        const read = { scopes, scopeClaim: 'scope' };
        assert.deepEqual(parseScopeClaims({ scope: formatScopes(scopes) }), read);
        assert.deepEqual(parseScopeClaims({ scope: [...tokens, ...tokens] }), read);
      }),
    );
  });
});
