/** Attacks on the consent page. RFC 6819 §4.4.1.8, §5.3.5, RFC 9700 §4.4, §4.7, MCP security best practices (confused deputy). */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { FieldLines } from '../../../src/wire/exchange.ts';
import { Browser, hiddenFields, OWN_FORM } from '../../support/login-browser.ts';
import { Client, type Shown, showConsent } from '../../support/login-client.ts';
import { type Answer, fieldOf, ISSUER, type Login, startLogin } from '../../support/login-server.ts';

async function atConsent(context: TestContext): Promise<Shown & { readonly login: Login; readonly client: Client }> {
  const login = await startLogin(context);
  const client = await Client.register(login);
  return { login, client, ...(await showConsent(client, new Browser(login))) };
}

/** The person is told that this is over, and nothing has gone to the IdP or to a client. */
function assertOver(answer: Answer, { login, browser }: { readonly login: Login; readonly browser: Browser }): void {
  assert.equal(answer.status, 400);
  assert.match(answer.text, /This login is no longer open/);
  assert.equal(answer.location, undefined);
  assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
  assert.equal(fieldOf(answer, 'set-cookie'), undefined);
  assert.equal(login.idp.count('/auth'), 0);
  assert.deepEqual(browser.arrivals, []);
}

describe('MCP security best practices: consent is asked before anybody is sent to the IdP', () => {
  it('asks by a page that cannot be framed, kept or scripted, and has asked the IdP nothing of the person', async (context) => {
    const { login, consent, browser } = await atConsent(context);
    assert.equal(consent.status, 200);
    const policy = fieldOf(consent, 'content-security-policy') ?? '';
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"])
      assert.ok(policy.includes(part));
    assert.equal(fieldOf(consent, 'x-frame-options'), 'DENY');
    assert.equal(fieldOf(consent, 'x-content-type-options'), 'nosniff');
    assert.equal(fieldOf(consent, 'cache-control'), 'no-store');
    assert.equal(fieldOf(consent, 'referrer-policy'), 'same-origin');
    assert.ok(!/<script/i.test(consent.text));
    assert.ok(login.idp.requests.every(({ path }) => path === '/.well-known/openid-configuration'));
    assert.deepEqual(await login.stored(), {});
    assert.deepEqual(browser.arrivals, []);
  });

  it('has a cookie that scripts, other sites and plain http never see (RFC 6265bis §4.1.3.2)', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const answer = await login.ask({ target: client.authorizeUrl() });
    assert.equal(answer.status, 303);
    const pattern = /^__Host-obex-flow-[\w-]{12}=[\w-]{300,}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax; Secure$/;
    assert.match(fieldOf(answer, 'set-cookie') ?? '', pattern);
    assert.match(answer.location ?? '', /^\/oauth\/consent\?flow=[\w-]{21,}$/);
  });
});

describe('RFC 9700 §4.7: the flow belongs to the browser that began it', () => {
  const OTHERS: readonly (readonly [name: string, steal: (shown: Shown, other: Shown) => void])[] = [
    ['without its cookie', ({ browser }) => browser.cookies.clear()],
    [
      'with the cookie of another flow',
      ({ browser }, other) => {
        const [name = ''] = browser.cookies.keys();
        const [value = ''] = other.browser.cookies.values();
        browser.cookies.set(name, value);
      },
    ],
    [
      'with an empty cookie',
      ({ browser }) => {
        for (const name of browser.cookies.keys()) browser.cookies.set(name, '');
      },
    ],
    [
      'with the digest of the cookie',
      ({ browser, consent }) => {
        for (const name of browser.cookies.keys()) browser.cookies.set(name, hiddenFields(consent.text)['csrf'] ?? '');
      },
    ],
  ];
  for (const [name, steal] of OTHERS) {
    it(`shows nothing and takes no decision ${name}`, async (context) => {
      const { login, client, ...shown } = await atConsent(context);
      const { browser, consent, flow } = shown;
      steal(shown, await showConsent(client, new Browser(login)));
      assertOver(await browser.get(`/oauth/consent?flow=${flow}`), { login, browser });
      for (const decision of ['approve', 'deny'])
        assertOver(await browser.decide(consent, decision), { login, browser });
      assert.deepEqual(await login.stored(), {});
    });
  }

  it('gives a person nothing who was sent the link of somebody else (session fixation)', async (context) => {
    const { login, consent, flow } = await atConsent(context);
    const victim = new Browser(login, 'victim');
    assertOver(await victim.get(`/oauth/consent?flow=${flow}`), { login, browser: victim });
    assertOver(await victim.decide(consent, 'approve'), { login, browser: victim });
  });

  it('takes no cookie that stands twice, as one set by another host would', async (context) => {
    const { login, browser, flow } = await atConsent(context);
    const [[name, value] = ['', '']] = browser.cookies;
    const fields = ['cookie', `${name}=planted; ${name}=${value}`];
    assertOver(await login.ask({ target: `/oauth/consent?flow=${flow}`, fields }), { login, browser });
  });

  const FLOWS = [
    '',
    '?flow=',
    '?flow=nothing',
    '?flow=..%2f..',
    '?FLOW=x',
    `?flow=${'x'.repeat(5_000)}`,
    '?flow=%00',
    '?flow=__proto__',
  ];
  for (const query of FLOWS) {
    it(`knows no flow by the query ${query.slice(0, 20)}`, async (context) => {
      const { login, browser } = await atConsent(context);
      assertOver(await browser.get(`/oauth/consent${query}`), { login, browser });
    });
  }
});

describe('RFC 6819 §5.3.5: a decision comes from our own page', () => {
  const FORMS: readonly (readonly [name: string, change: Readonly<Record<string, string>>])[] = [
    ['a wrong csrf', { csrf: 'x'.repeat(43) }],
    ['an empty csrf', { csrf: '' }],
    ['no decision that is known', { decision: 'Approve' }],
    ['an empty decision', { decision: '' }],
    ['another flow', { flow: 'x'.repeat(43) }],
    ['an empty flow', { flow: '' }],
  ];
  for (const [name, change] of FORMS) {
    it(`takes no form with ${name}`, async (context) => {
      const { login, browser, consent } = await atConsent(context);
      assertOver(await browser.decide(consent, 'approve', change), { login, browser });
      assert.deepEqual(await login.stored(), {});
      assert.equal((await browser.decide(consent, 'approve')).status, 303);
    });
  }

  it('takes no form with the csrf of another flow of the same browser', async (context) => {
    const { login, client, browser, consent } = await atConsent(context);
    const other = hiddenFields((await showConsent(client, browser)).consent.text)['csrf'] ?? '';
    assertOver(await browser.decide(consent, 'approve', { csrf: other }), { login, browser });
  });

  const FIELDS: readonly (readonly [name: string, fields: FieldLines])[] = [
    ['another Origin', ['origin', 'https://evil.example']],
    ['Origin: null', ['origin', 'null']],
    ['the Origin in plain http', ['origin', ISSUER.replace('https', 'http')]],
    ['the Origin with a port', ['origin', `${ISSUER}:8443`]],
    ['an Origin that begins like ours', ['origin', `${ISSUER}.evil.example`]],
    ['Sec-Fetch-Site: cross-site', ['origin', ISSUER, 'sec-fetch-site', 'cross-site']],
    ['Sec-Fetch-Site: same-site', ['sec-fetch-site', 'same-site']],
    ['Sec-Fetch-Site: none', ['sec-fetch-site', 'none']],
  ];
  for (const [name, fields] of FIELDS) {
    it(`takes no form with ${name}`, async (context) => {
      const { login, browser, consent } = await atConsent(context);
      const form = { ...hiddenFields(consent.text), decision: 'approve' };
      assertOver(await browser.post('/oauth/consent', form, fields), { login, browser });
      assert.deepEqual(await login.stored(), {});
    });
  }

  it('takes one of a browser that says nothing of itself, because it has the csrf', async (context) => {
    const { browser, consent } = await atConsent(context);
    const form = { ...hiddenFields(consent.text), decision: 'approve' };
    assert.equal((await browser.post('/oauth/consent', form, [])).status, 303);
  });

  it('takes no decision in a URL', async (context) => {
    const { login, browser, consent, flow } = await atConsent(context);
    const query = new URLSearchParams({ ...hiddenFields(consent.text), decision: 'approve' }).toString();
    const shown = await browser.get(`/oauth/consent?${query}`);
    assert.deepEqual({ status: shown.status, location: shown.location }, { status: 200, location: undefined });
    assertOver(await browser.post(`/oauth/consent?${query}`, {}), { login, browser });
    for (const method of ['PUT', 'DELETE', 'HEAD', 'OPTIONS']) {
      const answer = await login.ask({ method, target: `/oauth/consent?flow=${flow}`, fields: OWN_FORM });
      assert.deepEqual([answer.status, fieldOf(answer, 'allow')], [405, 'GET, POST']);
    }
    assert.equal(login.idp.count('/auth'), 0);
  });
});
