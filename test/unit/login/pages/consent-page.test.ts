/** What a person is asked before the login. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ConsentView, consentPage } from '../../../../src/login/pages/consent-page.ts';
import { fieldOf, textOf } from './reading.ts';

const view = (override: Partial<ConsentView> = {}): ConsentView => ({
  frame: { title: 'Acme tools', logo: undefined, reference: 'req-1' },
  client: { name: 'Claude', static: false },
  redirectUri: new URL('https://claude.ai/api/mcp/auth_callback'),
  idp: { name: 'Okta', authorizationEndpoint: new URL('https://acme.okta.com/oauth2/v1/authorize') },
  resource: 'https://mcp.acme.example/mcp',
  scopes: ['tools:read', 'tools:write'],
  canBeRemembered: false,
  flow: 'flow-1',
  csrf: 'csrf-1',
  ...override,
});

const formAction = (override: Partial<ConsentView>): string | undefined =>
  /form-action ([^;]*)/.exec(fieldOf(consentPage(view(override)), 'content-security-policy') ?? '')?.[1];

describe('MCP security best practices: the consent page', () => {
  it('says where the code goes, the name that nobody verified, the server, the scopes, the IdP, and when to go on', () => {
    const page = consentPage(view());
    assert.equal(page.status, 200);
    assert.equal(
      textOf(page),
      `Acme tools
Give access to claude.ai
It calls itself “Claude”. Nobody has verified this name.
Server
https://mcp.acme.example/mcp
Scopes
tools:read
tools:write
You log in at
Okta (acme.okta.com)
Then you return to
https://claude.ai/api/mcp/auth_callback
Continue only if you have just started this yourself at claude.ai. If a link or a message led you here, cancel.
Continue to Okta
Cancel
Reference for the owner of this server: req-1`,
    );
  });

  it('has one form, to /oauth/consent, with flow, csrf and the two decisions', () => {
    const { body } = consentPage(view({ flow: 'f"1', csrf: "c'1" }));
    assert.deepEqual(body.match(/<form[^>]*>/g), ['<form method="post" action="/oauth/consent">']);
    assert.deepEqual(body.match(/<(input|button)[^>]*>/g), [
      '<input type="hidden" name="flow" value="f&quot;1">',
      '<input type="hidden" name="csrf" value="c&#39;1">',
      '<button class="primary" name="decision" value="approve">',
      '<button name="decision" value="deny">',
    ]);
  });

  it('names a loopback client by what it is, and a private-use scheme by the scheme', () => {
    const loopback = textOf(consentPage(view({ redirectUri: new URL('http://localhost:51234/callback') })));
    assert.match(loopback, /^Give access to an application on this computer$/m);
    assert.match(loopback, /just started this yourself in an application on this computer\./);
    const scheme = textOf(consentPage(view({ redirectUri: new URL('cursor://anysphere.cursor-mcp/oauth/callback') })));
    assert.match(scheme, /^Give access to the application for cursor: links$/m);
    assert.match(scheme, /^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback$/m);
  });

  it('says of a static client who set it up, and nothing of verifying', () => {
    const named = textOf(consentPage(view({ client: { name: 'Desk agent', static: true } })));
    assert.match(named, /^Desk agent was set up by the owner of this server\.$/m);
    assert.doesNotMatch(named, /verified|calls itself/);
    const nameless = textOf(consentPage(view({ client: { name: undefined, static: true } })));
    assert.match(nameless, /^It was set up by the owner of this server\.$/m);
  });

  it('says that there is no name, and that there are no scopes', () => {
    const text = textOf(consentPage(view({ client: { name: '\u200b', static: false }, scopes: [] })));
    assert.match(text, /^It gives no name of its own\.$/m);
    assert.match(text, /^Scopes\nnone$/m);
  });

  it('keeps the buttons within reach of a hundred scopes', () => {
    const scopes = Array.from({ length: 100 }, (_, index) => `scope-${index}`);
    assert.match(textOf(consentPage(view({ scopes }))), /\nscope-22\nscope-23\nand 76 more\nYou log in at\n/);
  });
});

describe('names that would be something else', () => {
  const bodyFor = (name: string) => consentPage(view({ client: { name, static: false } })).body;

  it('makes no markup, attribute or template of a name', () => {
    const body = bodyFor(`</bdi><script>alert(1)</script>" onload="x' {{7*7}} <%= 1 %>`);
    assert.doesNotMatch(body, /<script|onload="/);
    const shown = '&lt;/bdi&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39; onload=&#39;x&#39; {{7*7}} &lt;%= 1 %&gt;';
    assert.equal(body.includes(`<strong>“<bdi>${shown}</bdi>”</strong>`), true);
  });

  it('lets no name close its own quotation or turn the text after it', () => {
    const body = bodyFor('Claude”. Verified by Acme. “\u202egnp');
    assert.equal(body.includes('“<bdi>Claude&#39;. Verified by Acme. &#39;\ufffdgnp</bdi>”'), true);
  });

  it('shows 80 characters of 10 KB', () => {
    const body = bodyFor('n'.repeat(10_240));
    assert.equal(body.includes(`“<bdi>${'n'.repeat(80)}…</bdi>”`), true);
    assert.ok(body.length < bodyFor('n').length + 100);
  });
});

describe('CSP Level 3 §6.4.2.1: form-action, which Chromium holds every redirect after the form against', () => {
  it('names the IdP, whatever https host it sends people on to, and the origin of the client', () => {
    assert.equal(formAction({}), "'self' https: https://acme.okta.com https://claude.ai");
  });

  it('names a loopback client with its port, and the scheme of a private-use one', () => {
    const loopback = formAction({ redirectUri: new URL('http://127.0.0.1:33418/callback') });
    assert.equal(loopback, "'self' https: https://acme.okta.com http://127.0.0.1:33418");
    const scheme = formAction({ redirectUri: new URL('cursor://anysphere.cursor-mcp/oauth/callback') });
    assert.equal(scheme, "'self' https: https://acme.okta.com cursor:");
  });

  it('follows an IdP on http to other hosts on http', () => {
    const idp = { name: 'Dex', authorizationEndpoint: new URL('http://127.0.0.1:5556/auth') };
    assert.equal(formAction({ idp }), "'self' https: http: http://127.0.0.1:5556 https://claude.ai");
  });

  it('lets no redirect URI add a directive', () => {
    const policy = fieldOf(
      consentPage(view({ redirectUri: new URL("https://a;script-src'unsafe-inline'.example/") })),
      'content-security-policy',
    );
    assert.doesNotMatch(policy ?? '', /script-src/);
  });
});
