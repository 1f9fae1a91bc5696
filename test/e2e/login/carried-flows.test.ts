/** Logins that their browsers carry: what becomes of them when a browser carries too much, or something else. RFC 6265bis §5.5, RFC 9700 §4.7. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { constants, inflateRawSync } from 'node:zlib';
import { fieldValues } from '../../../src/wire/field-values.ts';
import { Browser } from '../../support/login-browser.ts';
import { Client, REDIRECT_URI, reachCallback, register, showConsent, textIn } from '../../support/login-client.ts';
import { loginOptions } from '../../support/login-options.ts';
import { type Answer, fieldOf, ISSUER, startLogin } from '../../support/login-server.ts';

function assertOver(answer: Answer): void {
  assert.deepEqual({ status: answer.status, location: answer.location }, { status: 400, location: undefined });
  assert.match(answer.text, /This login is no longer open/);
}

/** What somebody without the secret could make of a cookie. */
function readingsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'base64url');
  const inflated = Array.from({ length: 32 }, (_, from) => {
    try {
      return inflateRawSync(bytes.subarray(from), { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1');
    } catch {
      return '';
    }
  });
  return [value, bytes.toString('latin1'), ...inflated];
}

describe('RFC 6265bis §5.5: what a browser carries fits into its cookies', () => {
  it('carries the longest registration there is, with a state of 300 characters', async (context) => {
    const login = await startLogin(context);
    const uris = Array.from({ length: 10 }, (_, each) => `http://127.0.0.1/${each}/${randomBytes(60).toString('hex')}`);
    const metadata = { redirect_uris: uris, client_name: randomBytes(40).toString('hex') };
    const client = new Client(login, textIn(await register(login, metadata), 'client_id'), uris[9]);
    const browser = new Browser(login);
    const state = randomBytes(225).toString('base64url');
    const answer = await browser.get(await reachCallback(client, browser, { state }));
    assert.equal(new URL(answer.location ?? '').searchParams.get('state'), state);
  });

  it('tells the client of a request that is too long, and carries none of it', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    for (const state of [randomBytes(3_000).toString('base64url'), 'a'.repeat(60_000)]) {
      const browser = new Browser(login);
      const answer = await browser.get(client.authorizeUrl({ state }));
      const { origin, pathname, searchParams } = new URL(answer.location ?? '');
      assert.equal(origin + pathname, REDIRECT_URI);
      assert.deepEqual(Object.fromEntries(searchParams), {
        error: 'invalid_request',
        error_description: 'the request does not fit into a cookie: its state or its client_id is too long',
        state,
        iss: ISSUER,
      });
      assert.equal(browser.cookies.size, 0);
    }
    assert.deepEqual(await login.stored(), {});
  });
});

describe('RFC 9700 §4.7: a cookie that is not as it was written is none', () => {
  it('opens no cookie of which one character is another', async (context) => {
    const login = await startLogin(context);
    const { browser, flow } = await showConsent(await Client.register(login), new Browser(login));
    const [[name, value] = ['', '']] = browser.cookies;
    for (let at = 0; at < value.length; at += 7) {
      const other = value[at] === 'A' ? 'B' : 'A';
      browser.cookies.set(name, value.slice(0, at) + other + value.slice(at + 1));
      assertOver(await browser.get(`/oauth/consent?flow=${flow}`));
    }
    browser.cookies.set(name, value);
    assert.equal((await browser.get(`/oauth/consent?flow=${flow}`)).status, 200);
  });

  it('admits nobody by a flow in the place of a state, nor by the state of another flow', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const browser = new Browser(login);
    const one = await reachCallback(client, browser);
    const kept = new Map(browser.cookies);
    const two = await reachCallback(client, browser);
    const nameOf = (use: string, url: string): string =>
      `__Host-obex-${use}-${(new URL(url).searchParams.get('state') ?? '').slice(0, 12)}`;
    const swaps = [
      [nameOf('state', one), nameOf('flow', one)],
      [nameOf('state', one), nameOf('state', two)],
      [nameOf('flow', one), nameOf('state', one)],
      [nameOf('flow', one), nameOf('flow', two)],
    ] as const;
    for (const [into, from] of swaps) {
      const value = browser.cookies.get(from) ?? assert.fail(`no ${from}`);
      browser.cookies.set(into, value);
      assertOver(await browser.get(one));
      browser.cookies.set(into, kept.get(into) ?? assert.fail(`no ${into}`));
    }
    assert.equal(login.idp.count('/token'), 0);
    // Of a state without its flow nobody knows whose it is: that flow is over.
    assertOver(await browser.get(one));
    assert.equal((await browser.get(two)).status, 303);
  });

  it('is opened by the secret that has sealed it alone', async (context) => {
    // One that both know, whatever their secrets are.
    const agent = { clientId: 'agent', clientSecret: undefined, redirectUris: [REDIRECT_URI], name: undefined };
    const clients = { ...loginOptions().clients, static: [agent] };
    const other = await startLogin(context, { options: { clients, secret: 'o'.repeat(40) } });
    const { browser, flow } = await showConsent(new Client(other, 'agent'), new Browser(other));
    context.mock.reset();
    const login = await startLogin(context, { options: { clients } });
    const fields = ['cookie', [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')];
    assert.equal((await other.ask({ target: `/oauth/consent?flow=${flow}`, fields })).status, 200);
    assertOver(await login.ask({ target: `/oauth/consent?flow=${flow}`, fields }));
  });

  it('tells a browser nothing of what it carries', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const { browser, consent } = await showConsent(client, new Browser(login), { state: 'a-state-to-be-found' });
    await browser.decide(consent, 'approve');
    assert.equal(browser.cookies.size, 2);
    const telling = ['a-state-to-be-found', client.id, 'interaction', 'codeVerifier', 'endsAtMs'];
    for (const value of browser.cookies.values()) {
      for (const text of readingsOf(value)) assert.ok(telling.every((each) => !text.includes(each)));
    }
  });
});

describe('RFC 6749 §10.5: a login that has ended is over for whoever has kept its cookies', () => {
  it('admits nobody by another code of the IdP', async (context) => {
    const login = await startLogin(context);
    const browser = new Browser(login);
    const callback = await reachCallback(await Client.register(login), browser);
    const kept = new Map(browser.cookies);
    assert.equal((await browser.get(callback)).status, 303);
    assert.equal(browser.cookies.size, 0);
    for (const [name, value] of kept) browser.cookies.set(name, value);
    const asked = login.idp.count('/token');
    const again = new URL(callback);
    again.searchParams.set('code', 'another');
    assertOver(await browser.get(again.href));
    assert.equal(login.idp.count('/token'), asked);
  });

  it('admits nobody after the person has refused', async (context) => {
    const login = await startLogin(context);
    const browser = new Browser(login);
    const { consent, flow } = await showConsent(await Client.register(login), browser);
    const callback = await browser.passIdp(await browser.decide(consent, 'approve'));
    const kept = new Map(browser.cookies);
    assert.equal((await browser.decide(consent, 'deny')).status, 303);
    for (const [name, value] of kept) browser.cookies.set(name, value);
    assertOver(await browser.get(callback));
    assertOver(await browser.get(`/oauth/consent?flow=${flow}`));
    for (const decision of ['approve', 'deny']) assertOver(await browser.decide(consent, decision));
    assert.equal(login.idp.count('/token'), 0);
  });

  it('ends what the IdP has refused, and leaves the way back to the client', async (context) => {
    const login = await startLogin(context);
    const browser = new Browser(login);
    const callback = new URL(await reachCallback(await Client.register(login), browser));
    const refused = new URL(callback);
    refused.searchParams.delete('code');
    refused.searchParams.set('error', 'access_denied');
    const answer = await browser.get(refused.href);
    assert.ok(fieldValues(answer.fields, 'set-cookie').every((line) => line.includes('Max-Age=0')));
    assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
    assertOver(await browser.get(callback.href));
    assert.equal((await browser.decide(answer, 'deny')).status, 303);
    assert.equal(browser.arrivals[0]?.searchParams.get('error'), 'access_denied');
  });
});
