/** What the IdP and the rules of today have to say before there are more tokens. OpenID Connect Core §12, RFC 9700 §4.14. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { claimsIn, logIn, tokensIn } from '../../support/login-client.ts';
import type { IdpOutage } from '../../support/login-idp.ts';
import { errorOf, fieldOf, type LoginSettings, RESOURCE, startLogin } from '../../support/login-server.ts';

const DAY_MS = 86_400_000;
const REFUSED = { status: 400, error: 'invalid_grant' };
const UNAVAILABLE = { status: 503, error: 'temporarily_unavailable' };

const atToken =
  (status: number, body: string, type = 'application/json'): IdpOutage =>
  ({ path }, response) => {
    if (path !== '/token') return false;
    response.writeHead(status, { 'content-type': type }).end(body);
    return true;
  };

const OUTAGES: readonly (readonly [name: string, outage: IdpOutage])[] = [
  ['500', atToken(500, '{"error":"server_error"}')],
  ['503 with invalid_grant', atToken(503, '{"error":"invalid_grant"}')],
  ['a page with 200', atToken(200, '<p>maintenance</p>', 'text/html')],
  ['a page with 400', atToken(400, '<p>blocked</p>', 'text/html')],
  ['429', atToken(429, '{"error":"invalid_grant"}')],
  ['a redirect', atToken(302, '')],
  ['invalid_client', atToken(401, '{"error":"invalid_client"}')],
  ['temporarily_unavailable', atToken(400, '{"error":"temporarily_unavailable"}')],
  ['an error that is no text', atToken(400, '{"error":["invalid_grant"]}')],
  ['an empty object', atToken(200, '{}')],
  ['an ID token that is none', atToken(200, '{"access_token":"a","token_type":"bearer","id_token":"x.y.z"}')],
  ['a broken connection', ({ path }, response) => path === '/token' && response.destroy() !== undefined],
];

describe('an IdP that cannot be asked says nothing about the person: 503, and the login is kept', () => {
  for (const [name, outage] of OUTAGES) {
    it(`answers ${name} with 503, and goes on when it is over`, async (context) => {
      const login = await startLogin(context);
      const { client, tokens } = await logIn(login);
      login.clock.tick(60_000);
      login.idp.outage = outage;
      const answer = await client.refresh(tokens.refresh);
      assert.deepEqual(errorOf(answer), UNAVAILABLE);
      assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
      assert.deepEqual(await login.stored(), { grant: 1, granted: 1, returned: 1, family: 1, refresh: 1 });
      login.idp.outage = undefined;
      assert.equal((await client.refresh(tokens.refresh)).status, 200);
    });
  }

  it('keeps it for a client that tries again for an hour', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    login.idp.outage = atToken(502, '');
    for (let round = 0; round < 12; round += 1) {
      login.clock.tick(300_000);
      assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), UNAVAILABLE);
    }
    login.idp.outage = undefined;
    assert.equal((await client.refresh(tokens.refresh)).status, 200);
  });
});

describe('an IdP that refuses ends the login', () => {
  it('invalid_grant ends the family, and the refusal does not repeat what the IdP said', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    login.clock.tick(60_000);
    login.idp.outage = atToken(400, '{"error":"invalid_grant","error_description":"<script>alert(1)</script>"}');
    const answer = await client.refresh(tokens.refresh);
    assert.deepEqual(errorOf(answer), REFUSED);
    assert.ok(!answer.text.includes('alert'));
    login.idp.outage = undefined;
    assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), REFUSED);
    assert.equal((await login.stored()).family, undefined);
    assert.ok(login.events.some(({ fields }) => fields['reason'] === 'upstream_refused'));
  });

  it('tells everyone the same who came at once', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    login.clock.tick(60_000);
    login.idp.outage = atToken(400, '{"error":"invalid_grant"}');
    const answers = await Promise.all(Array.from({ length: 6 }, () => client.refresh(tokens.refresh)));
    for (const answer of answers) assert.deepEqual(errorOf(answer), REFUSED);
    assert.equal(login.idp.count('/token'), 2);
  });
});

interface Change {
  readonly name: string;
  readonly settings: LoginSettings;
  readonly before: Readonly<Record<string, string | boolean | readonly string[]>>;
  readonly after: Readonly<Record<string, string | boolean | readonly string[]>>;
}

const LEFT: readonly Change[] = [
  { name: 'another address', settings: {}, before: {}, after: { email: 'alice@elsewhere.org' } },
  { name: 'an address that is no longer verified', settings: {}, before: {}, after: { email_verified: false } },
  {
    name: 'no group of those that may',
    settings: {
      options: { allow: { everyone: false, emails: [], emailDomains: [], groups: ['staff'], subjects: [] } },
    },
    before: { groups: ['staff'] },
    after: { groups: ['guests'] },
  },
];

describe('the rules of today hold for who the IdP says this is', () => {
  for (const { name, settings, before, after } of LEFT) {
    it(`ends the login of somebody who has now ${name}`, async (context) => {
      const login = await startLogin(context, settings);
      login.idp.accounts.set('alice', { sub: 'alice', ...before });
      const { client, tokens } = await logIn(login);
      login.clock.tick(60_000);
      login.idp.accounts.set('alice', { sub: 'alice', ...after });
      assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), REFUSED);
      assert.equal((await login.stored()).family, undefined);
      login.idp.accounts.set('alice', { sub: 'alice', ...before });
      assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), REFUSED);
    });
  }

  it('ends the login of somebody whom a reload no longer allows', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    await login.server.configure({ ...login.options, allow: { ...login.options.allow, emailDomains: ['other.org'] } });
    assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), REFUSED);
    assert.equal((await login.stored()).family, undefined);
  });

  const SCOPE_GRANTS = [
    { scopes: ['mcp:read'], everyone: true, groups: [], emails: [] },
    { scopes: ['mcp:write'], everyone: false, groups: ['writers'], emails: [] },
  ];

  it('takes a scope whose group the person has left, and gives it back with the group', async (context) => {
    const login = await startLogin(context, { options: { scopeGrants: SCOPE_GRANTS } });
    login.idp.accounts.set('alice', { sub: 'alice', groups: ['writers'] });
    const { client, tokens } = await logIn(login, { change: { scope: 'mcp:read mcp:write' } });
    let { refresh, access } = tokens;
    const scopes = [];
    for (const groups of [['writers'], [], ['writers']]) {
      scopes.push(claimsIn(access)['scope']);
      login.idp.accounts.set('alice', { sub: 'alice', groups });
      login.clock.tick(60_000);
      ({ refresh, access } = tokensIn(await client.refresh(refresh)));
    }
    assert.deepEqual(
      [...scopes, claimsIn(access)['scope']],
      ['mcp:read mcp:write', 'mcp:read mcp:write', 'mcp:read', 'mcp:read mcp:write'],
    );
  });

  it('gives no token without any scope (RFC 6749 §3.3)', async (context) => {
    const resources = [{ resource: RESOURCE, scopesSupported: ['mcp:read', 'mcp:write'], requiredScopes: [] }];
    const login = await startLogin(context, { options: { resources, scopeGrants: SCOPE_GRANTS.slice(1) } });
    login.idp.accounts.set('alice', { sub: 'alice', groups: ['writers'] });
    const { client, tokens } = await logIn(login, { change: { scope: 'mcp:write' } });
    login.idp.accounts.set('alice', { sub: 'alice', groups: [] });
    login.clock.tick(60_000);
    const answer = await client.refresh(tokens.refresh);
    assert.deepEqual(errorOf(answer), REFUSED, answer.text);
  });
});

describe('an IdP without refresh tokens: the login lives for session_ttl', () => {
  const settings = { idp: { issueRefreshToken: async () => false } };

  for (const [name, ms, expected] of [
    ['goes on within it', DAY_MS - 1_000, { status: 200, error: undefined }],
    ['ends after it', DAY_MS, REFUSED],
    ['ends when the clock jumps far forward', 20 * DAY_MS, REFUSED],
  ] as const) {
    it(name, async (context) => {
      const login = await startLogin(context, settings);
      const { client, tokens } = await logIn(login);
      login.clock.setTime(Date.now() + ms);
      assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), expected);
      assert.equal(login.idp.count('/token'), 1);
      assert.equal((await login.stored()).family, expected.status === 200 ? 1 : undefined);
    });
  }

  it('is not made longer by refreshing', async (context) => {
    const login = await startLogin(context, settings);
    const { client, tokens } = await logIn(login);
    let { refresh } = tokens;
    for (let hour = 0; hour < 23; hour += 1) {
      login.clock.tick(3_600_000);
      ({ refresh } = tokensIn(await client.refresh(refresh)));
    }
    login.clock.tick(3_600_000);
    assert.deepEqual(errorOf(await client.refresh(refresh)), REFUSED);
  });
});
