/** Attacks on the token endpoint, on client authentication, and by the name of the server. RFC 6749 §2.3, §3.2, §5.2, RFC 8414. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { FieldLines } from '../../../src/wire/exchange.ts';
import { Browser } from '../../support/login-browser.ts';
import { type Change, Client, encode, logIn, obtainCode, tokensIn } from '../../support/login-client.ts';
import { loginOptions } from '../../support/login-options.ts';
import { errorOf, fieldOf, ISSUER, type Login, startLogin } from '../../support/login-server.ts';

const FORM = ['content-type', 'application/x-www-form-urlencoded'];

describe('RFC 6749 §3.2, §4.1.3: the token endpoint takes a form by POST', () => {
  const REQUESTS: readonly (readonly [name: string, method: string, fields: FieldLines, status: number])[] = [
    ['GET', 'GET', [], 405],
    ['HEAD', 'HEAD', [], 405],
    ['PUT', 'PUT', FORM, 405],
    ['OPTIONS', 'OPTIONS', [], 405],
    ['JSON', 'POST', ['content-type', 'application/json'], 400],
    ['plain text', 'POST', ['content-type', 'text/plain'], 400],
    ['a multipart form', 'POST', ['content-type', 'multipart/form-data; boundary=x'], 400],
    ['no content type', 'POST', [], 400],
    ['a content type that begins like it', 'POST', ['content-type', 'application/x-www-form-urlencodedX'], 400],
  ];
  for (const [name, method, fields, status] of REQUESTS) {
    it(`gives nothing for ${name}, and uses up nothing`, async (context) => {
      const login = await startLogin(context);
      const client = await Client.register(login);
      const code = await obtainCode(client, new Browser(login));
      const form = encode(client.redemption(code));
      const target = method === 'POST' ? '/oauth/token' : `/oauth/token?${form}`;
      const body = method === 'POST' ? form : '';
      assert.deepEqual(errorOf(await login.ask({ method, target, fields, body })), {
        status,
        error: 'invalid_request',
      });
      assert.equal((await client.redeem(code)).status, 200);
    });
  }

  it('reads no parameter of the query', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const target = `/oauth/token?${encode(client.redemption(await obtainCode(client, new Browser(login))))}`;
    assert.equal((await login.ask({ method: 'POST', target, fields: FORM })).status, 400);
    assert.equal((await login.stored()).refresh, undefined);
  });

  it('answers a form of 64 KB, of 60,000 parameters, of bytes that are no text', async (context) => {
    const login = await startLogin(context);
    for (const body of [
      'x'.repeat(65_536),
      'a&'.repeat(32_768),
      '%'.repeat(65_536),
      Buffer.alloc(65_536, 0xff),
      '=&'.repeat(30_000),
    ]) {
      const answer = await login.ask({ method: 'POST', target: '/oauth/token', fields: FORM, body });
      assert.deepEqual(
        { is4xx: answer.status >= 400 && answer.status < 500 },
        { is4xx: true },
        `${answer.status} ${answer.text}`,
      );
      assert.ok(answer.text.length < 1_000);
    }
  });

  const GRANTS = [
    'password',
    'client_credentials',
    'implicit',
    'urn:ietf:params:oauth:grant-type:device_code',
    'AUTHORIZATION_CODE',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'urn:openid:params:grant-type:ciba',
    '__proto__',
  ];
  for (const grant of GRANTS) {
    it(`knows no grant_type ${grant}`, async (context) => {
      const login = await startLogin(context);
      const client = await Client.register(login);
      const form = { grant_type: grant, client_id: client.id, username: 'alice', password: 'x', scope: 'mcp:read' };
      assert.deepEqual(errorOf(await client.ask('token', form)), { status: 400, error: 'unsupported_grant_type' });
      assert.deepEqual(await login.stored(), {});
    });
  }
});

const SECRET = 'the secret of a configured client';
const WEB = { clientId: 'web', clientSecret: SECRET, redirectUris: ['https://app.example/cb'], name: undefined };

function basic(id: string, secret: string): FieldLines {
  return [
    'authorization',
    `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
  ];
}

async function withWebClient(context: TestContext): Promise<{ login: Login; client: Client; code: string }> {
  const clients = { ...loginOptions().clients, static: [WEB] };
  const login = await startLogin(context, { options: { clients } });
  const client = new Client(login, 'web', 'https://app.example/cb');
  return { login, client, code: await obtainCode(client, new Browser(login)) };
}

describe('RFC 6749 §2.3, §3.2.1: a client with a secret has to show it, one without has none', () => {
  const REFUSED: readonly (readonly [name: string, change: Change, fields: FieldLines, status: number])[] = [
    ['no secret', {}, [], 401],
    ['a wrong secret', {}, basic('web', 'x'), 401],
    ['an empty secret', {}, basic('web', ''), 400],
    ['the secret and more', {}, basic('web', `${SECRET}x`), 401],
    ['a wrong secret in the body', { client_secret: 'x' }, [], 401],
    ['the secret twice in the body', { client_secret: [SECRET, SECRET] }, [], 400],
    ['both ways at once', { client_secret: SECRET }, basic('web', SECRET), 400],
    ['the secret of another id', { client_id: 'other' }, basic('web', SECRET), 400],
    ['no Basic', {}, ['authorization', 'Basic'], 400],
    ['Basic without a colon', {}, ['authorization', `Basic ${Buffer.from('web').toString('base64')}`], 400],
    ['a Bearer', {}, ['authorization', `Bearer ${SECRET}`], 400],
    [
      'an assertion',
      { client_assertion: 'x.y.z', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' },
      [],
      401,
    ],
  ];
  for (const [name, change, fields, status] of REFUSED) {
    it(`gives nothing for ${name}, and uses up nothing`, async (context) => {
      const { login, client, code } = await withWebClient(context);
      const answer = await client.redeem(code, change, fields);
      assert.deepEqual(errorOf(answer), { status, error: status === 401 ? 'invalid_client' : 'invalid_request' });
      assert.ok(!answer.text.includes(SECRET));
      // §5.2: MUST include the WWW-Authenticate field matching the scheme that was used.
      if (status === 401 && fields.length > 0) assert.match(fieldOf(answer, 'www-authenticate') ?? '', /^Basic /);
      assert.equal((await login.stored()).refresh, undefined);
      assert.equal((await client.redeem(code, {}, basic('web', SECRET))).status, 200);
    });
  }

  it('takes the secret in the body as well, and refuses a refresh without', async (context) => {
    const { client, code } = await withWebClient(context);
    const { refresh } = tokensIn(await client.redeem(code, { client_secret: SECRET }));
    assert.deepEqual(errorOf(await client.refresh(refresh)), { status: 401, error: 'invalid_client' });
    assert.deepEqual(errorOf(await client.revoke(refresh)), { status: 401, error: 'invalid_client' });
    assert.equal((await client.refresh(refresh, {}, basic('web', SECRET))).status, 200);
  });

  it('does not take a secret for the name of a public client', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    const answer = await client.refresh(tokens.refresh, { client_id: undefined, client_secret: 'x' });
    assert.ok([400, 401].includes(answer.status));
    assert.equal((await client.refresh(tokens.refresh, { client_id: undefined })).status, 400);
  });
});

describe('RFC 8414 §2: the server is who its configuration says, whatever a request calls it', () => {
  const LIES: readonly FieldLines[] = [
    ['host', 'evil.example'],
    ['x-forwarded-host', 'evil.example'],
    ['x-forwarded-proto', 'http', 'x-forwarded-prefix', '/evil'],
    ['forwarded', 'host=evil.example;proto=http'],
    ['x-original-url', '/evil', 'x-rewrite-url', '/evil'],
  ];
  for (const fields of LIES) {
    it(`does not believe ${fields.join(': ')}`, async (context) => {
      const login = await startLogin(context);
      const client = await Client.register(login);
      for (const target of [
        '/.well-known/oauth-authorization-server',
        '/.well-known/openid-configuration',
        '/oauth/jwks',
      ]) {
        assert.deepEqual(await login.ask({ target, fields }), await login.ask({ target }));
      }
      const browser = new Browser(login);
      const denied = await browser.get(client.authorizeUrl({ prompt: 'none' }), fields);
      assert.equal(new URL(denied.location ?? '').searchParams.get('iss'), ISSUER);
      const begun = await browser.get(client.authorizeUrl(), fields);
      assert.match(begun.location ?? '', /^\/oauth\/consent\?flow=/);
      const consent = await browser.get(begun.location ?? '', fields);
      assert.ok(!consent.text.includes('evil'));
      const away = await browser.decide(consent, 'approve');
      assert.equal(new URL(away.location ?? '').searchParams.get('redirect_uri'), `${ISSUER}/oauth/callback`);
    });
  }
});
