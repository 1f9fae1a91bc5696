/** Attacks by what an authorization request asks for. RFC 6749 §3.1, §4.1.2.1, RFC 7636 §4.4.1, RFC 8707 §2, RFC 9207 §2, RFC 9700 §2.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import {
  type Change,
  Client,
  claimsIn,
  obtainCode,
  REDIRECT_URI,
  register,
  showConsent,
  textIn,
  tokensIn,
} from '../../support/login-client.ts';
import { fieldOf, ISSUER, type Login, RESOURCE, startLogin } from '../../support/login-server.ts';

const MARKUP = '"><script>alert(1)</script>';

interface Row {
  readonly name: string;
  readonly change: Change;
  readonly error: string;
}

const REFUSED: readonly Row[] = [
  { name: 'no response_type', change: { response_type: undefined }, error: 'invalid_request' },
  { name: 'response_type token', change: { response_type: 'token' }, error: 'unsupported_response_type' },
  { name: 'response_type id_token', change: { response_type: 'id_token' }, error: 'unsupported_response_type' },
  { name: 'response_type code token', change: { response_type: 'code token' }, error: 'unsupported_response_type' },
  {
    name: 'response_type code id_token',
    change: { response_type: 'code id_token' },
    error: 'unsupported_response_type',
  },
  { name: 'response_type none', change: { response_type: 'none' }, error: 'unsupported_response_type' },
  { name: 'response_type CODE', change: { response_type: 'CODE' }, error: 'unsupported_response_type' },
  { name: 'response_type twice', change: { response_type: ['code', 'token'] }, error: 'invalid_request' },
  {
    name: 'no code_challenge',
    change: { code_challenge: undefined, code_challenge_method: undefined },
    error: 'invalid_request',
  },
  { name: 'a method and no challenge', change: { code_challenge: undefined }, error: 'invalid_request' },
  { name: 'an empty challenge', change: { code_challenge: '' }, error: 'invalid_request' },
  { name: 'PKCE by plain', change: { code_challenge_method: 'plain' }, error: 'invalid_request' },
  { name: 'PKCE by no method, which is plain', change: { code_challenge_method: undefined }, error: 'invalid_request' },
  { name: 'PKCE by s256', change: { code_challenge_method: 's256' }, error: 'invalid_request' },
  { name: 'PKCE by S512', change: { code_challenge_method: 'S512' }, error: 'invalid_request' },
  { name: 'a short challenge', change: { code_challenge: 'x'.repeat(42) }, error: 'invalid_request' },
  { name: 'a long challenge', change: { code_challenge: 'x'.repeat(129) }, error: 'invalid_request' },
  { name: 'a challenge of other characters', change: { code_challenge: '<'.repeat(43) }, error: 'invalid_request' },
  { name: 'two challenges', change: { code_challenge: ['x'.repeat(43), 'y'.repeat(43)] }, error: 'invalid_request' },
  { name: 'two methods', change: { code_challenge_method: ['S256', 'plain'] }, error: 'invalid_request' },
  { name: 'response_mode fragment', change: { response_mode: 'fragment' }, error: 'unsupported_response_mode' },
  { name: 'response_mode form_post', change: { response_mode: 'form_post' }, error: 'unsupported_response_mode' },
  { name: 'response_mode web_message', change: { response_mode: 'web_message' }, error: 'unsupported_response_mode' },
  { name: 'response_mode query.jwt', change: { response_mode: 'query.jwt' }, error: 'unsupported_response_mode' },
  { name: 'response_mode twice', change: { response_mode: ['query', 'fragment'] }, error: 'invalid_request' },
  { name: 'another resource', change: { resource: 'https://other.example.com/' }, error: 'invalid_target' },
  { name: 'a part of the resource', change: { resource: ISSUER }, error: 'invalid_target' },
  { name: 'more than the resource', change: { resource: `${RESOURCE}/x` }, error: 'invalid_target' },
  { name: 'a resource with a query', change: { resource: `${RESOURCE}?x` }, error: 'invalid_target' },
  { name: 'a resource with a fragment', change: { resource: `${RESOURCE}#x` }, error: 'invalid_target' },
  { name: 'a resource that is no URL', change: { resource: MARKUP }, error: 'invalid_target' },
  { name: 'two resources', change: { resource: [RESOURCE, 'https://other.example.com/'] }, error: 'invalid_target' },
  { name: 'prompt none', change: { prompt: 'none' }, error: 'login_required' },
  { name: 'scope twice', change: { scope: ['mcp:read', 'mcp:write'] }, error: 'invalid_request' },
];

async function assertNothingBegun(login: Login, browser: Browser): Promise<void> {
  assert.deepEqual(await login.stored(), {});
  assert.equal(login.idp.requests.length, 0);
  assert.equal(browser.cookies.size, 0);
}

describe('RFC 6749 §4.1.2.1: what cannot be done is answered to the client, by the query, with state and iss', () => {
  for (const { name, change, error } of REFUSED) {
    it(`refuses ${name}`, async (context) => {
      const login = await startLogin(context);
      const client = await Client.register(login);
      const browser = new Browser(login);
      const answer = await browser.get(client.authorizeUrl(change));
      assert.equal(answer.status, 303);
      const [arrival = assert.fail()] = browser.arrivals;
      const { error_description: text, ...rest } = Object.fromEntries(arrival.searchParams);
      assert.deepEqual(
        { to: arrival.origin + arrival.pathname, hash: arrival.hash, ...rest },
        { to: REDIRECT_URI, hash: '', error, state: client.state, iss: ISSUER },
      );
      assert.match(text ?? '', /^[ -~]+$/);
      assert.ok(!`${text}${answer.text}`.includes('alert'));
      await assertNothingBegun(login, browser);
    });
  }

  it('answers a state that stands twice without any', async (context) => {
    const login = await startLogin(context);
    const browser = new Browser(login);
    await browser.get((await Client.register(login)).authorizeUrl({ state: ['one', 'two'] }));
    const { error_description: _, ...said } = Object.fromEntries(browser.arrivals[0]?.searchParams ?? []);
    assert.deepEqual(said, { error: 'invalid_request', iss: ISSUER });
    await assertNothingBegun(login, browser);
  });
});

describe('RFC 6749 §3.1: the server MUST ignore unrecognized request parameters', () => {
  const IGNORED = [
    'request',
    'request_uri',
    'claims',
    'registration',
    'id_token_hint',
    'login_hint',
    'max_age',
    'acr_values',
    'ui_locales',
    'display',
    'nonce',
    'client_secret',
    'code',
    'access_token',
    'authorization_details',
    'audience',
    '__proto__',
    'prompt',
    'grant_id',
  ];
  for (const name of IGNORED) {
    it(`neither obeys nor shows ${name}`, async (context) => {
      const login = await startLogin(context);
      const client = await Client.register(login);
      const { consent } = await showConsent(client, new Browser(login), { [name]: `https://evil.example/${MARKUP}` });
      assert.equal(consent.status, 200);
      assert.ok(!/evil|alert/.test(consent.text));
      assert.ok(login.idp.requests.every(({ path }) => path === '/.well-known/openid-configuration'));
    });
  }

  it('asks for what there is where the scopes are none of ours', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    for (const scope of [undefined, '', 'openid offline_access', `admin ${MARKUP}`, '*', 'mcp:read\u0000']) {
      const browser = new Browser(login);
      const { consent } = await showConsent(client, browser, { scope });
      assert.deepEqual(consent.text.match(/<li><code>[^<]*/g), ['<li><code>mcp:read']);
      const { access } = tokensIn(await client.redeem(await obtainCode(client, browser, { scope })));
      assert.equal(claimsIn(access)['scope'], 'mcp:read');
    }
  });
});

describe('nothing that a client says of itself is more than text', () => {
  it('shows a hostile name as text, and nothing of the state', async (context) => {
    const login = await startLogin(context);
    const name = `Bank${MARKUP}\u202egnp.exe <img src=x onerror=alert(1)>`;
    const id = textIn(await register(login, { client_name: name, redirect_uris: [REDIRECT_URI] }), 'client_id');
    const { consent } = await showConsent(new Client(login, id), new Browser(login), { state: MARKUP });
    assert.ok(!/<script|<img|\u202e/i.test(consent.text));
    assert.match(consent.text, /It calls itself .*Nobody has verified this name/);
  });

  it('brings the state back byte for byte, whatever it is', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    for (const state of [MARKUP, 'a b+c%20&error=x#y', 'ü\u2028\u0000', '\r\nSet-Cookie: x=y', 's'.repeat(4_000), '']) {
      const browser = new Browser(login);
      const { consent } = await showConsent(client, browser, { state });
      const answer = await browser.decide(consent, 'deny');
      assert.ok(/^[!-~]*$/.test(answer.location ?? ''));
      assert.equal(browser.arrivals[0]?.searchParams.get('state') ?? '', state);
      assert.equal(
        fieldOf(answer, 'content-type')?.includes('html') === true && answer.text.includes('<script'),
        false,
      );
    }
  });
});

describe('RFC 9700 §4.12, RFC 6749 §3.1: the endpoint takes a GET', () => {
  for (const method of ['POST', 'PUT', 'HEAD', 'OPTIONS', 'TRACE']) {
    it(`refuses ${method}`, async (context) => {
      const login = await startLogin(context);
      const answer = await login.ask({ method, target: (await Client.register(login)).authorizeUrl() });
      assert.deepEqual([answer.status, fieldOf(answer, 'allow')], [405, 'GET']);
      assert.deepEqual(await login.stored(), {});
    });
  }

  for (const target of [
    '/oauth/authorize/x',
    '/oauth/authorize/',
    '//evil.example/oauth/authorize',
    '/oauth/consent/',
    '/oauth/callback/x',
    '/oauth/token/x',
    '/oauth/session/end',
    '/oauth/me',
    '/oauth/request',
    '/oauth/device',
    '/oauth/token/introspection',
    '/reg',
    '/',
    '/oauth',
  ]) {
    it(`has nothing at ${target}`, async (context) => {
      const login = await startLogin(context);
      const { status, location, text } = await login.ask({ target });
      assert.deepEqual({ status, location, text }, { status: 404, location: undefined, text: '{"error":"not_found"}' });
    });
  }
});
