/** Consent that need not be asked again. MCP security best practices (consent), RFC 8252 §8.6, RFC 9700 §4.13. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { documentOf, startDocumentServer } from '../../support/document-server.ts';
import { Browser, hiddenFields } from '../../support/login-browser.ts';
import { type Change, Client, showConsent } from '../../support/login-client.ts';
import { startLoginIdp } from '../../support/login-idp.ts';
import { loginOptions } from '../../support/login-options.ts';
import { type Answer, ISSUER, type Login, RESOURCE, startLogin } from '../../support/login-server.ts';

const SITE = 'https://agent.example/cb';
const INSIDERS = 'https://insiders.vscode.dev./redirect';
const DAY_MS = 86_400_000;
const CHECKBOX = /<input type="checkbox" name="remember" value="yes">/;

const STATIC = [
  { clientId: 'agent', clientSecret: undefined, redirectUris: [SITE, 'https://agent.example/other'], name: 'Agent' },
  { clientId: 'another', clientSecret: undefined, redirectUris: [SITE], name: undefined },
  { clientId: 'local', clientSecret: undefined, redirectUris: ['http://127.0.0.1/cb'], name: undefined },
  { clientId: 'loop', clientSecret: undefined, redirectUris: ['https://localhost/cb'], name: undefined },
  { clientId: 'dot', clientSecret: undefined, redirectUris: ['https://localhost./cb'], name: undefined },
  { clientId: 'code', clientSecret: undefined, redirectUris: ['https://vscode.dev/redirect'], name: undefined },
  { clientId: 'insiders', clientSecret: undefined, redirectUris: [INSIDERS], name: undefined },
  { clientId: 'app', clientSecret: undefined, redirectUris: ['com.example.app:/cb'], name: undefined },
];

function start(context: TestContext): Promise<Login> {
  return startLogin(context, { options: { clients: { ...loginOptions().clients, static: STATIC } } });
}

/** One login at which the person agrees for good. */
async function agree(client: Client, browser: Browser, change: Change = {}): Promise<Answer> {
  const { consent } = await showConsent(client, browser, change);
  return browser.decide(consent, 'approve', { remember: 'yes' });
}

function isAsked({ location }: Answer): boolean {
  return location?.startsWith('/oauth/consent?flow=') === true;
}

describe('a consent that was given for good', () => {
  it('is not asked again in this browser for thirty days; the person still logs in at the IdP', async (context) => {
    const login = await start(context);
    const client = new Client(login, 'agent', SITE);
    const browser = new Browser(login);
    const { consent } = await showConsent(client, browser);
    assert.match(consent.text, CHECKBOX);
    await browser.get(await browser.passIdp(await browser.decide(consent, 'approve', { remember: 'yes' })));
    login.clock.tick(30 * DAY_MS - 1);
    const begun = await browser.get(client.authorizeUrl());
    assert.ok(begun.location?.startsWith(`${login.idp.issuer}/auth?`), begun.location ?? '');
    const answer = await browser.get(await browser.passIdp(begun));
    assert.ok(new URL(answer.location ?? '').searchParams.has('code'));
    login.clock.tick(1);
    assert.ok(isAsked(await browser.get(client.authorizeUrl())));
  });

  it('is not remembered unless the person says so, nor when they refuse', async (context) => {
    const login = await start(context);
    const client = new Client(login, 'agent', SITE);
    const browser = new Browser(login);
    const shown = await showConsent(client, browser);
    await browser.decide(shown.consent, 'deny', { remember: 'yes' });
    const { consent } = await showConsent(client, browser);
    await browser.get(await browser.passIdp(await browser.decide(consent, 'approve')));
    assert.ok(isAsked(await browser.get(client.authorizeUrl())));
  });

  it('is of this browser alone', async (context) => {
    const login = await start(context);
    const client = new Client(login, 'agent', SITE);
    await agree(client, new Browser(login));
    assert.ok(isAsked(await new Browser(login).get(client.authorizeUrl())));
  });

  it('is of one client, one redirect URI and one set of scopes', async (context) => {
    const login = await start(context);
    const client = new Client(login, 'agent', SITE);
    const browser = new Browser(login);
    await agree(client, browser, { scope: 'mcp:read mcp:write' });
    const asks = async (other: Client, change: Change): Promise<boolean> =>
      isAsked(await browser.get(other.authorizeUrl(change)));
    assert.equal(await asks(client, { scope: 'mcp:write mcp:read' }), false);
    assert.equal(await asks(client, { scope: 'mcp:read' }), true);
    assert.equal(
      await asks(client, { scope: 'mcp:read mcp:write', redirect_uri: 'https://agent.example/other' }),
      true,
    );
    assert.equal(await asks(new Client(login, 'another', SITE), { scope: 'mcp:read mcp:write' }), true);
  });

  it('is of one resource and one IdP, which a reload may change', async (context) => {
    const login = await start(context);
    const client = new Client(login, 'agent', SITE);
    const browser = new Browser(login);
    await agree(client, browser);
    const resource = `${RESOURCE}-payroll`;
    const resources = login.options.resources.map((each) => ({ ...each, resource }));
    await login.server.configure({ ...login.options, resources });
    assert.ok(isAsked(await browser.get(client.authorizeUrl({ resource }))));
    const other = await startLoginIdp(`${ISSUER}/oauth/callback`);
    context.after(() => other.stop());
    const upstream = { ...login.options.upstream, issuer: other.issuer };
    await login.server.configure({ ...login.options, upstream });
    assert.ok(isAsked(await browser.get(client.authorizeUrl())));
    await login.server.configure(login.options);
    assert.equal(isAsked(await browser.get(client.authorizeUrl())), false);
  });

  it('is asked again when the client says so (OpenID Connect Core §3.1.2.1: prompt)', async (context) => {
    const login = await start(context);
    const client = new Client(login, 'agent', SITE);
    const browser = new Browser(login);
    await agree(client, browser);
    for (const prompt of ['consent', 'login', 'select_account', 'login consent', ['', 'consent']]) {
      const answer = await browser.get(client.authorizeUrl({ prompt }));
      assert.ok(isAsked(answer), String(prompt));
      assert.match((await browser.get(answer.location ?? '')).text, /Give access to/);
    }
    for (const prompt of ['', 'create', 'Consent']) {
      assert.equal(isAsked(await browser.get(client.authorizeUrl({ prompt }))), false, prompt);
    }
  });

  it('does not outlive the configuration of the client', async (context) => {
    const login = await start(context);
    const client = new Client(login, 'agent', SITE);
    const browser = new Browser(login);
    await agree(client, browser);
    await login.server.configure({ ...login.options, clients: loginOptions().clients });
    assert.equal((await browser.get(client.authorizeUrl())).status, 400);
  });

  it('is asked again of whoever was not allowed and goes on as somebody else', async (context) => {
    const login = await start(context);
    await login.server.configure({
      ...login.options,
      allow: { ...login.options.allow, emailDomains: ['else.example'] },
    });
    const client = new Client(login, 'agent', SITE);
    const browser = new Browser(login);
    const refused = await browser.get(await browser.passIdp(await agree(client, browser)));
    assert.equal(refused.status, 403);
    const { flow = '' } = hiddenFields(refused.text);
    assert.match((await browser.get(`/oauth/consent?flow=${flow}`)).text, /Give access to/);
  });

  it('holds sixteen, and asks again for the first of more', async (context) => {
    const login = await start(context);
    const client = new Client(login, 'agent', SITE);
    const browser = new Browser(login);
    const uris = Array.from({ length: 17 }, (_, each) => `https://agent.example/${each}`);
    const agent = { clientId: 'agent', clientSecret: undefined, redirectUris: uris, name: undefined };
    await login.server.configure({ ...login.options, clients: { ...login.options.clients, static: [agent] } });
    for (const uri of uris) await agree(client, browser, { redirect_uri: uri });
    const asked = [];
    for (const uri of uris) asked.push(isAsked(await browser.get(client.authorizeUrl({ redirect_uri: uri }))));
    assert.deepEqual(asked, [true, ...Array<boolean>(16).fill(false)]);
  });

  it('is none when its cookie was written by somebody else', async (context) => {
    const login = await start(context);
    const client = new Client(login, 'agent', SITE);
    const browser = new Browser(login);
    await agree(client, browser);
    const name = [...browser.cookies.keys()].find((each) => each.includes('consents')) ?? '';
    for (const value of ['', 'x', 'A'.repeat(200), `${browser.cookies.get(name)}A`]) {
      browser.cookies.set(name, value);
      assert.ok(isAsked(await browser.get(client.authorizeUrl())), value);
    }
  });
});

describe('RFC 8252 §8.6: where anybody can be behind the client, it is asked each time', () => {
  const ALWAYS_ASKED = [
    ['a configured client on this computer', 'local', 'http://127.0.0.1:4000/cb'],
    ['a configured client at https on this computer', 'loop', 'https://localhost/cb'],
    ['the same with a final dot', 'dot', 'https://localhost./cb'],
    ['a configured client at a site that sends on to others', 'code', 'https://vscode.dev/redirect'],
    ['another such site, with a final dot', 'insiders', INSIDERS],
    ['a configured client of a private-use scheme', 'app', 'com.example.app:/cb'],
  ] as const;
  for (const [name, id, uri] of ALWAYS_ASKED) {
    it(name, async (context) => {
      const login = await start(context);
      await assertAskedAgain(login, new Client(login, id, uri));
    });
  }

  it('a client that has registered itself, at a site too', async (context) => {
    const clients = { ...loginOptions().clients, redirectUris: [SITE] };
    const login = await startLogin(context, { options: { clients } });
    await assertAskedAgain(login, await Client.register(login, SITE));
  });

  it('a client of a document at another site, or on this computer; not one at the site of its document', async (context) => {
    const site = await startDocumentServer(context);
    const own = `https://${site.host}/cb`;
    const clients = {
      ...loginOptions().clients,
      metadataDocuments: [site.host],
      redirectUris: ['loopback', SITE, own],
    };
    const login = await startLogin(context, { options: { clients }, documents: site.settings });
    site.answer = { body: documentOf(site.url, { redirect_uris: ['http://127.0.0.1/cb', SITE, own] }) };
    await assertAskedAgain(login, new Client(login, site.url, 'http://127.0.0.1:4000/cb'));
    await assertAskedAgain(login, new Client(login, site.url, SITE));
    const browser = new Browser(login);
    const client = new Client(login, site.url, own);
    await agree(client, browser);
    assert.equal(isAsked(await browser.get(client.authorizeUrl())), false);
  });
});

async function assertAskedAgain(login: Login, client: Client): Promise<void> {
  const browser = new Browser(login);
  const { consent } = await showConsent(client, browser);
  assert.doesNotMatch(consent.text, CHECKBOX);
  const approved = await browser.decide(consent, 'approve', { remember: 'yes' });
  assert.equal(approved.status, 303);
  assert.ok(isAsked(await browser.get(client.authorizeUrl())));
}
