/** What the log and the answers may hold: no token, code, verifier, secret, state or cookie. RFC 6819 §5.1.4.1.4, RFC 9700 §4.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser, hiddenFields } from '../../support/login-browser.ts';
import {
  Client,
  logIn,
  obtainCode,
  reachCallback,
  register,
  showConsent,
  tokensIn,
} from '../../support/login-client.ts';
import { type Login, startLogin } from '../../support/login-server.ts';

const MARKER = 'a-marker-of-an-attacker';

/** Everything that went over the wire to or from the IdP and is worth something. */
function secretsAtIdp({ idp }: Login): readonly string[] {
  const sent = idp.requests.flatMap(({ query, form, authorization = '' }) => [
    ...['code', 'state', 'nonce', 'code_verifier', 'refresh_token', 'code_challenge'].flatMap((name) => [
      ...query.getAll(name),
      ...form.getAll(name),
    ]),
    authorization.split(' ').at(-1) ?? '',
  ]);
  const issued = idp.issued.flatMap((text) => text.match(/"(?:access_token|refresh_token|id_token)":"[^"]+"/g) ?? []);
  return [...sent, ...issued.map((member) => member.split('"')[3] ?? ''), idp.clientSecret].filter(
    (secret) => secret !== '',
  );
}

function assertNotLogged(login: Login, secrets: readonly string[]): void {
  const log = login.events.map((event) => JSON.stringify(event)).join('\n');
  assert.ok(log.length > 0);
  for (const secret of secrets) {
    assert.ok(secret.length > 8, `too short to look for: ${secret}`);
    assert.ok(!log.includes(secret), `logged: ${secret} in ${log}`);
  }
}

describe('RFC 6819 §5.1.4.1.4: the log holds nothing that is worth stealing', () => {
  it('of a login, refreshes, reuse and revocation', async (context) => {
    const login = await startLogin(context);
    const { client, browser, code, tokens } = await logIn(login);
    const { consent, flow } = await showConsent(client, browser);
    const cookies = [...browser.cookies.values()];
    login.clock.tick(60_000);
    const next = tokensIn(await client.refresh(tokens.refresh));
    login.clock.tick(60_000);
    await client.refresh(tokens.refresh);
    await client.redeem(code);
    await client.revoke(next.refresh);
    await client.revoke(tokens.access);
    const own = [
      code,
      client.verifier,
      client.state,
      client.challenge,
      tokens.access,
      tokens.refresh,
      next.access,
      next.refresh,
    ];
    const flows = [...cookies, hiddenFields(consent.text)['csrf'] ?? '', flow];
    assertNotLogged(login, [...own, ...flows, client.id, ...secretsAtIdp(login), login.options.secret]);
    assert.ok(login.events.some(({ event }) => event === 'login_succeeded'));
  });

  it('of whatever is refused', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const browser = new Browser(login);
    const code = await obtainCode(client, browser);
    const callback = new URL(await reachCallback(client, browser));
    callback.searchParams.set('code', MARKER);
    await browser.get(callback.href);
    await client.redeem(code, { code_verifier: MARKER.padEnd(43, 'x') });
    await client.redeem(MARKER);
    await client.refresh(MARKER);
    await client.revoke(MARKER);
    await client.ask('token', { grant_type: MARKER, client_id: client.id });
    await client.redeem(code, {}, [
      'authorization',
      `Basic ${Buffer.from(`${client.id}:${MARKER}`).toString('base64')}`,
    ]);
    await browser.get(client.authorizeUrl({ state: MARKER, code_challenge: MARKER }));
    await browser.get(`/oauth/callback?state=${MARKER}&code=${MARKER}`);
    await browser.get(`/oauth/consent?flow=${MARKER}`);
    assertNotLogged(login, [MARKER, code, client.verifier, client.state, ...secretsAtIdp(login)]);
  });

  it('of an IdP that repeats secrets in its errors', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    login.clock.tick(60_000);
    const issued = login.idp.issued.join('');
    const isRefreshToken = (secret: string): boolean => issued.includes(`"refresh_token":"${secret}"`);
    const refreshToken = secretsAtIdp(login).find(isRefreshToken) ?? '';
    assert.ok(refreshToken.length > 8);
    for (const status of [400, 401, 500]) {
      login.idp.outage = ({ path, form }, response) => {
        if (path !== '/token') return false;
        const text = JSON.stringify({
          // Of Obex, and not of the person.
          error: 'invalid_client',
          error_description: `token ${form.get('refresh_token')} is bad`,
        });
        response.writeHead(status, { 'content-type': 'application/json' }).end(text);
        return true;
      };
      const answer = await client.refresh(tokens.refresh);
      assert.equal(answer.status, 503);
      assert.ok(!answer.text.includes(refreshToken));
    }
    assertNotLogged(login, [refreshToken, tokens.refresh, ...secretsAtIdp(login)]);
  });

  it('of the store and the IdP when both are away', async (context) => {
    const login = await startLogin(context);
    const { client, browser, tokens } = await logIn(login);
    const callback = await reachCallback(client, browser);
    login.idp.outage = (_request, response) => response.destroy() !== undefined;
    await browser.get(callback);
    await client.refresh(tokens.refresh);
    login.tap.callsLeft = 0;
    await client.refresh(tokens.refresh);
    await browser.get(client.authorizeUrl());
    assertNotLogged(login, [tokens.refresh, tokens.access, client.state, ...secretsAtIdp(login)]);
  });

  it('has one line for one event, whatever a stranger calls themselves', async (context) => {
    const login = await startLogin(context);
    await register(login, {
      client_name: 'x\n{"event":"login"}\u2028\u001b[31m',
      redirect_uris: ['http://127.0.0.1/cb'],
    });
    const [event = assert.fail()] = login.events;
    assert.equal(event.event, 'login_client_registered');
    assert.match(String(event.fields['name']), /^[^\p{Cc}\u2028]+$/u);
  });
});

describe('RFC 9700 §4.2: nothing leaks by the answers', () => {
  it('has no Referer, no cache and no other origin in any page or redirect', async (context) => {
    const login = await startLogin(context);
    const { client, browser } = await logIn(login);
    const { consent, flow } = await showConsent(client, browser);
    const pages = [
      consent,
      await browser.get('/oauth/callback'),
      await browser.get('/oauth/authorize?client_id=x'),
      await browser.get(`/oauth/consent?flow=${flow}x`),
    ];
    for (const { status, fields, text } of pages) {
      const names = fields.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
      const wanted = [
        'cache-control',
        'content-security-policy',
        'referrer-policy',
        'x-content-type-options',
        'x-frame-options',
      ];
      for (const name of wanted) assert.ok(names.includes(name), `${status} without ${name}`);
      assert.ok(!names.some((name) => /^(access-control|server|x-powered-by|set-cookie)/.test(name)));
      assert.deepEqual(text.match(/(?:src|href|action)="(?!\/oauth\/|data:)[^"]*"/g), null);
    }
  });
});
