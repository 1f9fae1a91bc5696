/** What a resource server checks in a verified token. RFC 9068 §2, §4; RFC 7519 §4.1; RFC 7800 §3.1; RFC 9449 §6.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { checkAccessToken, checkTyp, readIssuer } from '../../src/oauth/access-token.ts';
import { type Denial, type DenialReason, deny } from '../../src/oauth/denial.ts';
import { normalizeHttpUri } from '../../src/oauth/http-uri.ts';
import type { AccessToken } from '../../src/oauth/principal.ts';
import { invalidToken } from '../support/jws.ts';

const NOW_S = 1_790_000_000;
const EXPECTED = {
  issuer: 'https://issuer.example/',
  audiences: ['https://a.example/mcp', 'api'],
  resourceUri: undefined,
  clockSkewMs: 10_000,
};
const JKT = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I';
const X5T = 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0';

function claims(override: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    iss: EXPECTED.issuer,
    aud: 'https://a.example/mcp',
    exp: NOW_S + 300,
    iat: NOW_S,
    sub: 'alice',
    client_id: 'app',
    scope: 'write read',
    ...override,
  };
}

const check = (override: Readonly<Record<string, unknown>>): AccessToken | Denial =>
  checkAccessToken(claims(override), EXPECTED, NOW_S * 1000);

const TOKEN: AccessToken = {
  issuer: EXPECTED.issuer,
  subject: 'alice',
  client: 'app',
  scopes: new Set(['write', 'read']),
  scopeClaim: 'scope',
  expiresAtMs: (NOW_S + 300) * 1000,
  jkt: undefined,
  x5tS256: undefined,
};

/** What a refusal keeps of the token. */
const IDENTITY = { issuer: EXPECTED.issuer, subject: 'alice', client: 'app' };

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();

const reasonOf = (outcome: AccessToken | Denial): DenialReason | undefined =>
  'denied' in outcome ? outcome.reason : undefined;

describe('RFC 9068 §2.1', () => {
  for (const typ of [undefined, 'at+jwt', 'application/at+jwt', 'JWT', 'AT+JWT', 'Application/At+Jwt', 'jwt']) {
    it(`accepts typ ${typ}`, () => assert.equal(checkTyp(typ), undefined));
  }
  for (const typ of [
    '',
    'dpop+jwt',
    'logout+jwt',
    'secevent+jwt',
    'id_token',
    'application/jwt',
    'at+jwt ',
    'at+JWT;a=b',
    'JWS',
  ]) {
    it(`refuses typ ${JSON.stringify(typ)} (RFC 8725 §3.11)`, () => {
      const evidence = { detail: 'typ', expected: 'at+jwt or JWT', actual: typ };
      assert.deepEqual(checkTyp(typ), deny('invalid_token', evidence));
    });
  }
});

describe('RFC 9068 §4', () => {
  it('reduces a good token to what Obex uses', () => assert.deepEqual(check({}), TOKEN));

  it('reads the issuer before anything else is known', () => {
    assert.equal(readIssuer({ iss: 'https://a.example' }), 'https://a.example');
    assert.deepEqual(readIssuer({}), invalidToken('iss is absent'));
  });

  const issuers = [
    'https://issuer.example',
    'https://ISSUER.example/',
    'http://issuer.example/',
    'https://issuer.example//',
    '',
  ];
  for (const iss of issuers) {
    it(`refuses the issuer ${JSON.stringify(iss)}: it must match exactly`, () =>
      assert.deepEqual(check({ iss }), deny('invalid_issuer', { expected: EXPECTED.issuer, actual: iss })));
  }
  it('says of a token without iss that there is none', () =>
    assert.deepEqual(check({ iss: undefined }), invalidToken('iss is absent')));
  for (const iss of [null, 1, ['https://issuer.example/'], {}]) {
    it(`refuses iss ${JSON.stringify(iss)}`, () =>
      assert.deepEqual(check({ iss }), invalidToken('iss is not a string')));
  }

  for (const aud of ['https://a.example/mcp', 'api', ['api'], ['client', 'https://a.example/mcp'], ['api', 'api']]) {
    it(`accepts aud ${JSON.stringify(aud)}`, () => assert.deepEqual(check({ aud }), TOKEN));
  }
  for (const aud of [
    'https://a.example/mcp/',
    'https://a.example',
    'API',
    'app',
    ['client'],
    ['https://a.example/mcp2'],
  ]) {
    it(`refuses aud ${JSON.stringify(aud)}: it names another resource`, () => {
      const actual = [aud].flat().join(' ');
      assert.deepEqual(
        check({ aud }),
        deny('audience_mismatch', { expected: 'https://a.example/mcp api', actual, token: IDENTITY }),
      );
    });
  }
  for (const aud of ['', [], [''], ['', '']]) {
    it(`refuses aud ${JSON.stringify(aud)}: it names nobody`, () => {
      const actual = [aud].flat().join(' ');
      const evidence = { expected: 'https://a.example/mcp api', actual, token: IDENTITY, detail: 'aud is empty' };
      assert.deepEqual(check({ aud }), deny('audience_mismatch', evidence));
    });
  }
  it('says of a token without aud that there is none', () =>
    assert.deepEqual(check({ aud: undefined }), invalidToken('aud is absent')));
  for (const aud of [null, 1, {}, ['api', 1], [null], [['api']]]) {
    it(`refuses aud ${JSON.stringify(aud)}: no StringOrURI`, () =>
      assert.deepEqual(check({ aud }), invalidToken('aud is neither a string nor an array of strings')));
  }

  describe('the resource itself, where no audience is configured', () => {
    const forResource = (url: string, aud: unknown): DenialReason | undefined => {
      const expected = { ...EXPECTED, audiences: [url], resourceUri: normalizeHttpUri(url) };
      return reasonOf(checkAccessToken(claims({ aud }), expected, NOW_S * 1000));
    };
    const equal: readonly [string, string][] = [
      ['https://a.example', 'https://a.example/'],
      ['https://a.example/', 'https://a.example'],
      ['https://a.example/mcp', 'HTTPS://A.Example:443/mcp'],
      ['https://A.Example:443/mcp', 'https://a.example/mcp'],
      ['https://a.example/x/../mcp', 'https://a.example/mcp'],
      ['https://a.example/mcp', 'https://a.example/./mcp'],
      ['http://localhost:80?x=1', 'http://localhost/?x=1'],
    ];
    for (const [url, aud] of equal) {
      it(`${url} is named by ${aud}: clients' URL libraries write it so (RFC 3986 §6.2.2–6.2.3)`, () => {
        assert.equal(forResource(url, aud), undefined);
        assert.equal(forResource(url, ['client', aud]), undefined);
        const configured = { ...EXPECTED, audiences: [url] };
        assert.equal(
          reasonOf(checkAccessToken(claims({ aud }), configured, NOW_S * 1000)),
          'audience_mismatch',
          'a configured audience is compared byte for byte',
        );
      });
    }
    const other: readonly [string, string][] = [
      ['https://a.example/mcp', 'https://a.example/mcp/'],
      ['https://a.example/mcp/', 'https://a.example/mcp'],
      ['https://a.example/mcp', 'https://a.example//mcp'],
      ['https://a.example/mcp', 'https://a.example/MCP'],
      ['https://a.example/mcp', 'http://a.example/mcp'],
      ['https://a.example/mcp', 'https://a.example:8443/mcp'],
      ['https://a.example/mcp', 'https://a.example/mcp?x=1'],
      ['https://a.example/mcp', 'https://a.example/mcp#x'],
      ['https://a.example/mcp', 'https://user@a.example/mcp'],
      ['https://a.example/mcp', ' https://a.example/mcp'],
      ['https://a.example/mcp', 'https://a.example/mcp\n'],
      ['https://a.example/mcp?x=1', 'https://a.example/mcp'],
      ['https://a.example/mcp?x=1', 'https://a.example/mcp?X=1'],
      ['https://a.example/mcp', ''],
    ];
    for (const [url, aud] of other) {
      it(`${url} is not named by ${JSON.stringify(aud)}`, () =>
        assert.equal(forResource(url, aud), 'audience_mismatch'));
    }
  });

  it('says what is malformed before it says what does not match', () => {
    assert.equal(reasonOf(check({ iss: 'x', aud: 'y', exp: 0, sub: 1 })), 'invalid_token');
    assert.equal(reasonOf(check({ iss: 'x', aud: 'y', exp: 0 })), 'invalid_issuer');
    assert.equal(reasonOf(check({ aud: 'y', exp: 0 })), 'audience_mismatch');
    assert.equal(reasonOf(check({ exp: 0, cnf: {} })), 'token_expired');
  });
});

describe('RFC 7519 §4.1.4: exp', () => {
  it('accepts a token until exp plus the skew, and not at that instant', () => {
    assert.equal(reasonOf(check({ exp: NOW_S + 1 })), undefined);
    assert.equal(reasonOf(check({ exp: NOW_S - 9.999 })), undefined);
    assert.equal(reasonOf(check({ exp: NOW_S - 10 })), 'token_expired');
    assert.equal(reasonOf(check({ exp: NOW_S - 3600 })), 'token_expired');
    assert.equal(reasonOf(check({ exp: -1 })), 'token_expired');
  });

  it('shows both times in a form that people read', () => {
    assert.deepEqual(
      check({ exp: NOW_S - 10 }),
      deny('token_expired', { expected: 'after 2026-09-21T14:13:10.000Z', actual: '2026-09-21T14:13:10.000Z' }),
    );
  });

  it('reports exp in milliseconds, fractions included', () => {
    assert.deepEqual(check({ exp: NOW_S + 0.5 }), { ...TOKEN, expiresAtMs: NOW_S * 1000 + 500 });
  });

  it('says of a token without exp that there is none', () =>
    assert.deepEqual(check({ exp: undefined }), invalidToken('exp is absent')));
  for (const exp of [null, '1790000300', true, [NOW_S], {}]) {
    it(`refuses exp ${inspect(exp)}: no number`, () =>
      assert.deepEqual(check({ exp }), invalidToken('exp is not a number')));
  }
  for (const exp of [Number.NaN, Infinity, -Infinity, 1e300, 9e12]) {
    it(`refuses exp ${inspect(exp)}: no date`, () =>
      assert.deepEqual(check({ exp }), invalidToken('exp is beyond every date')));
  }
});

describe('RFC 7519 §4.1.5, §4.1.6: nbf and iat', () => {
  for (const claim of ['nbf', 'iat']) {
    it(`accepts ${claim} up to the skew in the future, and not beyond`, () => {
      assert.deepEqual(check({ [claim]: NOW_S - 86_400 }), TOKEN);
      assert.deepEqual(check({ [claim]: NOW_S + 10 }), TOKEN);
      assert.deepEqual(
        check({ [claim]: NOW_S + 10.001 }),
        deny('token_not_yet_valid', {
          expected: `before ${isoTime(NOW_S + 10)}`,
          actual: isoTime(NOW_S + 10.001),
        }),
      );
    });
    it(`does not demand ${claim}`, () => assert.deepEqual(check({ [claim]: undefined }), TOKEN));
    for (const value of [null, '1790000000', {}]) {
      it(`refuses ${claim} ${inspect(value)}: no number`, () =>
        assert.deepEqual(check({ [claim]: value }), invalidToken(`${claim} is not a number`)));
    }
    it(`refuses ${claim} Infinity: no date`, () =>
      assert.deepEqual(check({ [claim]: Infinity }), invalidToken(`${claim} is beyond every date`)));
  }

  it('is not lulled by an early one when the other is late', () => {
    assert.equal(reasonOf(check({ nbf: NOW_S - 100, iat: NOW_S + 100 })), 'token_not_yet_valid');
    assert.equal(reasonOf(check({ nbf: NOW_S + 100, iat: NOW_S - 100 })), 'token_not_yet_valid');
  });
});

describe('RFC 9068 §2.2: subject, client and scopes', () => {
  it('accepts a token without any of them', () => {
    assert.deepEqual(check({ sub: undefined, client_id: undefined, scope: undefined }), {
      ...TOKEN,
      subject: undefined,
      client: undefined,
      scopes: new Set(),
      scopeClaim: undefined,
    });
  });

  it('takes an empty sub for none, and an empty client id for none', () => {
    assert.deepEqual(check({ sub: '' }), { ...TOKEN, subject: undefined });
    assert.deepEqual(check({ client_id: '' }), { ...TOKEN, client: undefined });
    assert.deepEqual(check({ client_id: '', azp: '', cid: 'c' }), { ...TOKEN, client: 'c' });
  });

  const clients: readonly [Readonly<Record<string, unknown>>, string][] = [
    [{ client_id: 'a', azp: 'b', cid: 'c', appid: 'd' }, 'a'],
    [{ client_id: undefined, azp: 'b', cid: 'c', appid: 'd' }, 'b'],
    [{ client_id: undefined, cid: 'c', appid: 'd' }, 'c'],
    [{ client_id: undefined, appid: 'd' }, 'd'],
    [{ client_id: 'a', azp: 1 }, 'a'],
  ];
  for (const [override, client] of clients) {
    it(`takes ${client} for the client of ${JSON.stringify(override)}`, () =>
      assert.deepEqual(check(override), { ...TOKEN, client }));
  }

  const unusable: readonly [string, unknown, string][] = [
    ['a number', 1, 'is not a string'],
    ['null', null, 'is not a string'],
    ['an array', ['alice'], 'is not a string'],
    ['a lone surrogate', 'a\ud800b', 'holds a lone surrogate'],
    ['more than 1 KiB', 'a'.repeat(1025), 'is longer than 1024 bytes'],
    ['more than 1 KiB in UTF-8', 'é'.repeat(513), 'is longer than 1024 bytes'],
  ];
  for (const [name, value, problem] of unusable) {
    it(`refuses sub: ${name}`, () => assert.deepEqual(check({ sub: value }), invalidToken(`sub ${problem}`)));
    for (const claim of ['client_id', 'azp', 'cid', 'appid']) {
      it(`refuses ${claim}: ${name}`, () =>
        assert.deepEqual(check({ client_id: undefined, [claim]: value }), invalidToken(`${claim} ${problem}`)));
    }
  }

  it('accepts 1 KiB, any well-formed character, and claims that only look special', () => {
    for (const sub of ['é'.repeat(512), '😀', 'a\r\nX-Obex-User: root', '\0', '__proto__']) {
      assert.deepEqual(check({ sub }), { ...TOKEN, subject: sub });
    }
  });

  it('reads scp where there is no scope', () => {
    assert.deepEqual(check({ scope: undefined, scp: ['read', 'write'] }), { ...TOKEN, scopeClaim: 'scp' });
  });

  it('accepts 71 scopes of a company with long names, and 8 KiB of them', () => {
    const many = Array.from({ length: 71 }, (_, index) => `api:resource-${index}:read-write`);
    assert.ok(many.join(' ').length > 1828);
    assert.deepEqual(check({ scope: many.join(' ') }), { ...TOKEN, scopes: new Set(many) });
    const [x, y] = ['x'.repeat(4095), 'y'.repeat(4096)];
    assert.deepEqual(check({ scope: `${x} ${y}` }), { ...TOKEN, scopes: new Set([x, y]) });
  });

  const unreadable: readonly [unknown, Denial][] = [
    [1, invalidToken('scope is neither a string nor an array of strings')],
    [null, invalidToken('scope is neither a string nor an array of strings')],
    [['read', 1], invalidToken('scope is neither a string nor an array of strings')],
    ['read "write', deny('invalid_token', { detail: 'scope holds what is no scope token', actual: '"write' })],
    [['a b'], deny('invalid_token', { detail: 'scope holds what is no scope token', actual: 'a b' })],
    [['read', ''], deny('invalid_token', { detail: 'scope holds what is no scope token', actual: '' })],
    ['x'.repeat(8193), invalidToken('scope is longer than 8192 bytes')],
    [`${'x'.repeat(4096)} ${'y'.repeat(4096)}`, invalidToken('scope is longer than 8192 bytes')],
  ];
  for (const [scope, denial] of unreadable) {
    it(`says what is wrong with scope ${inspect(scope).slice(0, 24)}`, () =>
      assert.deepEqual(check({ scope }), denial));
  }
  it('names scp where that is the one', () =>
    assert.deepEqual(
      check({ scope: undefined, scp: 7 }),
      invalidToken('scp is neither a string nor an array of strings'),
    ));
});

describe('RFC 7800 §3.1, RFC 9449 §6.1, RFC 8705 §3.1: cnf', () => {
  it('reports jkt', () => assert.deepEqual(check({ cnf: { jkt: JKT } }), { ...TOKEN, jkt: JKT }));

  it('reports jkt of Keycloak, which says beside it that it is for DPoP', () =>
    assert.deepEqual(check({ cnf: { jkt: JKT, 'kc-jkt-type': 'DPoP' } }), { ...TOKEN, jkt: JKT }));

  it('reports x5t#S256', () => assert.deepEqual(check({ cnf: { 'x5t#S256': X5T } }), { ...TOKEN, x5tS256: X5T }));

  it('reports both, for both are conditions', () => {
    const both = { ...TOKEN, jkt: JKT, x5tS256: X5T };
    assert.deepEqual(check({ cnf: { jkt: JKT, 'x5t#S256': X5T } }), both);
    assert.deepEqual(check({ cnf: { jkt: JKT, 'kc-jkt-type': 'DPoP', 'x5t#S256': X5T } }), both);
  });

  const unknown: readonly [string, unknown][] = [
    ['null', null],
    ['a string', JKT],
    ['an array', [{ jkt: JKT }]],
    ['empty', {}],
    ['x5t#S256 beside a member unknown', { 'x5t#S256': X5T, a: 1 }],
    ['x5t#S256 beside a jkt that is none', { 'x5t#S256': X5T, jkt: null }],
    ['x5t#S256 that is none beside jkt', { 'x5t#S256': null, jkt: JKT }],
    ['x5t#S256 in hexadecimal', { 'x5t#S256': 'ab'.repeat(32) }],
    ['x5t#S256 padded', { 'x5t#S256': `${X5T}=` }],
    ['x5t#S256 in the alphabet of base64', { 'x5t#S256': `${X5T.slice(1)}+` }],
    ['x5t, of SHA-1', { x5t: X5T }],
    ['the mark of Keycloak beside x5t#S256 alone', { 'kc-jkt-type': 'DPoP', 'x5t#S256': X5T }],
    ['jkt beside a member unknown', { jkt: JKT, a: 1 }],
    ['jkt that Keycloak says is for something else', { jkt: JKT, 'kc-jkt-type': 'other' }],
    ['the mark of Keycloak without jkt', { 'kc-jkt-type': 'DPoP' }],
    ['a key', { jwk: { kty: 'EC' } }],
    ['jkt a number', { jkt: 1 }],
    ['jkt empty', { jkt: '' }],
    ['jkt too short', { jkt: JKT.slice(1) }],
    ['jkt too long', { jkt: `${JKT}A` }],
    ['jkt padded', { jkt: `${JKT}=` }],
    ['jkt with a line feed', { jkt: `${JKT}\n` }],
  ];
  for (const [name, cnf] of unknown) {
    it(`refuses ${name}: a condition that cannot be checked`, () =>
      assert.deepEqual(
        check({ cnf }),
        deny('token_not_bound', { detail: 'cnf is something else than jkt, x5t#S256 or both', token: IDENTITY }),
      ));
  }
});
