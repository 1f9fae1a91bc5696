/** `login`: what is refused, with line and cure. OpenID Connect Core §3.1.2.1, RFC 8252 §7, RFC 7591 §2, RFC 9700 §2.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accept, minimal, minimalIdp, reject } from './loading.ts';
import { google, login, OBEX_SECRET, oidc } from './login-config.ts';

type Cases = Readonly<Record<string, readonly [text: string, ...problems: string[]]>>;

function refuses(cases: Cases): void {
  for (const [name, [text, ...problems]] of Object.entries(cases)) {
    it(`refuses ${name}`, () =>
      assert.deepEqual(
        reject(text),
        problems.map((problem) => `obex.yaml:${problem}`),
      ));
  }
}

const without = (text: string, key: string): string => text.replace(new RegExp(`^ {2}${key}: .*\n`, 'm'), '');
const entra = (more = ''): string =>
  google(more)
    .replace('google', 'entra')
    .replace(/ {2}allow: .*/, '  allow: { groups: [a] }');
const TENANT = '11112222-bbbb-3333-cccc-4444dddd5555';

describe('a login without what it needs', () => {
  refuses({
    'an empty section': [
      minimal('login:\n'),
      '7: login: is empty; give it at least client_id, client_secret and allow; without login and idp, Obex would authenticate nobody',
    ],
    'an empty mapping': [
      login('  {}\n'),
      '9: login.client_id: is required; for example "obex"',
      '9: login.issuer: is required with provider: oidc; for example "https://auth.your-company.com/"',
      '9: login.client_secret: is required, or client_secret_file; or, for private_key_jwt, private_key_file',
      '9: login.allow: is required; name who may log in (emails, email_domains, groups, subjects), or set ' +
        'login.dangerously_allow_everyone: true',
    ],
    'a text': [
      minimal('login: google\n'),
      '7: login: expected a map of keys, got "google"; write { provider: "google", client_id: "obex" }',
    ],
    'a key of its section clients': [
      google('  metadata_documents: auto\n'),
      '14: login.metadata_documents: unknown key here; it belongs elsewhere: login.clients.metadata_documents',
    ],
    'two credentials': [
      google('  private_key_file: /k.pem\n'),
      '14: login.private_key_file: stands beside login.client_secret; delete one of them',
    ],
    'an issuer that is misspelt, once': [
      oidc().replace('  issuer:', '  isuer:'),
      '11: login.isuer: unknown key; did you mean issuer?',
    ],
    'scopes without openid': [
      google('  scopes: [email]\n'),
      '14: login.scopes: lacks openid, without which the IdP does not say who has logged in; add it',
    ],
  });

  it('takes a key in place of the secret', () => {
    accept(without(google('  private_key_file: /k.pem\n'), 'client_secret'));
  });
});

describe('where people log in', () => {
  const httpCure = 'http is for loopback, or for development with login.dangerously_allow_http: true';
  refuses({
    'an IdP that is not named': [
      without(oidc(), 'issuer').replace('oidc', 'keycloak'),
      '9: login.issuer: is required with provider: keycloak; for example "https://keycloak.your-company.com/realms/REALM"',
    ],
    http: [
      oidc('', 'http://idp.example'),
      '11: login.issuer: must begin with https://, for whoever sits on the network could log in as anybody, got ' +
        `"http://idp.example"; ${httpCure}`,
    ],
    'a query': [
      oidc('', 'https://idp.example/?a'),
      '11: login.issuer: must have no query and no fragment (RFC 8414 §2), got "https://idp.example/?a"',
    ],
    'Obex itself': [
      oidc('', 'https://tool.example/'),
      '11: login.issuer: is obex.public_url: Obex would ask itself who people are; write the issuer of your IdP',
    ],
    'another issuer of Google': [
      google('  issuer: "https://idp.example"\n'),
      '14: login.issuer: is https://accounts.google.com with provider: google; delete it, or write provider: oidc for another',
    ],
    'Entra without tenant': [
      entra(),
      '9: login.tenant: is required with provider: entra; the Entra admin center shows it under Overview',
    ],
    'Entra for everybody': [
      entra('  tenant: common\n'),
      '14: login.tenant: must be one tenant: this one is everybody with an account at Microsoft, got "common"; write the id of ' +
        'your own tenant, which the Entra admin center shows under Overview',
    ],
    'a tenant by its name': [
      entra('  tenant: contoso.com\n'),
      `14: login.tenant: expected the id of a tenant, such as "${TENANT}", got "contoso.com"; write the id of your own tenant, ` +
        'which the Entra admin center shows under Overview',
    ],
    'another issuer of Entra': [
      entra(`  tenant: ${TENANT}\n  issuer: "https://login.microsoftonline.us/${TENANT}/v2.0"\n`),
      `15: login.issuer: is https://login.microsoftonline.com/${TENANT}/v2.0 with provider: entra; delete it, or write ` +
        'provider: oidc for another',
    ],
    'a tenant elsewhere': [oidc(`  tenant: ${TENANT}\n`), '15: login.tenant: is for provider: entra; delete it'],
    'an unknown provider': [
      google().replace('google', 'github'),
      '10: login.provider: expected one of "oidc", "google", "entra", "okta", "auth0", "cognito", "keycloak", got "github"',
    ],
  });

  it('takes http on loopback, and beyond where that is allowed', () => {
    accept(oidc('', 'http://127.0.0.1:8080/realms/a'));
    accept(oidc('  dangerously_allow_http: true\n', 'http://idp.example'));
  });

  for (const tenant of ['organizations', 'Consumers']) {
    it(`refuses the tenant ${tenant}`, () =>
      assert.match(reject(entra(`  tenant: ${tenant}\n`)).join('\n'), /must be one/));
  }
});

describe('who may log in', () => {
  const cure =
    'name who may log in (emails, email_domains, groups, subjects), or set login.dangerously_allow_everyone: true';
  const allow = (lists: string, more = ''): string => google(more).replace(/allow: .*/, `allow: ${lists}`);
  const unverified = 'Entra does not say whether an address is verified (it has no email_verified)';
  refuses({
    nobody: [without(google(), 'allow'), `9: login.allow: is required; ${cure}`],
    'nobody, in words': [allow('{ emails: [] }'), `13: login.allow: names nobody; ${cure}`],
    'some, and everyone': [
      google('  dangerously_allow_everyone: true\n'),
      '14: login.dangerously_allow_everyone: stands beside login.allow, which would mean nothing; delete one of them',
    ],
    'a misspelt list, once': [
      allow('{ email_domain: [a.example] }'),
      '13: login.allow.email_domain: unknown key; did you mean email_domains?',
    ],
    'domains with an "@"': [
      allow('{ email_domains: ["@example.com"] }'),
      '13: login.allow.email_domains[0]: must not hold an "@", got a text with an "@" (not shown, it could hold a password); ' +
        'delete the "@"',
    ],
    'patterns of domains': [
      allow('{ email_domains: ["*.example.com"] }'),
      '13: login.allow.email_domains[0]: expected a domain such as "example.com", got "*.example.com"; patterns are not taken: ' +
        'name every domain by itself',
    ],
    'a domain twice, in capitals': [
      allow('{ email_domains: [a.example, A.example] }'),
      '13: login.allow.email_domains[1]: stands twice in the list (also as item 1); delete one',
    ],
    'patterns of addresses': [
      allow('{ emails: ["*@example.com"] }'),
      '13: login.allow.emails[0]: expected an address such as "ann@example.com", got a text with an "@" (not shown, it could ' +
        'hold a password); whole domains belong in email_domains',
    ],
    'what is no address': [
      allow('{ emails: ["ann"] }'),
      '13: login.allow.emails[0]: expected an address such as "ann@example.com", got "ann"',
    ],
    'groups of Google': [
      allow('{ groups: [a] }', '  scope_grants: [{ scopes: [mcp:read], groups: [a] }]\n'),
      '13: login.allow.groups: Google tells no groups; name emails, email_domains or subjects',
      '14: login.scope_grants[0].groups: Google tells no groups; name emails',
    ],
    'addresses of Entra': [
      entra(`  tenant: ${TENANT}\n  scope_grants: [{ scopes: [mcp:read], emails: ["a@b.example"] }]\n`).replace(
        'groups: [a]',
        'emails: ["a@b.example"], email_domains: [b.example]',
      ),
      `13: login.allow.emails: ${unverified}; name subjects or groups`,
      `13: login.allow.email_domains: ${unverified}; name subjects or groups`,
      `15: login.scope_grants[0].emails: ${unverified}; name groups`,
    ],
  });

  it('takes everyone in place of names', () => {
    accept(without(google('  dangerously_allow_everyone: true\n'), 'allow'));
    accept(allow('{ emails: [] }', '  dangerously_allow_everyone: true\n'));
  });
});

describe('who gets what', () => {
  const grants = (list: string): string => google(`  scope_grants: [${list}]\n`);
  const at = '14: login.scope_grants[0]';
  refuses({
    'a grant to nobody': [
      grants('{ scopes: [mcp:read] }'),
      `${at}: is for nobody; give it groups, emails, or everyone: true`,
    ],
    'a grant to some and everyone': [
      grants('{ scopes: [mcp:read], emails: ["a@b.example"], everyone: true }'),
      `${at}.everyone: stands beside groups or emails, which would mean nothing; delete one of them`,
    ],
    'a grant of nothing': [
      grants('{ everyone: true }, { scopes: [], everyone: true }'),
      `${at}.scopes: expected a list such as [mcp:read], got nothing`,
      '14: login.scope_grants[1].scopes: is empty; name at least one',
    ],
    'a scope that is not announced': [
      grants('{ scopes: [mcp:read, mcp:admin], everyone: true }'),
      `${at}.scopes[1]: is not in resource.scopes_supported: "mcp:admin"; add it there, or delete it here`,
    ],
    offline_access: [
      grants('{ scopes: [offline_access], everyone: true }').replace('mcp:write]', 'offline_access]'),
      '8: resource.scopes_supported[1]: offline_access says nothing: with login every client gets a refresh token; delete it',
      `${at}.scopes[0]: offline_access says nothing: with login every client gets a refresh token; delete it`,
    ],
  });

  it('takes scopes that are required where none are announced', () => {
    const text = without(grants('{ scopes: [a], everyone: true }'), 'scopes_supported');
    accept(`${text}authz: { required_scopes: [a] }\n`);
    assert.equal(reject(text).length, 1);
  });

  it('says nothing of offline_access without login', () => {
    accept(minimalIdp('authz: { required_scopes: [offline_access] }\n'));
  });
});

describe('how long a login lasts', () => {
  refuses({
    'access tokens of a day': [
      google('  access_token_ttl: 1d\n'),
      '14: login.access_token_ttl: expected a duration from 1m to 1h, got "1d"',
    ],
    'refresh tokens of more than a year': [
      google('  refresh_token_ttl: 366d\n'),
      '14: login.refresh_token_ttl: expected a duration from 1m to 365d, got "366d"',
    ],
    'days in words': [
      google('  session_ttl: 2 days\n'),
      '14: login.session_ttl: expected a duration such as "10s", "1m30s" or "250ms", got "2 days"; write "2d"',
    ],
  });
});

describe('where clients have people sent', () => {
  const rule = (uri: string): string => google(`  clients: { redirect_uris: ["${uri}"] }\n`);
  const client = (uri: string): string =>
    google(`  clients: { static: [{ client_id: a, redirect_uris: ["${uri}"] }] }\n`);
  const at = '14: login.clients.redirect_uris[0]';
  const wanted =
    'expected a redirect URI such as "https://client.example/callback" or "cursor://anysphere.cursor-mcp/oauth/callback"';

  for (const uri of [
    'loopback',
    'dangerously_any_https',
    'https://claude.ai/api/mcp/auth_callback?a=b',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'com.example.app:/callback',
  ]) {
    it(`takes ${uri}`, () => assert.deepEqual(accept(rule(uri)).config.login?.clients.redirect_uris, [uri]));
  }
  for (const uri of [
    'http://127.0.0.1:33418/cb',
    'http://localhost/',
    'https://localhost/cb',
    'http://[::1]:1/',
    'https://a.example/',
  ]) {
    it(`takes ${uri} of a client that is written`, () =>
      assert.deepEqual(accept(client(uri)).config.login?.clients.static[0]?.redirect_uris, [uri]));
  }
  for (const scheme of ['javascript', 'data', 'file', 'vbscript', 'blob', 'about', 'JavaScript', 'ws']) {
    it(`refuses ${scheme}:`, () => {
      const problem = `must not begin with ${scheme}:, which no application answers to, got "${scheme}://a/b"`;
      assert.deepEqual(reject(rule(`${scheme}://a/b`)), [`obex.yaml:${at}: ${problem}`]);
    });
  }
  refuses({
    http: [rule('http://a.example/'), `${at}: must not begin with http://, got "http://a.example/"; write https://`],
    'what loopback is for': [
      rule('http://localhost:1/cb'),
      `${at}: must not be on this machine, got "http://localhost:1/cb"; write loopback, which is http and any port there`,
    ],
    'a fragment': [
      rule('https://a.example/#b'),
      `${at}: must not have a fragment, got "https://a.example/#b"; delete all from the "#" on`,
    ],
    'a pattern': [
      rule('https://a.example/*'),
      `${at}: must be one whole URI: patterns are not taken, got "https://a.example/*"; write each in full, as the client sends it`,
    ],
    'a user name': [
      rule('https://a.example@b.example/'),
      `${at}: must not hold a user name or password; delete all up to the "@"`,
    ],
    'a scheme without a path': [rule('com.example.app:callback'), `${at}: ${wanted}, got "com.example.app:callback"`],
    'no URI': [rule('claude'), `${at}: ${wanted}, or the word loopback, got "claude"`],
    spaces: [rule('https://a.example/a b'), `${at}: ${wanted}, got "https://a.example/a b"`],
    'a scheme in capitals': [
      rule('HTTPS://a.example/'),
      `${at}: ${wanted}, got "HTTPS://a.example/"; write the scheme in lower case`,
    ],
    'a word where a client has a URI': [
      client('loopback'),
      '14: login.clients.static[0].redirect_uris[0]: must be one whole redirect URI of the client, got "loopback"; write it as ' +
        'the client sends it',
    ],
    'http of a client that is written': [
      client('http://127.0.0.2/'),
      '14: login.clients.static[0].redirect_uris[0]: must not begin with http:// unless the host is localhost, 127.0.0.1 or ' +
        '[::1], got "http://127.0.0.2/"; write https://',
    ],
    'no redirect URIs at all': [
      google('  clients: { redirect_uris: [], static: [{ client_id: a, redirect_uris: [] }] }\n'),
      `14: login.clients.redirect_uris: is empty; delete the key for the default, or set dynamic_registration: false`,
      '14: login.clients.static[0].redirect_uris: is empty; name at least one',
    ],
  });
});

describe('clients that are written', () => {
  const clients = (list: string): string => google(`  clients: { static: [${list}] }\n`);
  const uris = 'redirect_uris: ["https://a.example/"]';
  refuses({
    'an id twice': [
      clients(`{ client_id: a, ${uris} }, { client_id: a, ${uris} }`),
      '14: login.clients.static[1].client_id: is that of login.clients.static[0] too; choose another',
    ],
    'a weak secret, unseen': [
      clients(`{ client_id: a, ${uris}, client_secret: hunter2 }`),
      '14: login.clients.static[0].client_secret: expected at least 32 characters, such as the output of "openssl rand -base64 32"',
    ],
    'an id with spaces': [
      clients(`{ client_id: "a b", ${uris} }`),
      '14: login.clients.static[0].client_id: expected a client id such as "my-agent": up to 200 printable ASCII characters, no ' +
        'spaces, got "a b"',
    ],
  });

  it('may have their secrets in files', () => {
    const text = clients(`{ client_id: a, ${uris}, client_secret_file: /s }`);
    const { config } = accept(text, { files: { '/s': `${OBEX_SECRET}\n` } });
    assert.equal(config.login?.clients.static[0]?.client_secret, OBEX_SECRET);
  });
});

describe('where logins are kept', () => {
  const sqlite = google('  store: { backend: sqlite, path: /l.db }\n');
  refuses({
    'sqlite without a file': [
      google('  store: { backend: sqlite }\n'),
      '14: login.store.path: is required with login.store.backend: sqlite; for example "/var/lib/obex/login.db"',
    ],
    'a file without sqlite': [
      google('  store: { path: /l.db }\n'),
      '14: login.store.path: has no effect with login.store.backend: memory; write backend: sqlite, or delete path',
    ],
    'a relative path': [
      google('  store: { backend: sqlite, path: ":memory:" }\n'),
      '14: login.store.path: expected an absolute path such as "/var/lib/obex/login.db", got ":memory:"',
    ],
    'a file that a restart could not read': [
      without(sqlite, 'secret'),
      '1: obex.secret: is required with login.store.backend: sqlite: without it, nothing there could be read after a restart; ' +
        'for example the output of "openssl rand -base64 32"',
    ],
    'a title of two lines': [
      google('  title: "a\\nb"\n'),
      '14: login.title: expected a title on one line, of at most 80 characters, got "a\\nb"',
    ],
  });
});

describe('what stands beside login', () => {
  const own = 'is Obex itself, whose tokens are accepted by login; delete it here, or delete login';
  refuses({
    'Obex as an issuer besides': [
      google('idp: { issuer: "https://tool.example", issuer_aliases: ["https://tool.example/"] }\n'),
      `14: idp.issuer: ${own}`,
      `14: idp.issuer_aliases[0]: ${own}`,
    ],
    'Obex as an additional issuer': [
      google('idp: { issuer: "https://a.example", additional_issuers: [{ issuer: "https://tool.example" }] }\n'),
      `14: idp.additional_issuers[0].issuer: ${own}`,
    ],
    'a prefix of scopes': [
      google().replace('resource:\n', 'resource:\n  scope_prefix: "api://a/"\n'),
      '7: resource.scope_prefix: is for clients that ask the IdP themselves: with login they ask Obex, and Obex asks the IdP for ' +
        'login.scopes; delete it',
    ],
    'a resource where login answers': [
      google().replace('tool.example/mcp', 'tool.example/oauth/mcp'),
      '7: resource.url: lies under /oauth/, where login answers; choose another path',
    ],
    'an idp that is empty': [
      google('idp:\n'),
      '14: idp: is empty; give it at least its issuer (idp.issuer); without idp, Obex would authenticate nobody',
    ],
  });

  it('takes tokens of the IdP itself too', () => {
    accept(oidc('idp: { issuer: "https://idp.example" }\n'));
  });
});
