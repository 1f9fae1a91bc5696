/** What a browser carries of all its logins gets through proxies in front. RFC 6265bis §5.5; nginx takes 8 KB of a line. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import { Client, register, showConsent, textIn } from '../../support/login-client.ts';
import { loginOptions } from '../../support/login-options.ts';
import { startLogin } from '../../support/login-server.ts';

const MAX_COOKIE = 4_096;
/** Of logins under way; and with the consents that are remembered, and `Cookie: `. */
const MAX_OF_LOGINS = 6_000;
const MAX_LINE = 8_192;
const SITE = 'https://agent.example/';

function sizeOf(browser: Browser, isCounted: (name: string) => boolean): number {
  const pairs = [...browser.cookies].filter(([name]) => isCounted(name));
  return pairs.reduce((sum, [name, value]) => sum + `${name}=${value}; `.length, 0);
}

function assertFits(browser: Browser): void {
  for (const [name, value] of browser.cookies) assert.ok(name.length + value.length + 1 <= MAX_COOKIE);
  const logins = sizeOf(browser, (name) => !name.includes('-consents-'));
  assert.ok(logins < MAX_OF_LOGINS, `${logins} of logins`);
  const all = sizeOf(browser, () => true);
  assert.ok('Cookie: '.length + all < MAX_LINE, `${all} of all`);
}

function stateOf(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

describe('RFC 6265bis §5.5: what a browser carries gets through proxies', () => {
  it('gives up the logins that it began first', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const browser = new Browser(login);
    const shown = [];
    for (let count = 0; count < 40; count += 1) {
      const next = await showConsent(client, browser, { state: stateOf(300) });
      assertFits(browser);
      shown.push(next);
      await browser.decide(next.consent, 'approve');
      assertFits(browser);
    }
    const open = [];
    for (const { flow } of shown) open.push((await browser.get(`/oauth/consent?flow=${flow}`)).status);
    const given = open.indexOf(200);
    assert.ok(given > 0 && given < 38, `${given} of 40`);
    assert.deepEqual(open, [...Array<number>(given).fill(400), ...Array<number>(40 - given).fill(200)]);
    // Nothing is left of those that were given up.
    const uses = [...browser.cookies.keys()].map((name) => name.replace(/^__Host-obex-(flow|state)-.*$/, '$1'));
    assert.deepEqual(uses.toSorted(), [
      ...Array<string>(40 - given).fill('flow'),
      ...Array<string>(40 - given).fill('state'),
    ]);
  });

  it('clears what was begun at the IdP for a login that it no longer carries', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const browser = new Browser(login);
    const { consent } = await showConsent(client, browser);
    await browser.decide(consent, 'approve');
    for (const name of browser.cookies.keys()) if (name.includes('-flow-')) browser.cookies.delete(name);
    await browser.get(client.authorizeUrl());
    assert.match([...browser.cookies.keys()].join(' '), /^__Host-obex-flow-\S+$/);
  });

  it('never gives up the login that goes on, though it is the first and the longest', async (context) => {
    const login = await startLogin(context);
    const uris = Array.from({ length: 10 }, (_, each) => `http://127.0.0.1/${each}/${randomBytes(60).toString('hex')}`);
    const long = new Client(login, textIn(await register(login, { redirect_uris: uris }), 'client_id'), uris[9]);
    const client = await Client.register(login);
    const browser = new Browser(login);
    const first = await showConsent(long, browser, { state: stateOf(200) });
    for (let count = 0; count < 2; count += 1) await showConsent(client, browser, { state: stateOf(300) });
    assertFits(browser);
    for (let count = 0; count < 3; count += 1) {
      const approved = await browser.decide(first.consent, 'approve');
      assertFits(browser);
      const callback = await browser.passIdp(approved);
      assert.equal((await browser.get(`/oauth/consent?flow=${first.flow}`)).status, 200);
      if (count === 2) assert.equal((await browser.get(callback)).status, 303);
    }
  });

  it('fits with as many consents as are remembered, where pages of strangers begin logins that nobody is asked about', async (context) => {
    const uris = Array.from({ length: 16 }, (_, each) => SITE + each);
    const agent = { clientId: 'agent', clientSecret: undefined, redirectUris: uris, name: undefined };
    const login = await startLogin(context, { options: { clients: { ...loginOptions().clients, static: [agent] } } });
    const client = new Client(login, 'agent', SITE);
    const browser = new Browser(login);
    for (const uri of uris) {
      const { consent } = await showConsent(client, browser, { redirect_uri: uri });
      await browser.decide(consent, 'approve', { remember: 'yes' });
      assertFits(browser);
    }
    for (const bytes of [10, 10, 300, 10, 2_200, 10, 2_200, 2_150, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]) {
      const answer = await browser.get(client.authorizeUrl({ redirect_uri: `${SITE}3`, state: stateOf(bytes) }));
      assert.ok(answer.location?.startsWith(login.idp.issuer), answer.location ?? '');
      const head = answer.fields.reduce((sum, text) => sum + text.length + 2, 0);
      assert.ok(head < MAX_LINE, `${head} of an answer's head`);
      assertFits(browser);
    }
  });
});
