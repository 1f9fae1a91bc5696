/** Attacks on refresh tokens, and what the IdP and the rules of today have to say. RFC 6749 §6, §10.4, RFC 9700 §4.14, RFC 7009. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseObject } from '../../support/json.ts';
import { Browser } from '../../support/login-browser.ts';
import { type Change, Client, claimsIn, logIn, obtainCode, tokensIn } from '../../support/login-client.ts';
import { errorOf, fieldOf, startLogin } from '../../support/login-server.ts';

const DAY_MS = 86_400_000;
const REFUSED = { status: 400, error: 'invalid_grant' };

describe('RFC 9700 §4.14.2: refresh tokens rotate, and reuse ends the family', () => {
  it('gives a new refresh token each time, after the IdP was asked', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    const seen = new Set([tokens.refresh]);
    let { refresh } = tokens;
    for (let round = 1; round <= 3; round += 1) {
      login.clock.tick(60_000);
      const answer = await client.refresh(refresh);
      const { access_token: _, refresh_token: next, ...rest } = parseObject(answer.text);
      assert.deepEqual(rest, { expires_in: 900, scope: 'mcp:read', token_type: 'Bearer' });
      assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
      assert.equal(login.idp.count('/token'), 1 + round);
      refresh = String(next);
      seen.add(refresh);
    }
    assert.equal(seen.size, 4);
  });

  it('forgives a client that lost the answer and asks again within ten seconds', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    const first = tokensIn(await client.refresh(tokens.refresh));
    login.clock.tick(9_000);
    const again = tokensIn(await client.refresh(tokens.refresh));
    assert.equal(again.refresh.split('.')[0], first.refresh.split('.')[0], 'one successor, sealed twice');
    for (const { refresh } of [first, again]) assert.equal((await client.refresh(refresh)).status, 200);
  });

  for (const [name, ms] of [
    ['after ten seconds', 10_001],
    ['after a day', DAY_MS],
    ['by a clock set back', -DAY_MS],
  ] as const) {
    it(`ends the family with its newest token on reuse ${name}`, async (context) => {
      const login = await startLogin(context);
      const { client, tokens } = await logIn(login);
      const { refresh } = tokensIn(await client.refresh(tokens.refresh));
      login.clock.setTime(Date.now() + ms);
      assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), REFUSED);
      assert.deepEqual(errorOf(await client.refresh(refresh)), REFUSED);
      const { grant, family } = await login.stored();
      assert.deepEqual({ grant, family }, { grant: undefined, family: undefined });
    });
  }

  for (const many of [6, 50]) {
    it(`serves ${many} refreshes of one client at once, and asks the IdP once`, async (context) => {
      const login = await startLogin(context);
      const { client, tokens } = await logIn(login);
      login.clock.tick(60_000);
      const answers = await Promise.all(Array.from({ length: many }, () => client.refresh(tokens.refresh)));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      assert.equal(login.idp.count('/token'), 2);
      assert.equal((await login.stored()).refresh, 2, 'the used one and its one successor');
      assert.equal((await client.refresh(tokensIn(answers[0] ?? assert.fail()).refresh)).status, 200);
    });
  }

  it('is worth nothing after its life, also where it was rotated', async (context) => {
    const login = await startLogin(context, { options: { refreshTokenTtlMs: 2 * DAY_MS } });
    const { client, tokens } = await logIn(login);
    login.clock.tick(DAY_MS);
    const { refresh } = tokensIn(await client.refresh(tokens.refresh));
    login.clock.tick(2 * DAY_MS);
    assert.deepEqual(errorOf(await client.refresh(refresh)), REFUSED);
  });
});

describe('RFC 6749 §6, §10.4: a refresh token is bound to its client and its scope', () => {
  it('refuses another client, which ends nothing', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    const other = await Client.register(login);
    assert.deepEqual(errorOf(await other.refresh(tokens.refresh)), REFUSED);
    assert.equal(login.idp.count('/token'), 1);
    assert.equal((await client.refresh(tokens.refresh)).status, 200);
  });

  const SCOPES: readonly {
    readonly name: string;
    readonly change: Change;
    readonly scope: unknown;
    readonly error: unknown;
  }[] = [
    {
      name: 'more than was granted',
      change: { scope: 'mcp:read mcp:write' },
      scope: 'mcp:write',
      error: 'invalid_scope',
    },
    { name: 'unknown scopes only', change: { scope: 'offline_access admin' }, scope: 'mcp:read', error: undefined },
    { name: 'an unknown scope beside', change: { scope: 'mcp:read admin' }, scope: 'mcp:read', error: undefined },
    { name: 'scope twice', change: { scope: ['mcp:read', 'mcp:write'] }, scope: undefined, error: 'invalid_request' },
    {
      name: 'another resource',
      change: { resource: 'https://other.example.com/' },
      scope: undefined,
      error: 'invalid_target',
    },
    { name: 'the token twice', change: { refresh_token: ['a', 'b'] }, scope: undefined, error: 'invalid_request' },
    { name: 'no token', change: { refresh_token: undefined }, scope: undefined, error: 'invalid_request' },
    { name: 'an empty token', change: { refresh_token: '' }, scope: undefined, error: 'invalid_request' },
    { name: 'an unknown token', change: { refresh_token: 'x'.repeat(43) }, scope: undefined, error: 'invalid_grant' },
  ];
  for (const { name, change, ...expected } of SCOPES) {
    it(`never widens what was granted: ${name}`, async (context) => {
      const login = await startLogin(context);
      const { client, tokens } = await logIn(login);
      const answer = await client.refresh(tokens.refresh, change);
      const { scope, error } = parseObject(answer.text);
      assert.deepEqual({ scope, error }, expected);
      assert.equal(answer.status, error === undefined ? 200 : 400);
      if (error !== undefined && error !== 'invalid_target') assert.equal(login.idp.count('/token'), 1);
      assert.equal((await client.refresh(tokens.refresh)).status, 200);
    });
  }

  it('narrows one access token, not the refresh token', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login, { change: { scope: 'mcp:read mcp:write' } });
    const narrow = await client.refresh(tokens.refresh, { scope: 'mcp:write' });
    assert.equal(parseObject(narrow.text)['scope'], 'mcp:write');
    assert.equal(claimsIn(tokensIn(narrow).access)['scope'], 'mcp:write');
    const wide = await client.refresh(tokensIn(narrow).refresh);
    assert.equal(claimsIn(tokensIn(wide).access)['scope'], 'mcp:read mcp:write');
  });
});

describe('RFC 7009 §2.1: a client revokes its own tokens', () => {
  it('ends the family, also when the token was rotated away, and says 200 again', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    const { refresh } = tokensIn(await client.refresh(tokens.refresh));
    for (let round = 0; round < 2; round += 1) {
      const { status, text } = await client.revoke(refresh);
      assert.deepEqual({ status, text }, { status: 200, text: '' });
    }
    assert.equal((await login.stored()).family, undefined);
    for (const token of [refresh, tokens.refresh]) assert.deepEqual(errorOf(await client.refresh(token)), REFUSED);
  });

  it('does nothing for another client, and tells it nothing', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    const other = await Client.register(login);
    const unknown = await other.revoke('x'.repeat(43));
    assert.deepEqual(await other.revoke(tokens.refresh), unknown);
    assert.equal((await client.refresh(tokens.refresh)).status, 200);
  });

  it('cannot take back an access token, which is a JWT, and says so', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    const answer = await client.revoke(tokens.access);
    assert.deepEqual(errorOf(answer), { status: 400, error: 'unsupported_token_type' });
    assert.ok(!answer.text.includes(tokens.access));
    assert.equal((await login.stored()).family, 1);
  });

  it('refuses an unknown client and a missing token', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    const unknown = await client.revoke(tokens.refresh, { client_id: 'nobody' });
    assert.deepEqual(errorOf(unknown), { status: 401, error: 'invalid_client' });
    assert.deepEqual(errorOf(await client.revoke('')), { status: 400, error: 'invalid_request' });
    assert.equal((await login.stored()).family, 1);
  });
});

describe('RFC 9700 §4.14: two logins are two families', () => {
  it('leaves the other one alone', async (context) => {
    const login = await startLogin(context);
    const { client, browser, tokens } = await logIn(login);
    const other = tokensIn(await client.redeem(await obtainCode(client, browser)));
    await client.revoke(tokens.refresh);
    assert.equal((await client.refresh(other.refresh)).status, 200);
    assert.equal((await login.stored()).family, 1);
    assert.equal(new Browser(login).arrivals.length, 0);
  });
});
