/** What a config may say of issuers, their claims and scopes, and what is said when it cannot be meant. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accept, minimal, minimalIdp, reject } from './loading.ts';

/** With sections after idp; `resource` are more lines of that section. */
function config(idp: string, { resource = '', more = '' } = {}): string {
  return minimalIdp(`${idp}${more}`).replace('/mcp"\n', `/mcp"\n${resource}`);
}

/** The problems without the name of the file. */
const problems = (text: string): readonly string[] => reject(text).map((line) => line.replace(/^obex\.yaml:/, ''));
const warnings = (text: string): readonly string[] => accept(text).warnings;

describe('idp.issuer_aliases', () => {
  it('are taken as they are', () => {
    const loaded = accept(config('  issuer_aliases: ["https://tenant-2.example/", "tenant three"]\n'));
    assert.deepEqual(loaded.config.idp?.issuer_aliases, ['https://tenant-2.example/', 'tenant three']);
  });

  it('are whole values: no pattern and no placeholder', () => {
    const found = problems(
      config('  issuer_aliases:\n    - "https://*.example/"\n    - "https://a.example/{tenantid}/v2.0"\n    - ""\n'),
    );
    assert.deepEqual(found, [
      '10: idp.issuer_aliases[0]: must be one whole value of `iss`: patterns are not taken, got "https://*.example/"; name every ' +
        'tenant by itself',
      '11: idp.issuer_aliases[1]: "{" stands for many tenants, so that tokens of none would fit, got ' +
        '"https://a.example/{tenantid}/v2.0"; write the issuer of your own tenant, which is `iss` in its tokens',
      '12: idp.issuer_aliases[2]: expected a URL such as "https://auth.your-company.com/", got ""',
    ]);
  });

  it('and issuers are claimed once, wherever they stand', () => {
    const text = config(`  issuer_aliases: ["https://auth.example/", "https://b.example/"]
  additional_issuers:
    - issuer: "https://b.example/"
    - issuer: "https://c.example/"
      issuer_aliases: ["https://d.example/", "https://b.example/"]
    - issuer: "https://d.example/"
`);
    assert.deepEqual(problems(text), [
      '9: idp.issuer_aliases[0]: is the same issuer as idp.issuer; delete one of them',
      '11: idp.additional_issuers[0].issuer: is the same issuer as idp.issuer_aliases[1]; delete one of them',
      '13: idp.additional_issuers[1].issuer_aliases[1]: is the same issuer as idp.issuer_aliases[1]; delete one of them',
      '14: idp.additional_issuers[2].issuer: is the same issuer as idp.additional_issuers[1].issuer_aliases[0]; delete one of them',
    ]);
  });
});

describe('idp.scope_claims', () => {
  it('are names or JSON pointers', () => {
    const claims = ['scp', '/realm_access/roles', 'https://example.com/roles', 'urn:x:roles', '/a.b'];
    assert.deepEqual(accept(config(`  scope_claims: ${JSON.stringify(claims)}\n`)).config.idp?.scope_claims, claims);
  });

  it('are refused with the pointer that was meant', () => {
    assert.deepEqual(problems(config('  scope_claims: ["realm_access.roles", "$.a.b", "/a~b", ""]\n')), [
      '9: idp.scope_claims[0]: a claim inside another is named by a JSON pointer, got "realm_access.roles"; write ' +
        '"/realm_access/roles"; a claim with that very name is "/realm_access.roles"',
      '9: idp.scope_claims[1]: a claim inside another is named by a JSON pointer, got "$.a.b"; write "/a/b"; a claim with that ' +
        'very name is "/$.a.b"',
      '9: idp.scope_claims[2]: expected a JSON pointer, got "/a~b"; write "~0" for "~" and "~1" for a slash that belongs to a name ' +
        '(RFC 6901 §3)',
      '9: idp.scope_claims[3]: is empty; for example "scp"',
    ]);
    assert.deepEqual(problems(config('  scope_claims: []\n')), [
      '9: idp.scope_claims: is empty; name a claim, or delete the key',
    ]);
  });
});

describe('idp.audience_claim', () => {
  const needs = 'client_id: the ids of the clients that may use this resource are not named; list them in';

  it('client_id needs audiences', () => {
    assert.deepEqual(problems(config('  audience_claim: client_id\n')), [
      `9: idp.audience_claim: ${needs} resource.audiences`,
    ]);
    const named = config('  audience_claim: client_id\n', { resource: '  audiences: [app]\n' });
    assert.equal(accept(named).config.idp?.audience_claim, 'client_id');
  });

  it('client_id of an additional issuer needs its own audiences or those of resource', () => {
    const additional = '  additional_issuers:\n    - issuer: "https://b.example/"\n      audience_claim: client_id\n';
    assert.deepEqual(problems(config(additional)), [
      `11: idp.additional_issuers[0].audience_claim: ${needs} idp.additional_issuers[0].audiences`,
    ]);
    accept(config(`${additional}      audiences: [app]\n`));
    accept(config(additional, { resource: '  audiences: [app]\n' }));
  });

  it('client_id is warned of where no scope says for which API a token is', () => {
    const text = config('  audience_claim: client_id\n', { resource: '  audiences: [app]\n' });
    assert.deepEqual(
      warnings(text).filter((line) => line.includes('idp')),
      [
        'idp.audience_claim client_id, and authz.required_scopes is empty: every access token of the clients in audiences is let in, ' +
          'for whatever API it was made. Require a scope that belongs to this one',
      ],
    );
    assert.ok(!warnings(text).some((line) => line.includes('may be a client id')));
    const required = `${text}authz: { required_scopes: [mcp:read] }\n`;
    assert.ok(!warnings(required).some((line) => line.includes('audience_claim')));
  });

  it('aud of one issuer beside client_id of another: client ids are still warned of', () => {
    const text = config(
      '  audience_claim: client_id\n  additional_issuers:\n    - issuer: "https://b.example/"\n      audience_claim: aud\n',
      { resource: '  audiences: [app]\n' },
    );
    assert.ok(warnings(text).some((line) => line.startsWith('resource.audiences: app may be a client id')));
  });
});

describe('idp.additional_issuers[]', () => {
  const additional = (lines: string): string => `  additional_issuers:\n    - issuer: "https://b.example/"\n${lines}`;

  it('inherits scope_claims and audience_claim where it has none of its own', () => {
    const idp = '  scope_claims: [roles]\n  audience_claim: client_id\n';
    const resource = '  audiences: [app]\n';
    const [first] = accept(config(idp + additional(''), { resource })).config.idp?.additional_issuers ?? [];
    assert.deepEqual([first?.scope_claims, first?.audience_claim], [['roles'], 'client_id']);
    const own = additional('      scope_claims: [scope]\n      audience_claim: aud\n');
    const [second] = accept(config(idp + own, { resource })).config.idp?.additional_issuers ?? [];
    assert.deepEqual([second?.scope_claims, second?.audience_claim], [['scope'], 'aud']);
  });

  it('never inherits preset, issuer_aliases, tls and dangerously_accept_id_tokens', () => {
    const idp = `  preset: dex
  issuer_aliases: ["https://c.example/"]
  tls: { ca_file: /ca.pem }
  dangerously_accept_id_tokens: true
`;
    const [entry] = accept(config(idp + additional(''))).config.idp?.additional_issuers ?? [];
    assert.deepEqual(
      [entry?.preset, entry?.issuer_aliases, entry?.tls.ca_file, entry?.dangerously_accept_id_tokens],
      ['', [], '', false],
    );
  });
});

describe('scopes with a prefix', () => {
  it('are written without it, wherever they are named', () => {
    const resource = '  scopes_supported: ["api://x/read"]\n  scope_prefix: "api://x/"\n';
    const more = `authz:
  required_scopes: ["api://x/read"]
  challenge_scopes: ["openid", "api://x/write"]
  scope_implies:
    "api://x/admin": ["read", "api://x/write"]
`;
    const cure = (scope: string): string =>
      `begins with resource.scope_prefix, which is put before it anyway; write "${scope}"`;
    assert.deepEqual(problems(config('', { resource, more })), [
      `7: resource.scopes_supported[0]: ${cure('read')}`,
      `12: authz.required_scopes[0]: ${cure('read')}`,
      `13: authz.challenge_scopes[1]: ${cure('write')}`,
      `15: authz.scope_implies["api://x/admin"][1]: ${cure('write')}`,
      `15: authz.scope_implies["api://x/admin"]: ${cure('admin')}`,
    ]);
  });

  it('have one that is legal in a scope', () => {
    assert.deepEqual(problems(minimal().replace('/mcp"\n', '/mcp"\n  scope_prefix: "api x"\n')), [
      '7: resource.scope_prefix: expected what stands before scopes, such as "api://APP-ID/", got "api x"',
    ]);
  });
});

describe('authz.challenge_scopes', () => {
  it('cannot hold offline_access', () => {
    assert.deepEqual(problems(config('', { more: 'authz: { challenge_scopes: [openid, offline_access] }\n' })), [
      '9: authz.challenge_scopes[1]: is between client and IdP (RFC 9728 §2), got "offline_access"; clients ask for it by ' +
        'themselves when they want a refresh token; delete it',
    ]);
  });
});

describe('authz.scope_implies', () => {
  const implies = (text: string): string => config('', { more: `authz:\n  scope_implies: ${text}\n` });
  const wanted = 'expected a scope such as mcp:read: printable ASCII without space, quote and backslash';

  it('maps scopes to lists of scopes', () => {
    assert.deepEqual(problems(implies('[a]')), [
      '10: authz.scope_implies: expected scopes with lists of scopes, such as { mcp:admin: [mcp:read, mcp:write] }, got a list',
    ]);
    assert.deepEqual(problems(implies('{ "a b": [a], b: c, c: [], d: ["e f", 7] }')), [
      `10: authz.scope_implies["a b"]: ${wanted}, got "a b"`,
      '10: authz.scope_implies.b: expected a list of scopes, such as [mcp:read], got "c"',
      '10: authz.scope_implies.c: expected a list of scopes, such as [mcp:read], got a list',
      '10: authz.scope_implies.d[0]: expected one scope per list item, got "e f"; write [e, f]',
      `10: authz.scope_implies.d[1]: ${wanted}, got 7`,
    ]);
  });

  it('is warned of when it grants what nothing else names', () => {
    const text = implies('{ admin: [read, wriet], read: [admin] }').replace(
      'authz:\n',
      'authz:\n  required_scopes: [read]\n',
    );
    assert.deepEqual(
      warnings(text).filter((line) => line.startsWith('authz')),
      [
        'authz.scope_implies grants wriet, which neither authz.required_scopes nor resource.scopes_supported names: the backend ' +
          'finds it in X-Obex-Scopes. Add it to resource.scopes_supported if that is meant',
      ],
    );
  });

  it('makes a required scope obtainable through one that clients are told of', () => {
    const resource = '  scopes_supported: [admin]\n';
    const more = 'authz: { required_scopes: [read], scope_implies: { admin: [write], write: [read] } }\n';
    assert.ok(!warnings(config('', { resource, more })).some((line) => line.includes('is not in')));
  });
});

describe('resource.authorization_servers', () => {
  const servers = (list: string): string => config('', { resource: `  authorization_servers: ${list}\n` });

  it('are issuer identifiers (RFC 8414 §2)', () => {
    assert.deepEqual(
      problems(servers('["https://a.example/?x", "https://{tenant}.example", "a.example", "http://a.example"]')),
      [
        '7: resource.authorization_servers[0]: must have no query and no fragment (RFC 8414 §2), got "https://a.example/?x"',
        '7: resource.authorization_servers[1]: "{" stands for many tenants, so that tokens of none would fit, got ' +
          '"https://{tenant}.example"; write the issuer of your own tenant, which is `iss` in its tokens',
        '7: resource.authorization_servers[2]: expected a URL such as "https://auth.your-company.com/", got "a.example"',
        '7: resource.authorization_servers[3]: must begin with https:// (RFC 8414 §2), got "http://a.example"; http is for loopback, ' +
          'or for development with idp.dangerously_allow_http: true',
      ],
    );
  });

  it('may be http where issuers may', () => {
    accept(servers('["http://localhost:1/x"]'));
    accept(servers('["http://a.example"]').replace('idp:\n', 'idp:\n  dangerously_allow_http: true\n'));
  });
});
