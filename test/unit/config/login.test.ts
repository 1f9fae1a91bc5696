/** `login`: what it brings with it, how it is shown, what is warned of. RFC 8414 §2, RFC 9068 §2.2, RFC 9728 §2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildJsonSchema } from '../../../src/config/json-schema.ts';
import { formatEffectiveConfig } from '../../../src/config/mask.ts';
import { packConfig, unpackConfig } from '../../../src/config/portable.ts';
import { readYaml } from '../../../src/config/read-yaml.ts';
import { accept, minimal, minimalIdp } from './loading.ts';
import { CLIENT_SECRET, google, login, OBEX_SECRET, oidc } from './login-config.ts';
import { matches } from './matches-schema.ts';

const OWN = 'https://tool.example';
const RESOURCE = 'https://tool.example/mcp';
const MEMORY =
  'login.store.backend memory: a restart logs everybody out, and more than one replica cannot share it. Write sqlite for one ' +
  'replica that stays, redis for several';
const HOUR_MS = 3_600_000;

describe('login', () => {
  it('has defaults for all but the client and who may log in', () => {
    assert.deepEqual(accept(google()).config.login, {
      provider: 'google',
      issuer: 'https://accounts.google.com',
      client_id: 'obex',
      client_secret: CLIENT_SECRET,
      private_key_file: '',
      scopes: ['openid', 'email', 'profile'],
      tls: { ca_file: '' },
      dangerously_allow_http: false,
      allow: { emails: [], email_domains: ['example.com'], groups: [], subjects: [] },
      dangerously_allow_everyone: false,
      groups_claim: 'groups',
      scope_grants: [],
      access_token_ttl: HOUR_MS / 4,
      refresh_token_ttl: 30 * 24 * HOUR_MS,
      session_ttl: 24 * HOUR_MS,
      rate_limit: { beginnings_per_minute: 60, pages_per_minute: 240, refreshes_per_minute: 60 },
      clients: {
        dynamic_registration: true,
        metadata_documents: 'auto',
        redirect_uris: ['loopback', 'https://claude.ai/api/mcp/auth_callback', 'https://vscode.dev/redirect'],
        static: [],
      },
      identity_assertions: [],
      store: { backend: 'memory', path: '' },
      title: '',
      logo_file: '',
    });
    assert.equal(accept(minimal()).config.login, undefined);
  });

  it('loads as documented for Google, with the secret from a file and a store that stays', () => {
    const text = minimal(`login:
  provider: google
  client_id: "123.apps.googleusercontent.com"
  client_secret_file: /run/secrets/google
  allow: { email_domains: [Example.com] }
  store: { backend: sqlite, path: /var/lib/obex/login.db }
`);
    const files = { '/run/secrets/google': `${CLIENT_SECRET}\n` };
    const loaded = accept(text, { files, env: { OBEX_SECRET } });
    assert.equal(loaded.phase, 2);
    assert.equal(loaded.config.login?.client_secret, CLIENT_SECRET);
    assert.deepEqual(loaded.config.login?.allow.email_domains, ['example.com']);
    assert.deepEqual(loaded.config.login?.store, { backend: 'sqlite', path: '/var/lib/obex/login.db' });
    assert.deepEqual(
      loaded.warnings.filter((warning) => !warning.startsWith('obex.listen')),
      [],
    );
  });

  it('knows the issuer of Entra by the tenant, and where Cognito has the groups', () => {
    const entra = login(`  provider: entra
  tenant: "11112222-BBBB-3333-cccc-4444dddd5555"
  client_id: a
  private_key_file: /k.pem
  allow: { subjects: [abc] }
`);
    const { config } = accept(entra);
    assert.equal(config.login?.issuer, 'https://login.microsoftonline.com/11112222-bbbb-3333-cccc-4444dddd5555/v2.0');
    const cognito = oidc().replace('provider: oidc', 'provider: cognito');
    assert.equal(accept(cognito).config.login?.groups_claim, 'cognito:groups');
    assert.equal(accept(`${cognito}  groups_claim: /a/b\n`).config.login?.groups_claim, '/a/b');
  });

  it('goes from thread to thread as it is', () => {
    const { config } = accept(google());
    assert.deepEqual(unpackConfig(structuredClone(packConfig(config))), config);
  });

  it('may be nested under obex, and be set by variables', () => {
    const nested = google().replace(/^login:[\s\S]*/m, (section) => section.replaceAll(/^/gm, '  '));
    const under = nested.replace(/^ {2}login:[\s\S]*/m, '').replace('backend:\n', () => {
      return `${/^ {2}login:[\s\S]*/m.exec(nested)?.[0].trimEnd()}\nbackend:\n`;
    });
    assert.deepEqual(accept(under).config, accept(google()).config);
    const env = { OBEX_LOGIN_CLIENT_SECRET: 'other', OBEX_LOGIN_REFRESH_TOKEN_TTL: '7d' };
    const { config } = accept(google(), { env });
    assert.equal(config.login?.client_secret, 'other');
    assert.equal(config.login?.refresh_token_ttl, 7 * 24 * HOUR_MS);
  });
});

describe('login counts as idp', () => {
  it('Obex is the one issuer, with keys that nobody fetches, for the audience resource.url alone', () => {
    const { idp: _, ...own } = { idp: undefined, ...accept(google()).config.idp };
    const { idp } = accept(minimalIdp()).config;
    assert.deepEqual(own, {
      ...idp,
      issuer: OWN,
      keys: 'login',
      accepted_algorithms: ['ES256'],
      audiences: [RESOURCE],
    });
    assert.equal(idp?.keys, 'fetched');
    assert.deepEqual(idp?.audiences, []);
  });

  it('beside idp Obex is one issuer more, which inherits nothing', () => {
    const written = `idp:
  issuer: "https://auth.example/"
  accepted_algorithms: [RS256]
  scope_claims: [roles]
  additional_issuers:
    - issuer: "https://other.example"
`;
    const { config, phase } = accept(google(written));
    assert.equal(phase, 2);
    assert.equal(config.idp?.issuer, 'https://auth.example/');
    assert.equal(config.idp?.keys, 'fetched');
    assert.deepEqual(
      config.idp?.additional_issuers.map(({ issuer, keys }) => [issuer, keys]),
      [
        ['https://other.example', 'fetched'],
        [OWN, 'login'],
      ],
    );
    assert.deepEqual(config.idp?.additional_issuers[1], {
      issuer: OWN,
      keys: 'login',
      preset: '',
      issuer_aliases: [],
      tls: { ca_file: '' },
      accepted_algorithms: ['ES256'],
      audiences: [RESOURCE],
      scope_claims: ['scope', 'scp'],
      audience_claim: 'aud',
      dangerously_accept_id_tokens: false,
    });
  });

  it('is phase 3 with DPoP, and satisfies what needs idp', () => {
    const needy = `authz: { required_scopes: [mcp:read] }
dpop: { enabled: true }
cors: { allowed_origins: ["*"] }
`;
    const { config, phase } = accept(google(needy));
    assert.equal(phase, 3);
    assert.equal(config.limits.max_requests_per_principal, 2500);
    accept(google('limits: { max_requests_per_principal: 4 }\n'));
  });

  it('clients are sent to Obex, written without a final slash, unless others are named', () => {
    const at = (text: string) => accept(text).config.servers[0].resource.authorization_servers;
    assert.deepEqual(at(google()), [OWN]);
    assert.deepEqual(at(google().replace('"https://tool.example"', '"https://TOOL.example:443/"')), [OWN]);
    assert.deepEqual(at(google('idp: { issuer: "https://auth.example/" }\n')), [OWN]);
    const named = google().replace('resource:\n', 'resource:\n  authorization_servers: ["https://a.example"]\n');
    assert.deepEqual(at(named), ['https://a.example']);
    assert.deepEqual(at(minimalIdp()), []);
  });
});

describe('the effective config with login', () => {
  const secret = 'hunter2-'.repeat(5);
  const text = oidc(`  groups_claim: /realm_access/roles
  clients:
    static: [{ client_id: a, client_secret: "${secret}", redirect_uris: ["http://127.0.0.1/cb"] }]
  scope_grants: [{ scopes: [mcp:read], everyone: true }, { scopes: [mcp:write], groups: [ops] }]
`);

  it('shows no secret', () => {
    const shown = formatEffectiveConfig(accept(text).config);
    assert.doesNotMatch(shown, /hunter2/);
    assert.equal(shown.match(/client_secret: "\*\*\*"/g)?.length, 2);
    assert.match(shown, /^ {2}refresh_token_ttl: 30d$/m);
  });

  for (const [name, source] of Object.entries({
    google: google(),
    oidc: text,
    'with idp': google(
      'idp: { issuer: "https://auth.example/", additional_issuers: [{ issuer: "https://b.example" }] }\n',
    ),
  })) {
    it(`can be loaded again: ${name}`, () => {
      const { config } = accept(source);
      const shown = formatEffectiveConfig(config).replaceAll('"***"', `"${OBEX_SECRET}"`);
      assert.deepEqual(formatEffectiveConfig(accept(shown).config), formatEffectiveConfig(config));
    });
  }
});

describe('the JSON Schema of login', () => {
  const schema = buildJsonSchema();
  const fits = (text: string): boolean => matches(readYaml(text).root, schema, schema);

  it('takes what loads, with the twins of its secrets', () => {
    assert.ok(fits(google()));
    assert.ok(fits(google().replace(/client_secret: .*/, 'client_secret_file: /s')));
    const client = (secret: string) =>
      google(`  clients: { static: [{ client_id: a, ${secret}, redirect_uris: ["https://a.example/"] }] }\n`);
    assert.ok(fits(client('client_secret_file: /s')));
    assert.ok(fits(google('  access_token_ttl: "${TTL}"\n  refresh_token_ttl: 1d12h\n')));
  });

  it('refuses unknown keys, and an empty section', () => {
    assert.ok(!fits(google('  metadata_documents: auto\n')));
    assert.ok(!fits(login('')));
  });
});

describe('a login that may not be meant is warned of:', () => {
  const sqlite = '  store: { backend: sqlite, path: /l.db }\n';
  const cases: Readonly<Record<string, readonly [text: string, ...warnings: string[]]>> = {
    nothing: [google(sqlite)],
    'a store in memory': [google(), MEMORY],
    'no secret that stays': [
      google().replace(/ {2}secret: .*\n/, ''),
      MEMORY,
      'obex.secret is absent: it is made at start, so that a restart forgets the clients that have registered; many of them must ' +
        'then be set up anew by hand. Set it',
    ],
    everyone: [
      google(`${sqlite}  dangerously_allow_everyone: true\n`).replace(/ {2}allow: .*\n/, ''),
      'login.dangerously_allow_everyone: whoever has an account at the IdP is let in. Name who may log in, in login.allow',
    ],
    http: [
      oidc(`${sqlite}  dangerously_allow_http: true\n`, 'http://idp.example'),
      'login.dangerously_allow_http: the IdP may be asked over http; whoever can touch that network can log in as anybody',
    ],
    'any client': [
      google(`${sqlite}  clients: { redirect_uris: [dangerously_any_https] }\n`),
      'login.clients.redirect_uris dangerously_any_https: any site can register as a client, and only the consent page stands ' +
        'between it and the tokens of people who follow its link. Name the redirect URIs of the clients',
    ],
    'no client': [
      google(`${sqlite}  clients: { dynamic_registration: false, metadata_documents: off }\n`),
      'login.clients: no client may register or have a document, and static names none: nobody can log in',
    ],
    'an issuer that looks wrong': [
      oidc(sqlite, 'https://t.eu.auth0.com').replace('oidc', 'auth0'),
      'login.issuer "https://t.eu.auth0.com" does not look like an issuer of auth0, https://TENANT.REGION.auth0.com/: copy it ' +
        'from its discovery document',
    ],
    'a scope that all need and nobody gets': [
      google(
        `${sqlite}  scope_grants: [{ scopes: [mcp:write], everyone: true }]\nauthz: { required_scopes: [mcp:read] }\n`,
      ),
      'login.scope_grants grants mcp:read to nobody, which authz.required_scopes demands: everybody who logs in is refused. ' +
        'Grant it, or do not demand it',
    ],
    'nothing where one scope implies the other': [
      google(`${sqlite}  scope_grants: [{ scopes: [mcp:write], everyone: true }]
authz: { required_scopes: [mcp:read], scope_implies: { mcp:write: [mcp:read] } }
`),
    ],
    'audiences of nobody': [
      google(sqlite).replace('resource:\n', 'resource:\n  audiences: [some-client]\n'),
      'resource.audiences has no effect: the tokens of login are for resource.url alone, and there is no other issuer',
    ],
  };
  for (const [name, [text, ...warnings]] of Object.entries(cases)) {
    it(name, () => {
      const found = accept(text).warnings.filter((warning) => !warning.startsWith('obex.listen: plain http'));
      assert.deepEqual(found, warnings);
    });
  }
});
