/** Clients that register nowhere: their id is the URL of a document. draft-ietf-oauth-client-id-metadata-document, MCP authorization. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { DocumentHosts } from '../../../src/login/clients/document-url.ts';
import { type DocumentServer, documentOf, startDocumentServer } from '../../support/document-server.ts';
import { parseObject } from '../../support/json.ts';
import { Browser } from '../../support/login-browser.ts';
import { Client, claimsIn, obtainCode, reachCallback, showConsent, tokensIn } from '../../support/login-client.ts';
import { loginOptions } from '../../support/login-options.ts';
import { type Answer, errorOf, fieldOf, type Login, startLogin } from '../../support/login-server.ts';

const METADATA = '/.well-known/oauth-authorization-server';
const MINUTE_MS = 60_000;

interface Described {
  readonly site: DocumentServer;
  readonly login: Login;
  readonly client: Client;
}

async function start(context: TestContext, documents: (site: DocumentServer) => DocumentHosts): Promise<Described> {
  const site = await startDocumentServer(context);
  const clients = { ...loginOptions().clients, metadataDocuments: documents(site) };
  const login = await startLogin(context, {
    options: { clients },
    documents: { ...site.settings, knownDocuments: [site.url] },
  });
  return { site, login, client: new Client(login, site.url) };
}

async function isPromised(login: Login): Promise<unknown> {
  return parseObject((await login.ask({ target: METADATA })).text)['client_id_metadata_document_supported'];
}

function authorize({ login, client }: Described, change: Parameters<Client['authorizeUrl']>[0] = {}): Promise<Answer> {
  return new Browser(login).get(client.authorizeUrl(change));
}

describe('draft CIMD §3: a client whose id is the URL of its document', () => {
  it('logs somebody in, without having registered, with one fetch for all of it', async (context) => {
    const { site, login, client } = await start(context, ({ host }) => [host]);
    assert.equal(await isPromised(login), true);
    const browser = new Browser(login);
    const { consent } = await showConsent(client, browser);
    assert.match(consent.text, new RegExp(`It is described at <strong>${site.host}</strong>, as .*A described client`));
    const code = await obtainCode(client, browser);
    const { access, refresh } = tokensIn(await client.redeem(code));
    const { client_id: clientId, sub } = claimsIn(access);
    assert.deepEqual({ clientId, sub }, { clientId: site.url, sub: 'alice' });
    tokensIn(await client.refresh(refresh));
    assert.equal(site.asked.length, 1);
  });

  it('RFC 9700 §4.1.3: is sent back to its redirect URIs as far as the owner allows them, and nowhere else', async (context) => {
    const all = await start(context, ({ host }) => [host]);
    const foreign = 'https://evil.example/cb';
    all.site.answer = { body: documentOf(all.site.url, { redirect_uris: ['http://127.0.0.1/cb', foreign] }) };
    assert.equal((await authorize(all, { redirect_uri: 'http://127.0.0.1:50123/cb' })).status, 303);
    for (const uri of [foreign, 'http://127.0.0.1/other', 'http://localhost/cb']) {
      const { status, location } = await authorize(all, { redirect_uri: uri });
      assert.deepEqual([status, location], [400, undefined], uri);
    }
  });

  it('is unknown when it has no redirect URI that is allowed', async (context) => {
    const all = await start(context, ({ host }) => [host]);
    all.site.answer = { body: documentOf(all.site.url, { redirect_uris: ['https://evil.example/cb'] }) };
    const answer = await authorize(all, { redirect_uri: 'https://evil.example/cb' });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /This server could not find out who your application is/);
  });

  it('authenticates by nothing: a secret that comes with it is refused', async (context) => {
    const { login, client } = await start(context, ({ host }) => [host]);
    const code = await obtainCode(client, new Browser(login));
    const answer = await client.redeem(code, { client_secret: 'made up' });
    assert.deepEqual(errorOf(answer), { status: 401, error: 'invalid_client' });
  });

  it('stays logged in through an outage of its host', async (context) => {
    const { site, login, client } = await start(context, ({ host }) => [host]);
    const { refresh } = tokensIn(await client.redeem(await obtainCode(client, new Browser(login))));
    site.answer = { status: 503 };
    const later = performance.now() + 90 * MINUTE_MS;
    context.mock.method(performance, 'now', () => later);
    tokensIn(await client.refresh(refresh));
    assert.equal(site.asked.length, 2);
  });
});

describe('a document that cannot be had', () => {
  it('is an outage for people and for programs, which keep what they have', async (context) => {
    const all = await start(context, ({ host }) => [host]);
    all.site.answer = { status: 503 };
    const shown = await authorize(all);
    assert.deepEqual([shown.status, fieldOf(shown, 'retry-after')], [503, '30']);
    assert.match(shown.text, /which cannot be had just now/);
    const answer = await all.client.redeem('any');
    assert.deepEqual(errorOf(answer), { status: 503, error: 'temporarily_unavailable' });
    assert.equal(all.site.asked.length, 1, 'the failure is remembered');
    assert.ok(!all.login.events.some(({ fields }) => fields['reason'] === 'bug'));
  });

  it('ends nothing of a login whose person has refused: they can do so again', async (context) => {
    const all = await start(context, ({ host }) => [host]);
    const browser = new Browser(all.login);
    const { consent } = await showConsent(all.client, browser);
    const later = performance.now() + 8 * 24 * 60 * MINUTE_MS;
    const time = context.mock.method(performance, 'now', () => later);
    all.site.answer = { status: 503 };
    assert.equal((await browser.decide(consent, 'deny')).status, 503);
    time.mock.mockImplementation(() => later + 60 * MINUTE_MS);
    all.site.answer = {};
    assert.equal((await browser.decide(consent, 'deny')).status, 303);
    assert.equal(browser.arrivals[0]?.searchParams.get('error'), 'access_denied');
  });

  it('is asked for before the IdP: a reload of the page goes on', async (context) => {
    const all = await start(context, ({ host }) => [host]);
    const browser = new Browser(all.login);
    const callback = await reachCallback(all.client, browser);
    const later = performance.now() + 8 * 24 * 60 * MINUTE_MS;
    const time = context.mock.method(performance, 'now', () => later);
    all.site.answer = { status: 503 };
    assert.equal((await browser.get(callback)).status, 503);
    assert.equal(all.login.idp.count('/token'), 0);
    time.mock.mockImplementation(() => later + 60 * MINUTE_MS);
    all.site.answer = {};
    assert.equal((await browser.get(callback)).status, 303);
  });

  it('is nobody when it is not there', async (context) => {
    const all = await start(context, ({ host }) => [host]);
    all.site.answer = { status: 404 };
    assert.equal((await authorize(all)).status, 400);
    assert.deepEqual(errorOf(await all.client.redeem('any')), { status: 401, error: 'invalid_client' });
    assert.equal(all.site.asked.length, 1);
  });
});

describe('login.clients.metadata_documents', () => {
  it('off: promises nothing and fetches nothing', async (context) => {
    const all = await start(context, () => 'off');
    assert.equal(await isPromised(all.login), undefined);
    assert.equal((await authorize(all)).status, 400);
    assert.equal(all.site.asked.length, 0);
  });

  it('a list: fetches from these hosts alone', async (context) => {
    const all = await start(context, () => ['claude.ai']);
    assert.equal((await authorize(all)).status, 400);
    assert.equal(all.site.asked.length, 0);
  });

  it('auto: promises documents once one of a known client could be fetched, whoever configures what in between', async (context) => {
    const { site, login } = await start(context, () => 'off');
    const auto = { ...login.options, clients: { ...login.options.clients, metadataDocuments: 'auto' as const } };
    await login.server.configure(auto);
    assert.equal(await isPromised(login), undefined);
    while (site.asked.length === 0 || (await isPromised(login)) === undefined) await setImmediate();
    assert.equal(await isPromised(login), true);
    await login.server.configure(login.options);
    assert.equal(await isPromised(login), undefined);
    await login.server.configure(auto);
    assert.equal(await isPromised(login), true);
    assert.equal(site.asked.length, 1);
  });
});
