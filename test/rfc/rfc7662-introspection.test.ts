/** What an issuer says of a token, judged: nothing passes that should not, and nothing crashes. RFC 7662 §2.2, §4. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Denial, isDenied } from '../../src/oauth/denial.ts';
import {
  checkIntrospection,
  confirmAccessToken,
  isJwtShaped,
  parseIntrospectionResponse,
  refuseOpaqueToken,
} from '../../src/oauth/introspection.ts';
import type { AccessToken } from '../../src/oauth/principal.ts';
import { parseObject } from '../support/json.ts';

// The same run every time; take the line out to look further.
fc.configureGlobal({ seed: 20_261_130 });

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://tool.example/mcp';
const NOW_MS = 1_800_000_000_000;
const NOW = NOW_MS / 1000;
const EXPECTED = { issuer: ISSUER, audiences: [AUDIENCE], resourceUri: undefined, clockSkewMs: 10_000 };
const JKT = 'A'.repeat(43);

const GOOD: Readonly<Record<string, unknown>> = {
  active: true,
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'alice',
  client_id: 'client-1',
  scope: 'mcp:read',
  token_type: 'Bearer',
  exp: NOW + 300,
  iat: NOW,
};

type Judged = AccessToken | Denial | 'unreadable';

function judgeBytes(bytes: Uint8Array): Judged {
  const response = parseIntrospectionResponse(bytes);
  return response === undefined ? 'unreadable' : checkIntrospection(response, EXPECTED, NOW_MS);
}

function judge(members: unknown): Judged {
  return judgeBytes(Buffer.from(JSON.stringify(members) ?? ''));
}

function reasonOf(judged: Judged): string {
  if (judged === 'unreadable') return judged;
  return isDenied(judged) ? judged.reason : 'passes';
}

/** Values of a member that must not pass for it, by the reason. */
const HOSTILE: Readonly<Record<string, readonly unknown[]>> = {
  active: [false, 'true', 1, 0, null, [], {}, [true], 'false', '', 'yes', undefined],
  iss: [null, '', 1, [ISSUER], {}, `${ISSUER}/`, 'https://ISSUER.example', `${ISSUER} `, ` ${ISSUER}`, true],
  aud: [
    undefined,
    null,
    '',
    [],
    [''],
    7,
    {},
    [[AUDIENCE]],
    [AUDIENCE, 7],
    `${AUDIENCE}/`,
    `${AUDIENCE}x`,
    ` ${AUDIENCE}`,
    `${AUDIENCE} x`,
    [`x ${AUDIENCE}`],
    { 0: AUDIENCE, length: 1 },
    '*',
    ['*'],
    AUDIENCE.toUpperCase(),
    'https://tool.example',
    'client-1',
  ],
  sub: [7, null, [], {}, true, ['alice'], '\ud800', 'x'.repeat(1025), 'ü'.repeat(600)],
  client_id: [7, null, [], {}, true, ['c'], '\udfff', 'x'.repeat(1025)],
  scope: [7, null, {}, true, [7], [null], ['a b'], 'a"b', 'a\\b', 'a\u0000b', 'é', [['a']], 'a '.repeat(9000) + 'b"'],
  token_type: ['', 'N_A', 'mac', 'refresh_token', 'Bearer ', 'urn:ietf:params:oauth:token-type:id_token', 1, null, []],
  token_use: ['refresh_token', 'id', 'id_token', '', null, 1, ['access_token'], 'ACCESS_TOKEN', true],
  exp: [NOW - 10, 0, -1, null, '1900000000', [], {}, true, 1e300, -1e300, NOW - 3600, 8.7e12],
  nbf: [NOW + 11, 4e9, null, '0', [], {}, true, 1e300],
  iat: [NOW + 11, 4e9, null, '0', [], {}, false, 1e300],
  cnf: [
    null,
    {},
    [],
    '',
    JKT,
    { jkt: '' },
    { jkt: 7 },
    { jkt: JKT.slice(1) },
    { jkt: `${JKT}A` },
    { jkt: [JKT] },
    { jkt: null },
    { jkt: JKT, jku: 'https://e' },
    { jkt: JKT, jwk: {} },
    { kid: 'x' },
    { jwk: {} },
    { 'kc-jkt-type': 'DPoP' },
  ],
};

const WHOLE = JSON.stringify(GOOD);

/** Bodies that are no answer at all. */
const UNREADABLE: readonly (string | Uint8Array)[] = [
  '',
  ' ',
  'true',
  'null',
  '[]',
  '"active"',
  '{}',
  '<html>',
  'active=true',
  'a.b.c',
  `[${WHOLE}]`,
  `{"token":${WHOLE}}`,
  `${WHOLE}${WHOLE}`,
  `${WHOLE},`,
  `\ufeff${WHOLE}`,
  `${WHOLE}\u0000`,
  `//\n${WHOLE}`,
  WHOLE.replaceAll('"', "'"),
  WHOLE.replace('{"active":true', '{"active":true,"active":true'),
  WHOLE.replace('{"active":true', '{"active":false,"active":true'),
  WHOLE.replace('{"active":true', '{"active":false,"\\u0061ctive":true'),
  WHOLE.replace('"active":true', '"Active":true'),
  WHOLE.replace('"active":true', '"active":True'),
  WHOLE.replace('"active":true', '"__proto__":{"active":true}'),
  `{"a":${'['.repeat(40)}${']'.repeat(40)},${WHOLE.slice(1)}`,
  Buffer.from(WHOLE, 'utf16le'),
  Buffer.concat([Buffer.from(WHOLE.slice(0, -1)), Buffer.from([0x2c, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]),
  ...Object.keys(GOOD).map((name) => `${WHOLE.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(GOOD[name])}}`),
  ...Array.from({ length: 40 }, (_, index) => WHOLE.slice(0, Math.floor((index * WHOLE.length) / 40))),
];

describe('RFC 7662 §2.2: an answer', () => {
  it('passes with all that it may have, and with active and aud alone', () => {
    assert.equal(reasonOf(judge(GOOD)), 'passes');
    assert.equal(reasonOf(judge({ active: true, aud: [AUDIENCE] })), 'passes');
  });

  it('without exp has no end of its own; without iss it is the word of the one who was asked', () => {
    const token = judge({ active: true, aud: AUDIENCE });
    assert.ok(token !== 'unreadable' && !isDenied(token));
    assert.deepEqual([token.issuer, token.expiresAtMs, token.jkt], [ISSUER, 8.64e15, undefined]);
  });

  it('is for access tokens, whatever the case (RFC 6749 §5.1), and brings their binding along (RFC 9449 §6.2)', () => {
    for (const type of ['bearer', 'BEARER']) assert.equal(reasonOf(judge({ ...GOOD, token_type: type })), 'passes');
    const token = judge({ ...GOOD, token_type: 'DPoP', cnf: { jkt: JKT } });
    assert.ok(token !== 'unreadable' && !isDenied(token));
    assert.equal(token.jkt, JKT);
    assert.equal(reasonOf(judge({ ...GOOD, token_type: 'dpop' })), 'token_not_bound');
  });

  it('of an inactive token is not read any further', () => {
    assert.equal(reasonOf(judge({ ...GOOD, active: false, aud: 7, exp: 'x' })), 'token_inactive');
  });

  const members = Object.entries(HOSTILE).flatMap(([name, values]) => values.map((value) => [name, value] as const));

  it(`${members.length + UNREADABLE.length} hostile answers: none passes`, () => {
    assert.ok(members.length + UNREADABLE.length >= 200);
    for (const [name, value] of members) {
      assert.notEqual(reasonOf(judge({ ...GOOD, [name]: value })), 'passes', `${name}: ${JSON.stringify(value)}`);
    }
    for (const body of UNREADABLE) assert.equal(judgeBytes(Buffer.from(body)), 'unreadable', body.toString());
  });

  it('passes only if every one of these holds, whatever is made of its members', () => {
    const hostile = (name: string): fc.Arbitrary<unknown> =>
      fc.oneof(
        { weight: 4, arbitrary: fc.constant(GOOD[name]) },
        fc.constantFrom(...(HOSTILE[name] ?? [undefined])),
        fc.jsonValue({ maxDepth: 2 }),
      );
    const answers = fc.record(Object.fromEntries(Object.keys(HOSTILE).map((name) => [name, hostile(name)])));
    fc.assert(
      fc.property(answers, (answer) => {
        if (reasonOf(judge(answer)) !== 'passes') return;
        const { active, iss = ISSUER, aud, exp = NOW + 1, nbf = NOW, iat = NOW, cnf } = answer;
        assert.equal(active, true);
        assert.equal(iss, ISSUER);
        assert.ok([aud].flat().includes(AUDIENCE));
        assert.ok(Number(exp) > NOW - 10 && Number(nbf) <= NOW + 10 && Number(iat) <= NOW + 10);
        assert.ok(cnf === undefined || JSON.stringify(cnf) === JSON.stringify({ jkt: JKT }));
      }),
      { numRuns: 5_000 },
    );
  });

  it('never makes the reader throw', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string({ unit: 'binary' }), fc.jsonValue(), (bytes, text, json) => {
        judgeBytes(bytes);
        judgeBytes(Buffer.from(text));
        judge(json);
        judge({ active: true, aud: json, cnf: json, exp: json });
        isJwtShaped(text);
        refuseOpaqueToken(text);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('answers of identity providers (test/support/token-shapes)', () => {
  it('Hydra: its opaque tokens pass', () => {
    const file = join(import.meta.dirname, '../support/token-shapes/hydra-opaque.json');
    const { introspection } = parseObject(readFileSync(file, 'utf8'));
    const response = parseIntrospectionResponse(Buffer.from(JSON.stringify(introspection)));
    assert.ok(response);
    const expected = { ...EXPECTED, issuer: 'https://idp.example', audiences: ['https://tool.example.com/mcp'] };
    const token = checkIntrospection(response, expected, NOW_MS);
    assert.ok(!isDenied(token));
    assert.deepEqual([token.subject, token.client, [...token.scopes]], ['my-client', 'my-client', ['mcp:read']]);
    const refreshToken = { ...response, members: { ...response.members, token_use: 'refresh_token' } };
    assert.equal(reasonOf(checkIntrospection(refreshToken, expected, NOW_MS)), 'invalid_token');
  });
});

describe('of a JWT that has been verified', () => {
  const VERIFIED: AccessToken = {
    issuer: ISSUER,
    subject: 'alice',
    client: 'client-1',
    scopes: new Set(['a', 'b']),
    scopeClaim: 'scope',
    expiresAtMs: NOW_MS + 60_000,
    jkt: undefined,
    x5tS256: undefined,
  };
  const confirm = (members: Readonly<Record<string, unknown>>, verified = VERIFIED) =>
    confirmAccessToken(
      verified,
      { active: members['active'] === true, members },
      { expected: EXPECTED, nowMs: NOW_MS },
    );

  it('an answer that says nothing but active changes nothing', () => {
    assert.deepEqual(confirm({ active: true }), VERIFIED);
    const bound = { ...VERIFIED, jkt: JKT };
    assert.deepEqual(confirm({ active: true, token_type: 'DPoP' }, bound), bound);
  });

  it('an answer can end it earlier, narrow it and bind it, and nothing else', () => {
    const said = { active: true, exp: NOW + 5, scope: 'b c', cnf: { jkt: JKT }, sub: 'mallory', client_id: 'm' };
    const confirmed = { ...VERIFIED, expiresAtMs: NOW_MS + 5_000, scopes: new Set(['b']), jkt: JKT };
    assert.deepEqual(confirm(said), confirmed);
    assert.deepEqual(confirm({ active: true, exp: NOW + 600, scope: 'a b c' }), VERIFIED);
  });

  it('an answer without aud and client_id changes nothing where client_id is the audience, nor under an alias', () => {
    const alias = 'https://tenant.example';
    const byClient = {
      ...EXPECTED,
      audiences: ['client-1'],
      audienceClaim: 'client_id',
      aliases: new Set([alias]),
    } as const;
    const verified = { ...VERIFIED, issuer: alias };
    const judge = (members: Readonly<Record<string, unknown>>) =>
      confirmAccessToken(verified, { active: true, members }, { expected: byClient, nowMs: NOW_MS });
    for (const members of [{}, { azp: 'client-1' }, { iss: alias }, { iss: ISSUER }])
      assert.deepEqual(judge(members), verified);
    const other = judge({ client_id: 'client-2' });
    assert.equal(isDenied(other) && other.reason, 'audience_mismatch');
    assert.equal(isDenied(other) && other.evidence.detail, 'client_id');
  });

  it('an answer with any other binding never leaves it unbound', () => {
    for (const cnf of [{ 'x5t#S256': JKT }, { jkt: JKT, 'x5t#S256': JKT }, { jwk: {} }, {}, null]) {
      const outcome = confirm({ active: true, cnf });
      assert.ok(isDenied(outcome) || JSON.stringify(outcome).includes(JKT), JSON.stringify(cnf));
    }
    // RFC 8705 §3.2
    const certified = { ...VERIFIED, x5tS256: JKT };
    assert.deepEqual(confirm({ active: true, cnf: { 'x5t#S256': JKT } }), certified);
    assert.deepEqual(confirm({ active: true }, certified), certified);
    for (const cnf of [{ 'x5t#S256': 'B'.repeat(43) }, { jkt: JKT }]) {
      const other = confirm({ active: true, cnf }, certified);
      assert.equal(isDenied(other) && other.reason, 'token_not_bound');
    }
  });

  it('an answer that contradicts it refuses it', () => {
    const refused: readonly (readonly [members: Readonly<Record<string, unknown>>, reason: string])[] = [
      [{}, 'token_inactive'],
      [{ aud: 'https://other.example' }, 'audience_mismatch'],
      [{ aud: [] }, 'audience_mismatch'],
      [{ iss: 'https://other.example' }, 'invalid_issuer'],
      [{ exp: NOW - 11 }, 'token_expired'],
      [{ token_type: 'refresh' }, 'invalid_token'],
    ];
    for (const [members, reason] of refused) {
      const outcome = confirm({ active: reason !== 'token_inactive', ...members });
      assert.ok(isDenied(outcome));
      assert.equal(outcome.reason, reason);
    }
    const other = confirm({ active: true, cnf: { jkt: 'B'.repeat(43) } }, { ...VERIFIED, jkt: JKT });
    assert.equal(isDenied(other) && other.reason, 'token_not_bound');
  });
});

describe('RFC 6750 §2.1: a token that is no JWT', () => {
  it('is a b68token of at most 8 KiB', () => {
    for (const token of ['a', 'a=', 'a==', '~+/-._', 'a.b', 'a.b.c.d.e', 'x'.repeat(8192)])
      assert.equal(refuseOpaqueToken(token), undefined);
    for (const token of ['', '=', 'a=b', 'a b', 'a,b', 'a\u0000', 'é', 'x'.repeat(8193)])
      assert.equal(refuseOpaqueToken(token)?.reason, 'invalid_token');
  });

  it('has not three parts in base64url', () => {
    for (const token of ['a.b.c', 'a-_.b.c', 'a.b.']) assert.equal(isJwtShaped(token), true);
    for (const token of ['a', 'a.b', 'a.b.c.d', 'a.b.c=', 'a+.b.c', '.b.c', 'a..c', 'a.b.c\n'])
      assert.equal(isJwtShaped(token), false);
  });
});
