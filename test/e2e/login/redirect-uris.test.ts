/** Attacks on where codes are sent. RFC 6749 §3.1.2, §10.6, §10.15, RFC 8252 §7.3, RFC 9700 §2.1, §4.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import { Client, obtainCode, REDIRECT_URI, reachCallback, register, showConsent } from '../../support/login-client.ts';
import { loginOptions } from '../../support/login-options.ts';
import { type Answer, type Login, startLogin } from '../../support/login-server.ts';

/** RFC 6749 §4.1.2.1: MUST NOT automatically redirect to an invalid redirection URI. */
async function assertKeptHere(answer: Answer, login: Login): Promise<void> {
  assert.equal(answer.status, 400);
  assert.equal(answer.location, undefined);
  assert.ok(!/evil|javascript:|http-equiv/i.test(answer.text));
  assert.deepEqual(await login.stored(), {});
  assert.equal(login.idp.requests.length, 0);
}

const FOREIGN = [
  'http://evil.example/cb',
  'https://127.0.0.1:4444/cb',
  'http://127.0.0.1:4444/cb/',
  'http://127.0.0.1:4444/CB',
  'http://127.0.0.1:4444/other',
  'http://127.0.0.1:4444/',
  'http://127.0.0.1:4444',
  'http://127.0.0.1:4444/cb?',
  'http://127.0.0.1:4444/cb?next=https://evil.example',
  'http://127.0.0.1:4444/cb#evil',
  'http://127.0.0.1:4444/cb#',
  'http://127.0.0.1:4444/cb/../evil',
  'http://127.0.0.1:4444/x/../cb',
  'http://127.0.0.1:4444/./cb',
  'http://127.0.0.1:4444//cb',
  'http://127.0.0.1:4444/%63b',
  'http://127.0.0.1:4444/cb%00',
  'http://127.0.0.1:4444/cb;evil',
  'http://evil@127.0.0.1:4444/cb',
  'http://127.0.0.1:4444@evil.example/cb',
  'http://127.0.0.1@evil.example:4444/cb',
  'http://evil.example\\@127.0.0.1:4444/cb',
  'http:\\\\127.0.0.1:4444\\cb',
  'http:/127.0.0.1:4444/cb',
  'http:127.0.0.1:4444/cb',
  'http://127.0.0.1.evil.example:4444/cb',
  'http://evil.127.0.0.1:4444/cb',
  'http://localhost:4444/cb',
  'http://[::1]:4444/cb',
  'http://[::ffff:127.0.0.1]:4444/cb',
  'http://127.1:4444/cb',
  'http://2130706433:4444/cb',
  'http://0x7f.0.0.1:4444/cb',
  'http://127.0.0.2:4444/cb',
  'http://0.0.0.0:4444/cb',
  'http://127.0.0.1:99999/cb',
  'http://127.0.0.1:-1/cb',
  'http://127.0.0.1:4444:80/cb',
  'http://127.0.0.1:4444 /cb',
  ' http://127.0.0.1:4444/cb',
  'http://127.0.0.1:4444/cb ',
  'http://127.0.0.1:4444/\tcb',
  'http://127.0.0.1:4444/c\nb',
  'http://127.0.0.1:4444/cb\r\nLocation: https://evil.example',
  'http://１２７.0.0.1:4444/cb',
  'HTTP://127.0.0.1:4444/cb',
  '//evil.example/cb',
  '/cb',
  'cb',
  'javascript:alert(1)//127.0.0.1:4444/cb',
  'data:text/html,evil',
  'http://127.0.0.1:4444/cb"><script>evil</script>',
  `http://127.0.0.1:4444/cb?${'evil'.repeat(5_000)}`,
];

describe('RFC 9700 §4.1.3: redirect URIs are compared as strings, all but the port of a loopback address', () => {
  for (const uri of FOREIGN) {
    it(`does not send anybody to ${JSON.stringify(uri.slice(0, 70))}`, async (context) => {
      const login = await startLogin(context);
      const client = await Client.register(login);
      const browser = new Browser(login);
      await assertKeptHere(await browser.get(client.authorizeUrl({ redirect_uri: uri })), login);
      // An error has no better right to it than a code: RFC 9700 §4.11.2.
      await assertKeptHere(
        await browser.get(client.authorizeUrl({ redirect_uri: uri, response_type: 'token' })),
        login,
      );
      assert.deepEqual(browser.arrivals, []);
    });
  }

  for (const redirectUri of [
    [REDIRECT_URI, 'http://evil.example/cb'],
    ['http://evil.example/cb', REDIRECT_URI],
  ]) {
    it(`tells the one that is registered, and no other, when ${redirectUri.join(' and ')} come together`, async (context) => {
      const login = await startLogin(context);
      const client = await Client.register(login);
      const browser = new Browser(login);
      await browser.get(client.authorizeUrl({ redirect_uri: redirectUri }));
      const told = browser.arrivals.map(({ origin, pathname, searchParams }) => [
        origin + pathname,
        searchParams.get('error'),
      ]);
      assert.deepEqual(told, [[REDIRECT_URI, 'invalid_request']]);
      assert.deepEqual(await login.stored(), {});
    });
  }

  it('takes an empty one for none (RFC 6749 §3.1)', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const browser = new Browser(login);
    await obtainCode(client, browser, { redirect_uri: '' });
    assert.deepEqual(
      browser.arrivals.map(({ origin, pathname }) => origin + pathname),
      [REDIRECT_URI],
    );
  });

  it('does not guess among several when there is none', async (context) => {
    const login = await startLogin(context);
    const answer = await register(login, { redirect_uris: [REDIRECT_URI, 'http://127.0.0.1:4444/b'] });
    const client = new Client(login, String(JSON.parse(answer.text).client_id));
    await assertKeptHere(await new Browser(login).get(client.authorizeUrl({ redirect_uri: undefined })), login);
  });
});

describe('RFC 8252 §7.3: the server MUST allow any port at the time of the request for loopback redirect URIs', () => {
  for (const uri of ['http://127.0.0.1:1/cb', 'http://127.0.0.1:65535/cb', 'http://127.0.0.1/cb', REDIRECT_URI]) {
    it(`sends the code to ${uri}, and shows it before`, async (context) => {
      const login = await startLogin(context);
      const client = new Client(login, (await Client.register(login)).id, uri);
      const { consent } = await showConsent(client, new Browser(login));
      assert.ok(consent.text.replaceAll('<wbr>', '').includes(uri));
      const browser = new Browser(login);
      const code = await obtainCode(client, browser);
      const [arrival = assert.fail()] = browser.arrivals;
      assert.equal(arrival.origin + arrival.pathname, new URL(uri).href);
      assert.equal((await client.redeem(code)).status, 200);
    });
  }

  it('does not do so for a configured https client', async (context) => {
    const redirectUris = ['https://app.example/cb'];
    const web = { clientId: 'web', clientSecret: 'a secret of 32 characters at least', redirectUris, name: undefined };
    const clients = { ...loginOptions().clients, static: [web] };
    for (const uri of [
      'https://app.example:8443/cb',
      'https://app.example/cb/',
      'https://APP.example/cb',
      'https://app.example./cb',
    ]) {
      const login = await startLogin(context, { options: { clients } });
      await assertKeptHere(await new Browser(login).get(new Client(login, 'web', uri).authorizeUrl()), login);
      context.mock.reset();
    }
  });
});

describe('a client id is worth what the owner allows today', () => {
  it('sends nobody to a redirect URI that a reload has taken away, at no step', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const shown = await showConsent(client, new Browser(login));
    const late = new Browser(login);
    const callback = await reachCallback(client, late);
    await login.server.configure({
      ...login.options,
      clients: { ...login.options.clients, redirectUris: ['https://app.example/cb'] },
    });
    const answers = [
      await new Browser(login).get(client.authorizeUrl()),
      await shown.browser.get(`/oauth/consent?flow=${shown.flow}`),
      await shown.browser.decide(shown.consent, 'deny'),
      await late.get(callback),
    ];
    for (const { status, location } of answers)
      assert.deepEqual({ status, location }, { status: 400, location: undefined });
    assert.deepEqual([...late.arrivals, ...shown.browser.arrivals], []);
    const { code, family, refresh } = await login.stored();
    assert.deepEqual({ code, family, refresh }, { code: undefined, family: undefined, refresh: undefined });
  });
});
