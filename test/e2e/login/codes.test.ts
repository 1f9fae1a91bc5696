/** Attacks on authorization codes. RFC 6749 §4.1.2, §4.1.3, §10.5, RFC 7636 §4.6, RFC 8707 §2.2, RFC 9700 §4.5. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { parseObject } from '../../support/json.ts';
import { Browser } from '../../support/login-browser.ts';
import { type Change, Client, claimsIn, logIn, obtainCode, tokensIn } from '../../support/login-client.ts';
import { errorOf, fieldOf, ISSUER, type Login, RESOURCE, startLogin } from '../../support/login-server.ts';

const REFUSED = { status: 400, error: 'invalid_grant' };

async function withCode(context: TestContext): Promise<{ login: Login; client: Client; code: string }> {
  const login = await startLogin(context);
  const client = await Client.register(login);
  return { login, client, code: await obtainCode(client, new Browser(login)) };
}

describe('RFC 6749 §5.1, RFC 9068 §2: a code becomes an access token and a refresh token', () => {
  it('answers nothing else, and lets nobody keep it', async (context) => {
    const { login, client, code } = await withCode(context);
    const answer = await client.redeem(code);
    const { access_token: access, refresh_token: refresh, ...rest } = parseObject(answer.text);
    assert.equal(answer.status, 200);
    assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
    assert.equal(fieldOf(answer, 'set-cookie'), undefined);
    assert.deepEqual(rest, { expires_in: 900, scope: 'mcp:read', token_type: 'Bearer' });
    const { iat, exp, jti, ...claims } = claimsIn(String(access));
    assert.deepEqual(
      {
        ...claims,
        life: Number(exp) - Number(iat),
        hasId: typeof jti === 'string',
        isOpaque: String(refresh).split('.').length < 3,
      },
      {
        iss: ISSUER,
        aud: RESOURCE,
        sub: 'alice',
        client_id: client.id,
        scope: 'mcp:read',
        email: 'alice@example.com',
        email_verified: true,
        life: 900,
        hasId: true,
        isOpaque: true,
      },
    );
    assert.deepEqual(await login.stored(), { code: 1, grant: 1, granted: 1, returned: 1, family: 1, refresh: 1 });
  });
});

describe('RFC 6749 §4.1.2: the client MUST NOT use the authorization code more than once', () => {
  it('ends everything that the code has given when it comes again', async (context) => {
    const login = await startLogin(context);
    const { client, code, tokens } = await logIn(login);
    assert.deepEqual(errorOf(await client.redeem(code)), REFUSED);
    const { grant, family } = await login.stored();
    assert.deepEqual({ grant, family }, { grant: undefined, family: undefined });
    assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), REFUSED);
    assert.equal(login.idp.count('/token'), 1);
    assert.ok(login.events.some(({ event, fields }) => event === 'login_ended' && fields['reason'] === 'revoked'));
  });

  it('ends what a rotated refresh token stands for as well', async (context) => {
    const login = await startLogin(context);
    const { client, code, tokens } = await logIn(login);
    const { refresh } = tokensIn(await client.refresh(tokens.refresh));
    await client.redeem(code);
    assert.deepEqual(errorOf(await client.refresh(refresh)), REFUSED);
  });

  it('gives tokens to one of twenty who come at once', async (context) => {
    const { login, client, code } = await withCode(context);
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.redeem(code)));
    const refused = answers.filter(({ status }) => status !== 200);
    assert.equal(refused.length, 19);
    for (const answer of refused) assert.deepEqual(errorOf(answer), REFUSED);
    assert.equal((await login.stored()).refresh, 1);
  });

  it('is as strict when the wall clock is set back a day in between', async (context) => {
    const login = await startLogin(context);
    const { client, code } = await logIn(login);
    login.clock.setTime(Date.now() - 86_400_000);
    assert.deepEqual(errorOf(await client.redeem(code)), REFUSED);
    assert.equal((await login.stored()).family, undefined);
  });
});

const WRONG: readonly { readonly name: string; readonly change: Change; readonly error: string }[] = [
  { name: 'another redirect_uri', change: { redirect_uri: 'http://127.0.0.1:4444/other' }, error: 'invalid_grant' },
  { name: 'another port', change: { redirect_uri: 'http://127.0.0.1:4445/cb' }, error: 'invalid_grant' },
  { name: 'another code_verifier', change: { code_verifier: 'v'.repeat(43) }, error: 'invalid_grant' },
  { name: 'no code_verifier', change: { code_verifier: undefined }, error: 'invalid_grant' },
  { name: 'an empty code_verifier', change: { code_verifier: '' }, error: 'invalid_grant' },
  { name: 'a short code_verifier', change: { code_verifier: 'short' }, error: 'invalid_request' },
  { name: 'a long code_verifier', change: { code_verifier: 'v'.repeat(129) }, error: 'invalid_request' },
  { name: 'a code_verifier beyond its alphabet', change: { code_verifier: 'ü'.repeat(43) }, error: 'invalid_request' },
  { name: 'no code', change: { code: undefined }, error: 'invalid_request' },
  { name: 'an unknown code', change: { code: 'x'.repeat(43) }, error: 'invalid_grant' },
  { name: 'a code of 20,000 characters', change: { code: 'x'.repeat(20_000) }, error: 'invalid_grant' },
  { name: 'the code twice', change: { code: ['x', 'y'] }, error: 'invalid_request' },
  { name: 'the verifier twice', change: { code_verifier: ['v'.repeat(43), 'w'.repeat(43)] }, error: 'invalid_request' },
];

describe('RFC 6749 §4.1.3, RFC 7636 §4.6: what the code was made for must be repeated', () => {
  for (const { name, change, error } of WRONG) {
    it(`refuses ${name}, and the true client can still redeem`, async (context) => {
      const { login, client, code } = await withCode(context);
      assert.deepEqual(errorOf(await client.redeem(code, change)), { status: 400, error });
      assert.deepEqual(await login.stored(), { code: 1, grant: 1, family: 1, granted: 1, returned: 1 });
      assert.equal((await client.redeem(code)).status, 200);
    });
  }

  it('takes a missing redirect_uri for the one registered, port and all (OAuth 2.1 §4.1.3)', async (context) => {
    const { login, client, code } = await withCode(context);
    assert.equal((await client.redeem(code, { redirect_uri: undefined })).status, 200);
    const moved = await obtainCode(client, new Browser(login), { redirect_uri: 'http://127.0.0.1:4445/cb' });
    assert.deepEqual(errorOf(await client.redeem(moved, { redirect_uri: undefined })), REFUSED);
  });

  it('refuses another client, and does not let it end the login', async (context) => {
    const { login, client, code } = await withCode(context);
    const other = await Client.register(login, 'http://127.0.0.1:5555/cb');
    const stolen = { ...client.redemption(code), client_id: other.id };
    assert.deepEqual(errorOf(await other.ask('token', stolen)), REFUSED);
    assert.deepEqual(await login.stored(), { code: 1, grant: 1, family: 1, granted: 1, returned: 1 });
    const { refresh } = tokensIn(await client.redeem(code));
    assert.deepEqual(errorOf(await other.ask('token', stolen)), REFUSED);
    assert.equal((await client.refresh(refresh)).status, 200);
  });

  it('refuses the code of another login of the same client (code injection, RFC 9700 §4.5)', async (context) => {
    const login = await startLogin(context);
    const victim = await Client.register(login);
    const attacker = new Client(login, victim.id);
    const code = await obtainCode(victim, new Browser(login));
    assert.deepEqual(errorOf(await attacker.redeem(code)), REFUSED);
    assert.equal((await login.stored()).refresh, undefined);
  });

  it('refuses a client id that is no longer known', async (context) => {
    const { login, client, code } = await withCode(context);
    await login.server.configure({
      ...login.options,
      clients: { ...login.options.clients, dynamicRegistration: false },
    });
    assert.deepEqual(errorOf(await client.redeem(code)), { status: 401, error: 'invalid_client' });
    assert.equal((await login.stored()).refresh, undefined);
  });
});

describe('RFC 8707 §2.2: tokens are for the resource that was agreed to', () => {
  for (const resource of ['https://other.example.com/', 'nothing', `${RESOURCE}/x`, `${RESOURCE}#x`]) {
    it(`refuses ${resource}, and grants nothing afterwards`, async (context) => {
      const { login, client, code } = await withCode(context);
      assert.deepEqual(errorOf(await client.redeem(code, { resource })), { status: 400, error: 'invalid_target' });
      assert.equal((await login.stored()).refresh, undefined);
    });
  }

  it('refuses a second one beside it, and the code is still good', async (context) => {
    const { client, code } = await withCode(context);
    const answer = await client.redeem(code, { resource: [RESOURCE, 'https://other.example.com/'] });
    assert.deepEqual(errorOf(answer), { status: 400, error: 'invalid_target' });
    assert.equal((await client.redeem(code)).status, 200);
  });

  it('knows ours without being told, and in another spelling', async (context) => {
    for (const resource of [undefined, 'HTTPS://MCP.example.com:443/mcp']) {
      const { client, code } = await withCode(context);
      assert.equal(claimsIn(tokensIn(await client.redeem(code, { resource })).access)['aud'], RESOURCE);
      context.mock.timers.reset();
    }
  });
});

describe('RFC 6749 §4.1.2: the authorization code MUST expire shortly after it is issued', () => {
  it('is good for 59 seconds', async (context) => {
    const { login, client, code } = await withCode(context);
    login.clock.tick(59_000);
    assert.equal((await client.redeem(code)).status, 200);
  });

  it('is worth nothing after 60', async (context) => {
    const { login, client, code } = await withCode(context);
    login.clock.tick(60_000);
    assert.deepEqual(errorOf(await client.redeem(code)), REFUSED);
    assert.equal((await login.stored()).refresh, undefined);
  });

  it('is worth nothing when the wall clock jumps forward a day', async (context) => {
    const { login, client, code } = await withCode(context);
    login.clock.setTime(Date.now() + 86_400_000);
    assert.deepEqual(errorOf(await client.redeem(code)), REFUSED);
  });

  it('is no refresh token, and nothing to revoke', async (context) => {
    const { login, client, code } = await withCode(context);
    assert.deepEqual(errorOf(await client.refresh(code)), REFUSED);
    assert.equal((await client.revoke(code)).status, 200);
    assert.deepEqual(await login.stored(), { code: 1, grant: 1, family: 1, granted: 1, returned: 1 });
  });
});
