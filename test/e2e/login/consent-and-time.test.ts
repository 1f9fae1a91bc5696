/** What becomes of a consent that is given twice, late, in two tabs, or not at all. RFC 6749 §4.1.2.1, RFC 9700 §4.7. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import { Client, REDIRECT_URI, showConsent } from '../../support/login-client.ts';
import { type Answer, ISSUER, startLogin } from '../../support/login-server.ts';

function stateOf({ location }: Answer): string {
  return new URL(location ?? '').searchParams.get('state') ?? '';
}

describe('RFC 6749 §4.1.2.1: a person who refuses is answered to the client, and that is the end', () => {
  it('sends access_denied with state and iss, and grants nothing afterwards', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const { browser, consent, flow } = await showConsent(client, new Browser(login));
    const answer = await browser.decide(consent, 'deny');
    assert.equal(answer.status, 303);
    const { origin, pathname, searchParams } = new URL(answer.location ?? '');
    assert.equal(origin + pathname, REDIRECT_URI);
    const { error_description: _, ...said } = Object.fromEntries(searchParams);
    assert.deepEqual(said, { error: 'access_denied', state: client.state, iss: ISSUER });
    for (const again of [
      await browser.decide(consent, 'approve'),
      await browser.decide(consent, 'deny'),
      await browser.get(`/oauth/consent?flow=${flow}`),
    ]) {
      assert.deepEqual({ status: again.status, location: again.location }, { status: 400, location: undefined });
    }
    assert.equal(login.idp.count('/auth'), 0);
    assert.deepEqual(await login.stored(), {});
    assert.equal(browser.arrivals.length, 1);
  });
});

describe('a consent can be repeated until somebody has logged in', () => {
  it('takes a second approval for a second way to the IdP, and one of both ends the flow', async (context) => {
    const login = await startLogin(context);
    const { browser, consent, flow } = await showConsent(await Client.register(login), new Browser(login));
    const first = await browser.decide(consent, 'approve');
    const second = await browser.decide(consent, 'approve');
    assert.notEqual(stateOf(first), stateOf(second));
    // The first one's cookie was replaced: it is another browser's now.
    const early = await browser.get(await browser.passIdp(first));
    assert.deepEqual({ status: early.status, location: early.location }, { status: 400, location: undefined });
    const late = await browser.get(await browser.passIdp(second));
    assert.equal(late.status, 303);
    const shown = await browser.get(`/oauth/consent?flow=${flow}`);
    assert.equal(shown.status, 400);
    assert.equal(browser.arrivals.length, 1);
    assert.deepEqual(await login.stored(), { code: 1, grant: 1, family: 1, granted: 1, returned: 1 });
  });

  it('shows the page again to a person who goes back, and denies from there', async (context) => {
    const login = await startLogin(context);
    const { browser, consent, flow } = await showConsent(await Client.register(login), new Browser(login));
    const callback = await browser.passIdp(await browser.decide(consent, 'approve'));
    assert.equal((await browser.get(`/oauth/consent?flow=${flow}`)).status, 200);
    assert.equal((await browser.decide(consent, 'deny')).status, 303);
    const late = await browser.get(callback);
    assert.deepEqual({ status: late.status, location: late.location }, { status: 400, location: undefined });
    const { code, grant, family } = await login.stored();
    assert.deepEqual({ code, grant, family }, { code: undefined, grant: undefined, family: undefined });
    assert.deepEqual(
      browser.arrivals.map(({ searchParams }) => searchParams.get('error')),
      ['access_denied'],
    );
  });

  it('keeps two tabs of one browser apart, whichever ends first', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const browser = new Browser(login);
    const one = await showConsent(client, browser, { state: 'one' });
    const two = await showConsent(client, browser, { state: 'two' });
    const first = await browser.decide(one.consent, 'approve');
    const second = await browser.decide(two.consent, 'approve');
    for (const answer of [second, first]) assert.equal((await browser.get(await browser.passIdp(answer))).status, 303);
    assert.deepEqual(
      browser.arrivals.map(({ searchParams }) => searchParams.get('state')),
      ['two', 'one'],
    );
    assert.equal(browser.cookies.size, 0);
    assert.equal((await login.stored()).family, 2);
  });

  it('gives one code for twenty approvals at once', async (context) => {
    const login = await startLogin(context);
    const { browser, consent } = await showConsent(await Client.register(login), new Browser(login));
    const answers = await Promise.all(Array.from({ length: 20 }, () => browser.decide(consent, 'approve')));
    assert.equal(new Set(answers.map(stateOf)).size, 20);
    const callbacks = [];
    for (const answer of answers) callbacks.push(await browser.passIdp(answer));
    await Promise.all(callbacks.map((url) => browser.get(url)));
    assert.equal(browser.arrivals.filter(({ searchParams }) => searchParams.has('code')).length, 1);
    assert.equal((await login.stored()).code, 1);
  });
});

describe('a login is open for ten minutes', () => {
  const LATE = [
    ['forward ten minutes', 600_000],
    ['forward a day', 86_400_000],
  ] as const;
  for (const [name, ms] of LATE) {
    it(`shows and approves nothing when the clock goes ${name}`, async (context) => {
      const login = await startLogin(context);
      const { browser, consent, flow } = await showConsent(await Client.register(login), new Browser(login));
      login.clock.setTime(Date.now() + ms);
      for (const answer of [
        await browser.get(`/oauth/consent?flow=${flow}`),
        await browser.decide(consent, 'approve'),
      ]) {
        assert.deepEqual({ status: answer.status, location: answer.location }, { status: 400, location: undefined });
      }
      assert.equal(login.idp.count('/auth'), 0);
      assert.deepEqual(await login.stored(), {});
    });

    it(`admits nobody at the callback when the clock goes ${name}`, async (context) => {
      const login = await startLogin(context);
      const { browser, consent } = await showConsent(await Client.register(login), new Browser(login));
      const callback = await browser.passIdp(await browser.decide(consent, 'approve'));
      login.clock.setTime(Date.now() + ms);
      const answer = await browser.get(callback);
      assert.deepEqual({ status: answer.status, location: answer.location }, { status: 400, location: undefined });
      assert.equal(login.idp.count('/token'), 0);
      assert.deepEqual(await login.stored(), { returned: 1 });
    });
  }

  it('admits nobody whose request has ended while they were at the IdP', async (context) => {
    const login = await startLogin(context);
    const { browser, consent } = await showConsent(await Client.register(login), new Browser(login));
    login.clock.tick(590_000);
    const callback = await browser.passIdp(await browser.decide(consent, 'approve'));
    login.clock.tick(20_000);
    const answer = await browser.get(callback);
    assert.deepEqual({ status: answer.status, location: answer.location }, { status: 400, location: undefined });
    const { code, grant, family } = await login.stored();
    assert.deepEqual({ code, grant, family }, { code: undefined, grant: undefined, family: undefined });
  });

  it('goes on when the clock was set back a day in the middle', async (context) => {
    const login = await startLogin(context);
    const { browser, consent } = await showConsent(await Client.register(login), new Browser(login));
    login.clock.setTime(Date.now() - 86_400_000);
    assert.equal((await browser.get(await browser.passIdp(await browser.decide(consent, 'approve')))).status, 303);
  });

  it('remembers what a flow was granted for as long as it is open, though the clock was set back meanwhile', async (context) => {
    const login = await startLogin(context);
    const now = Date.now();
    login.clock.setTime(now + 3_600_000);
    const { browser, consent } = await showConsent(await Client.register(login), new Browser(login));
    login.clock.setTime(now);
    assert.equal((await browser.get(await browser.passIdp(await browser.decide(consent, 'approve')))).status, 303);
    login.clock.setTime(now + 3_600_000 + 599_999);
    const { granted, returned } = await login.stored();
    assert.deepEqual({ granted, returned }, { granted: 1, returned: 1 });
    login.clock.tick(1);
    assert.equal((await login.stored()).granted, undefined);
  });
});
