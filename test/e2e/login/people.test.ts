/** Who is admitted and with what, by the word of the IdP. OpenID Connect Core §5.7, RFC 6749 §3.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AllowOptions } from '../../../src/login/options.ts';
import { Browser } from '../../support/login-browser.ts';
import { Client, reachCallback, showConsent } from '../../support/login-client.ts';
import { fieldOf, ISSUER, startLogin } from '../../support/login-server.ts';

const ONLY_STAFF: AllowOptions = {
  everyone: false,
  emails: ['Boss@Example.com'],
  emailDomains: [],
  groups: ['staff'],
  subjects: ['s-1'],
};
const ONLY_DOMAIN: AllowOptions = {
  everyone: false,
  emails: [],
  emailDomains: ['example.com'],
  groups: [],
  subjects: [],
};

describe('whoever is not named gets a page, and their client nothing', () => {
  const PEOPLE: readonly (readonly [name: string, claims: Readonly<Record<string, unknown>>, allow: AllowOptions])[] = [
    ['an address of another domain', { email: 'a@elsewhere.org' }, ONLY_DOMAIN],
    ['an address of a subdomain', { email: 'a@sub.example.com' }, ONLY_DOMAIN],
    ['an address of a longer domain', { email: 'a@notexample.com' }, ONLY_DOMAIN],
    ['an address with two @', { email: 'a@evil.org@example.com' }, ONLY_DOMAIN],
    ['a quoted address', { email: '"a@evil.org"@example.com' }, ONLY_DOMAIN],
    ['an address of letters that look alike', { email: 'a@ex\u0430mple.com' }, ONLY_DOMAIN],
    ['an address that ends in a line end', { email: 'a@example.com\n' }, ONLY_DOMAIN],
    ['an address that is not verified', { email_verified: false }, ONLY_DOMAIN],
    ['an address verified in words', { email_verified: 'true' }, ONLY_DOMAIN],
    ['an address of which nothing is said', { email_verified: undefined }, ONLY_DOMAIN],
    ['no address', { email: undefined }, ONLY_DOMAIN],
    ['a list of addresses', { email: ['a@example.com'] }, ONLY_DOMAIN],
    ['a group in another case', { groups: ['Staff'] }, ONLY_STAFF],
    ['a group that is longer', { groups: ['staff '] }, ONLY_STAFF],
    ['a group inside a group', { groups: [['staff']] }, ONLY_STAFF],
    ['groups as an object', { groups: { staff: true } }, ONLY_STAFF],
  ];
  for (const [name, claims, allow] of PEOPLE) {
    it(`refuses ${name}`, async (context) => {
      const login = await startLogin(context, { options: { allow } });
      login.idp.accounts.set('alice', { sub: 'alice', ...claims });
      const browser = new Browser(login);
      const answer = await browser.get(await reachCallback(await Client.register(login), browser));
      assert.deepEqual({ status: answer.status, location: answer.location }, { status: 403, location: undefined });
      assert.match(answer.text, /You may not use this server/);
      assert.deepEqual(browser.arrivals, []);
      assert.deepEqual(await login.stored(), { returned: 1 });
      assert.ok(
        login.events.some(({ event, fields }) => event === 'login_refused' && fields['reason'] === 'not_allowed'),
      );
    });
  }

  it('shows a hostile name as text', async (context) => {
    const login = await startLogin(context);
    login.idp.accounts.set('alice', { sub: 'alice', email: undefined, name: '<script>alert(1)</script>"\u202e' });
    const browser = new Browser(login);
    const { status, text } = await browser.get(await reachCallback(await Client.register(login), browser));
    assert.equal(status, 403);
    assert.ok(!/<script|\u202e/.test(text));
    assert.ok(text.includes('&lt;script&gt;'));
  });

  it('lets the person go back, so that the client hears of it and does not wait', async (context) => {
    const login = await startLogin(context);
    login.idp.accounts.set('alice', { sub: 'alice', email: 'a@elsewhere.org' });
    const browser = new Browser(login);
    const refused = await browser.get(await reachCallback(await Client.register(login), browser));
    assert.match(fieldOf(refused, 'content-security-policy') ?? '', /form-action 'self' http:\/\/127\.0\.0\.1:\d+;/);
    const back = await browser.decide(refused, 'deny');
    assert.equal(back.status, 303);
    const { searchParams } = new URL(back.location ?? '');
    assert.deepEqual([searchParams.get('error'), searchParams.get('iss')], ['access_denied', login.options.issuer]);
    assert.deepEqual(await login.stored(), { returned: 1 });
  });

  it('lets somebody else try in the same flow, after consent', async (context) => {
    const login = await startLogin(context);
    login.idp.accounts.set('alice', { sub: 'alice', email: 'a@elsewhere.org' });
    const client = await Client.register(login);
    const { browser, consent, flow } = await showConsent(client, new Browser(login));
    const refused = await browser.get(await browser.passIdp(await browser.decide(consent, 'approve')));
    assert.ok(refused.text.includes(`href="/oauth/consent?flow=${flow}"`));
    login.idp.accounts.delete('alice');
    const again = await browser.get(`/oauth/consent?flow=${flow}`);
    const answer = await browser.get(await browser.passIdp(await browser.decide(again, 'approve')));
    assert.equal(answer.status, 303);
    assert.equal(browser.arrivals.length, 1);
  });
});

describe('whoever is named by any list is admitted', () => {
  const PEOPLE: readonly (readonly [name: string, claims: Readonly<Record<string, unknown>>])[] = [
    ['an address in another case', { email: 'BOSS@example.COM' }],
    ['a group', { groups: ['x', 'staff'], email: undefined }],
    ['a group that is not in a list', { groups: 'staff', email: undefined }],
  ];
  for (const [name, claims] of PEOPLE) {
    it(`admits ${name}`, async (context) => {
      const login = await startLogin(context, { options: { allow: ONLY_STAFF } });
      login.idp.accounts.set('alice', { sub: 'alice', ...claims });
      const browser = new Browser(login);
      assert.equal((await browser.get(await reachCallback(await Client.register(login), browser))).status, 303);
    });
  }
});

describe('RFC 6749 §3.3: a person gets what they may have of what was asked', () => {
  it('answers access_denied where that is nothing, and grants nothing', async (context) => {
    const scopeGrants = [{ scopes: ['mcp:write'], everyone: false, groups: ['writers'], emails: [] }];
    const login = await startLogin(context, { options: { scopeGrants } });
    const client = await Client.register(login);
    const browser = new Browser(login);
    await browser.get(await reachCallback(client, browser, { scope: 'mcp:read mcp:write' }));
    const { error_description: _, ...said } = Object.fromEntries(browser.arrivals[0]?.searchParams ?? []);
    assert.deepEqual(said, { error: 'access_denied', state: client.state, iss: ISSUER });
    assert.deepEqual(await login.stored(), { returned: 1 });
  });
});
