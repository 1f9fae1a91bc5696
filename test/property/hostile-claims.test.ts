/** Claims made up by whoever can: nothing passes that should not, nothing crashes, nothing leaves its bounds. RFC 9068 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { closeRelation } from '../../src/lib/close-relation.ts';
import { parseJsonPointer } from '../../src/lib/json-pointer.ts';
import type { JsonObject } from '../../src/lib/json-text.ts';
import { checkAccessToken, type ExpectedClaims } from '../../src/oauth/access-token.ts';
import { isDenied } from '../../src/oauth/denial.ts';
import { refuseIdToken } from '../../src/oauth/id-token.ts';
import { isScopeToken } from '../../src/oauth/scope.ts';
import { parseJsonObject } from '../../src/oauth/strict-json.ts';
import { formatIdentityFields } from '../../src/proxy/identity-headers.ts';

// The same run every time; take the line out to look further.
fc.configureGlobal({ seed: 20_261_130 });
const RUNS = { numRuns: 200 };

const KNOWN = ['read', 'write', 'admin'];
const POINTERS = ['roles', '/realm_access/roles', '/a/0', '/__proto__/roles', '/constructor/name', 'scp', 'scope'];
const EXPECTED: ExpectedClaims = {
  issuer: 'https://issuer.example',
  aliases: new Set(['https://tenant.example/']),
  audiences: ['app'],
  resourceUri: 'https://tool.example/mcp',
  audienceClaim: 'client_id',
  scopeTerms: {
    claims: POINTERS.map((name) => ({ name, pointer: parseJsonPointer(name) ?? [] })),
    prefix: 'api://app/',
    known: new Set(KNOWN),
    implied: closeRelation({ admin: ['write'], write: ['read', 'admin'] }),
  },
  clockSkewMs: 0,
};

const NAMES = [
  'read',
  'write',
  'admin',
  'api://app/read',
  'api://app/',
  'api://b/read',
  'openid',
  '__proto__',
  'constructor',
];
const word = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('read\r\nX-Obex-User: root', 'a"b', '', ' ', 'x'.repeat(9000), '\ud800'),
);
const claim = fc.oneof(
  { depthSize: 'small' },
  word,
  fc.array(fc.oneof(word, fc.jsonValue()), { maxLength: 6 }),
  fc.dictionary(word, fc.oneof(word, fc.dictionary(word, word, { maxKeys: 2 }), fc.array(word, { maxLength: 3 }))),
  fc.jsonValue(),
);
/** Mostly right, so that what is wrong is reached. */
const mostly = (value: string, ...others: readonly string[]) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<unknown>(value) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
    claim,
  );

const hostileClaims = fc.record(
  {
    iss: mostly('https://issuer.example', 'https://tenant.example/', 'https://tenant.example', ''),
    client_id: mostly('app', 'APP', 'app ', 'app,other', ''),
    aud: mostly('https://tool.example/mcp', 'app', 'https://tool.example/mcp/', 'https://tool.example/%6dcp'),
    token_use: mostly('access', 'id', 'refresh', 'Access'),
    exp: fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>(60) }, fc.constantFrom(0, -1, 1e300), claim),
    sub: claim,
    scope: claim,
    scp: claim,
    roles: claim,
    realm_access: fc.oneof(claim, fc.record({ roles: claim })),
    a: claim,
    __proto__: claim,
    constructor: claim,
  },
  { requiredKeys: [] },
);

/** As it comes out of a token: read strictly, from its bytes. */
function asToken(claims: object): JsonObject | undefined {
  return parseJsonObject(Buffer.from(JSON.stringify(claims)));
}

describe('hostile claims', () => {
  it('pass with the right issuer, client and audience, in time, or not at all', () => {
    let passed = 0;
    fc.assert(
      fc.property(hostileClaims, (claims) => {
        const payload = asToken(claims);
        if (payload === undefined) return;
        const outcome = checkAccessToken(payload, EXPECTED, 0);
        if (isDenied(outcome)) return;
        passed += 1;
        assert.ok(['https://issuer.example', 'https://tenant.example/'].includes(outcome.issuer));
        assert.equal(payload['client_id'], 'app');
        assert.ok(payload['token_use'] === undefined || payload['token_use'] === 'access');
        const aud = payload['aud'];
        const names = [aud ?? []].flat();
        assert.ok(
          names.length === 0 ||
            names.some((name) => /^https:\/\/tool\.example\/(m|%6d)cp$/.test(JSON.stringify(name).slice(1, -1))),
        );
        assert.ok(outcome.expiresAtMs > 0);
      }),
      { numRuns: 2000 },
    );
    assert.ok(passed > 20, `${passed} passed`);
  });

  const scoped = fc.record(
    { roles: claim, realm_access: fc.record({ roles: claim }), a: claim, scp: claim, scope: claim },
    { requiredKeys: [] },
  );
  const base = { iss: 'https://issuer.example', client_id: 'app', exp: 60, sub: 'alice' };

  it('grant by a claim that is not made for scopes what the configuration names, at most', () => {
    fc.assert(
      fc.property(scoped, (claims) => {
        const payload = asToken({ ...base, ...claims });
        if (payload === undefined) return;
        const outcome = checkAccessToken(payload, EXPECTED, 0);
        if (isDenied(outcome)) return;
        if (outcome.scopeClaim === 'scope' || outcome.scopeClaim === 'scp') return;
        for (const scope of outcome.scopes) assert.ok(KNOWN.includes(scope), scope);
        const text = JSON.stringify(claims);
        for (const scope of outcome.scopes)
          assert.ok(
            KNOWN.some((name) => text.includes(name)),
            `${scope} of ${text}`,
          );
      }),
      RUNS,
    );
  });

  it('are told to the backend in field lines of a bounded length that nothing breaks', () => {
    fc.assert(
      fc.property(scoped, fc.string({ unit: 'binary', maxLength: 300 }), (claims, sub) => {
        const payload = asToken({ ...base, ...claims, sub });
        if (payload === undefined) return;
        const outcome = checkAccessToken(payload, EXPECTED, 0);
        if (isDenied(outcome)) return;
        for (const scope of outcome.scopes) assert.ok(isScopeToken(scope));
        for (const line of formatIdentityFields(outcome)) assert.match(line, /^[\x20-\x7e]{0,9000}$/);
      }),
      RUNS,
    );
  });

  it('never make an ID token pass where the client says for whom a token is', () => {
    fc.assert(
      fc.property(hostileClaims, fc.constantFrom(undefined, 'JWT', 'jwt'), (claims, typ) => {
        // OpenID Connect Core §2: aud is the client, as it is accepted here.
        for (const idToken of [{ aud: 'app' }, { aud: ['app'] }, { token_use: 'id' }]) {
          const payload = asToken({ ...base, ...claims, ...idToken });
          if (payload === undefined) return;
          const outcome = refuseIdToken(typ, payload) ?? checkAccessToken(payload, EXPECTED, 0);
          assert.ok(isDenied(outcome), JSON.stringify(payload));
        }
      }),
      RUNS,
    );
  });
});
