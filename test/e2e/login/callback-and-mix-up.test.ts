/** Attacks on the way back from the IdP. OpenID Connect Core §3.1.3.7, RFC 6819 §4.4.1, RFC 9207 §2.4, RFC 9700 §4.4, §4.7. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import { assertNothingGranted, atCallback } from '../../support/login-callback.ts';
import { Client, obtainCode, reachCallback, showConsent } from '../../support/login-client.ts';
import { ISSUER, startLogin } from '../../support/login-server.ts';

type Alter = (callback: URL) => string;

const set =
  (name: string, value: string): Alter =>
  (callback) => {
    callback.searchParams.set(name, value);
    return callback.href;
  };

const add =
  (name: string, value: string): Alter =>
  (callback) => {
    callback.searchParams.append(name, value);
    return callback.href;
  };

const without =
  (name: string): Alter =>
  (callback) => {
    callback.searchParams.delete(name);
    return callback.href;
  };

describe('RFC 9700 §4.7: what comes back has the state of this browser, once', () => {
  const STATES: readonly (readonly [name: string, alter: Alter])[] = [
    ['no state', without('state')],
    ['an empty state', set('state', '')],
    ['another state', set('state', 'x'.repeat(43))],
    ['a second state', add('state', 'x')],
    [
      'the state in another case',
      (callback) => set('state', (callback.searchParams.get('state') ?? '').toLowerCase())(callback),
    ],
    ['nothing at all', () => '/oauth/callback'],
    ['a state like a member of Object', set('state', '__proto__')],
  ];
  for (const [name, alter] of STATES) {
    it(`admits nobody with ${name}, and does not ask the IdP`, async (context) => {
      const at = await atCallback(context);
      const answer = await at.browser.get(alter(at.callback));
      assert.equal(answer.status, 400);
      await assertNothingGranted(at, answer);
      assert.equal(at.login.idp.count('/token'), 0);
    });
  }

  it('admits once: the same URL again is over', async (context) => {
    const { login, browser, callback } = await atCallback(context);
    assert.equal((await browser.get(callback.href)).status, 303);
    const again = await browser.get(callback.href);
    assert.deepEqual({ status: again.status, location: again.location }, { status: 400, location: undefined });
    assert.equal(login.idp.count('/token'), 1);
    assert.equal(browser.arrivals.length, 1);
  });

  it('admits one of twenty who come at once', async (context) => {
    const { login, browser, callback } = await atCallback(context);
    const answers = await Promise.all(Array.from({ length: 20 }, () => browser.get(callback.href)));
    assert.equal(answers.filter(({ status }) => status === 303).length, 1);
    assert.equal(answers.filter(({ status }) => status === 400).length, 19);
    assert.equal(login.idp.count('/token'), 1);
    assert.deepEqual(await login.stored(), { code: 1, grant: 1, family: 1, granted: 1, returned: 1 });
  });

  it('admits no other browser (RFC 6819 §4.4.1.7: the attacker begins, the victim ends)', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const attacker = new Browser(login, 'attacker');
    const victim = new Browser(login, 'victim');
    const { consent } = await showConsent(client, attacker);
    const callback = await victim.passIdp(await attacker.decide(consent, 'approve'));
    const answer = await victim.get(callback);
    assert.equal(answer.status, 400);
    await assertNothingGranted({ login, browser: victim }, answer);
    assert.equal(login.idp.count('/token'), 0);
    await assertNothingGranted({ login, browser: attacker }, await attacker.get(callback));
  });

  it('admits nobody by the state of another flow of the same browser', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const browser = new Browser(login);
    const one = new URL(await reachCallback(client, browser));
    const two = new URL(await reachCallback(client, browser));
    const crossed = set('state', two.searchParams.get('state') ?? '')(one);
    const answer = await browser.get(crossed);
    // The IdP holds the code of one login against the verifier of another (RFC 7636 §4.6).
    assert.equal(answer.status, 502);
    await assertNothingGranted({ login, browser }, answer);
  });

  it('admits nobody by a state cookie of another flow, or none', async (context) => {
    for (const value of [undefined, 'x'.repeat(43)]) {
      const at = await atCallback(context);
      for (const name of at.browser.cookies.keys()) {
        if (value === undefined) at.browser.cookies.delete(name);
        else at.browser.cookies.set(name, value);
      }
      const answer = await at.browser.get(at.callback.href);
      assert.equal(answer.status, 400);
      await assertNothingGranted(at, answer);
      context.mock.reset();
    }
  });
});

describe('RFC 9207 §2.4, RFC 9700 §4.4: the answer is of the IdP that was asked', () => {
  const ALTERED: readonly (readonly [name: string, alter: Alter])[] = [
    ['no iss, which this IdP announces', without('iss')],
    ['another iss', set('iss', 'https://evil.example')],
    ['our own iss', set('iss', ISSUER)],
    ['a second iss', add('iss', 'https://evil.example')],
    ['an empty iss', set('iss', '')],
    ['no code', without('code')],
    ['a second code', add('code', 'x')],
    ['a code and an ID token', add('id_token', 'x.y.z')],
    ['a code and an access token', add('response', 'x.y.z')],
  ];
  for (const [name, alter] of ALTERED) {
    it(`admits nobody with ${name}, and sends the IdP nothing`, async (context) => {
      const at = await atCallback(context);
      const answer = await at.browser.get(alter(at.callback));
      assert.equal(answer.status, 503);
      await assertNothingGranted(at, answer);
      assert.equal(at.login.idp.count('/token'), 0);
    });
  }

  const REFUSED_CODES: readonly (readonly [name: string, code: string])[] = [
    ['an invented code', 'x'.repeat(43)],
    ['a code that is markup', '"><script>alert(1)</script>'],
  ];
  for (const [name, code] of REFUSED_CODES) {
    it(`admits nobody with ${name}, and reflects none of it`, async (context) => {
      const at = await atCallback(context);
      const answer = await at.browser.get(set('code', code)(at.callback));
      assert.equal(answer.status, 502);
      await assertNothingGranted(at, answer);
      assert.ok(!answer.text.includes(code) && !/<script/i.test(answer.text));
    });
  }

  it('admits nobody with the code of another login at the IdP (code injection)', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const victim = new URL(await reachCallback(client, new Browser(login, 'victim')));
    const browser = new Browser(login, 'attacker');
    const own = new URL(await reachCallback(client, browser));
    const answer = await browser.get(set('code', victim.searchParams.get('code') ?? '')(own));
    assert.equal(answer.status, 502);
    await assertNothingGranted({ login, browser }, answer);
  });

  it('admits nobody with the ID token of another login (Core §3.1.3.7 step 11: nonce)', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    await obtainCode(client, new Browser(login, 'victim'));
    const [replayed = ''] = login.idp.issued;
    const browser = new Browser(login, 'attacker');
    const callback = await reachCallback(client, browser);
    login.idp.outage = ({ path }, response) => {
      if (path !== '/token') return false;
      response.writeHead(200, { 'content-type': 'application/json' }).end(replayed);
      return true;
    };
    const answer = await browser.get(callback);
    assert.deepEqual({ status: answer.status, location: answer.location }, { status: 503, location: undefined });
    assert.equal((await login.stored()).family, 1);
    assert.deepEqual(browser.arrivals, []);
  });

  it('admits nobody whom userinfo calls by another name (Core §5.3.2)', async (context) => {
    const at = await atCallback(context);
    at.login.idp.outage = ({ path }, response) => {
      if (path !== '/me') return false;
      const said = JSON.stringify({ sub: 'mallory', email: 'root@example.com', email_verified: true });
      response.writeHead(200, { 'content-type': 'application/json' }).end(said);
      return true;
    };
    const answer = await at.browser.get(at.callback.href);
    assert.equal(answer.status, 503);
    await assertNothingGranted(at, answer);
  });
});
