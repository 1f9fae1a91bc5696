/** What each value may be, and what is said when it is not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from '../../../src/config/schema.ts';
import { JWS_ALGORITHMS } from '../../../src/oauth/jwa.ts';
import { accept, minimal, minimalIdp, reject } from './loading.ts';

const obex = (line: string): string => minimal().replace('obex:\n', `obex:\n  ${line}\n`);
const publicUrl = (url: string): string => minimal().replaceAll('https://tool.example', url);
const backendUrl = (url: string): string => minimal().replace('http://localhost:9090', url);
const resourceUrl = (url: string): string => minimal().replace('https://tool.example/mcp', url);
const issuer = (url: string): string => minimalIdp().replace('https://auth.example/', url);
const header = (line: string): string => minimal().replace('backend:\n', `backend:\n  headers:\n    ${line}\n`);

/** One problem, without its place. */
function refusal(text: string): string {
  const problems = reject(text);
  assert.equal(problems.length, 1, problems.join('\n'));
  return (problems[0] ?? '').replace(/^obex\.yaml(:\d+)?: /, '');
}

function itRefuses(cases: Readonly<Record<string, readonly [text: string, problem: string]>>): void {
  for (const [name, [text, problem]] of Object.entries(cases)) {
    it(`refuses ${name}`, () => assert.equal(refusal(text), problem));
  }
}

describe('obex.public_url', () => {
  for (const url of [
    'https://tool.example:8443',
    'https://tool.example/',
    'http://localhost:1',
    'http://127.0.0.2',
    'http://[::1]:1',
  ]) {
    it(`takes ${url}`, () => {
      const text = minimal()
        .replace('https://tool.example"', `${url}"`)
        .replace('https://tool.example/mcp', new URL('/mcp', url).href);
      assert.equal(accept(text).config.obex.public_url.origin, new URL(url).origin);
    });
  }
  const only = (got: string): string =>
    `obex.public_url: must be scheme and host only, got "${got}"; write "https://tool.example"; a path belongs in resource.url`;
  const at = (url: string): string => minimal().replace('https://tool.example"', `${url}"`);
  itRefuses({
    'a path': [at('https://tool.example/mcp'), only('https://tool.example/mcp')],
    'a query': [at('https://tool.example?'), only('https://tool.example?')],
    'a fragment': [at('https://tool.example#'), only('https://tool.example#')],
    credentials: [
      at('https://u:p@tool.example'),
      'obex.public_url: must not hold a user name or password; delete all up to the "@"',
    ],
    'http beyond loopback': [
      publicUrl('http://tool.example').replace('url: "http://tool.example/mcp', 'url: "https://tool.example/mcp'),
      'obex.public_url: must begin with https:// unless the host is localhost or a loopback address, got "http://tool.example"',
    ],
    'no scheme': [
      at('tool.example'),
      'obex.public_url: expected a URL such as "https://my-tool.example.com", got "tool.example"',
    ],
    'a backslash': [
      at('https://tool.example\\\\x'),
      'obex.public_url: expected a URL such as "https://my-tool.example.com", got "https://tool.example\\\\x"; no spaces and ' +
        'backslashes in it, and letters beyond ASCII percent-encoded',
    ],
  });
});

describe('obex.listen and metrics.listen', () => {
  const forms: Readonly<Record<string, object>> = {
    ':8443': { host: undefined, port: 8443 },
    'localhost:0': { host: 'localhost', port: 0 },
    '0.0.0.0:1': { host: '0.0.0.0', port: 1 },
    '[::1]:65535': { host: '::1', port: 65_535 },
    'unix:/run/obex.sock': { path: '/run/obex.sock' },
  };
  for (const [text, address] of Object.entries(forms)) {
    it(`takes ${text}`, () => {
      assert.deepEqual(accept(obex(`listen: "${text}"`)).config.obex.listen, address);
      const metrics = minimal(`metrics: { listen: "${text}" }\n`).replace('obex:\n', 'obex:\n  listen: ":9"\n');
      assert.deepEqual(accept(metrics).config.metrics.listen, address);
    });
  }
  const expected = 'obex.listen: expected ":8443", "127.0.0.1:8443", "[::1]:8443" or "unix:/run/obex.sock"';
  const TAKEN =
    'metrics.listen: is taken by obex.listen; choose another port, or delete the key to serve /metrics there';
  itRefuses({
    'a bare port': [obex('listen: 8443'), `${expected}, got 8443; write ":8443"`],
    'a bare host': [obex('listen: localhost'), `${expected}, got "localhost"`],
    'a star': [obex('listen: "*:1"'), `${expected}, got "*:1"; leave the host out to listen on every address`],
    'IPv6 without brackets': [obex('listen: "::1:80"'), `${expected}, got "::1:80"`],
    'a port beyond 65535': [obex('listen: ":65536"'), 'obex.listen: expected a port from 0 to 65535, got ":65536"'],
    'a relative socket': [
      obex('listen: "unix:x"'),
      'obex.listen: expected an absolute path after "unix:", got "unix:x"',
    ],
    'the same address twice': [minimal('metrics: { listen: ":8443" }\n'), TAKEN],
    'an address of a port that is taken on all of them': [minimal('metrics: { listen: "127.0.0.1:8443" }\n'), TAKEN],
  });
});

describe('obex.trusted_proxies and allowed_hosts', () => {
  it('completes bare addresses, lowers host names', () => {
    const text = obex('trusted_proxies: ["10.0.0.0/8", 192.0.2.1, "fd00::/8", "::1"]').replace(
      'obex:\n',
      'obex:\n  allowed_hosts: [Obex.Internal]\n',
    );
    const { config } = accept(text);
    assert.deepEqual(config.obex.trusted_proxies, ['10.0.0.0/8', '192.0.2.1/32', 'fd00::/8', '::1/128']);
    assert.deepEqual(config.obex.allowed_hosts, ['obex.internal']);
  });
  const expected = 'obex.trusted_proxies[0]: expected addresses such as "10.0.0.0/8", "192.0.2.10" or "fd00::/8"';
  itRefuses({
    'a name': [obex('trusted_proxies: [proxy]'), `${expected}, got "proxy"`],
    'two slashes': [obex('trusted_proxies: ["10.0.0.0/8/8"]'), `${expected}, got "10.0.0.0/8/8"`],
    'a scope id': [obex('trusted_proxies: ["fe80::1%eth0/64"]'), `${expected}, got "fe80::1%eth0/64"`],
    'a prefix that is too long': [
      obex('trusted_proxies: ["10.0.0.0/33"]'),
      'obex.trusted_proxies[0]: expected a prefix length from 0 to 32 after the "/", got "10.0.0.0/33"',
    ],
    'a host with port': [
      obex('allowed_hosts: ["a.example:80"]'),
      'obex.allowed_hosts[0]: expected a host name without port and wildcard, such as "obex.internal", got "a.example:80"',
    ],
  });
});

describe('backend.url', () => {
  const urls = [
    'http://b',
    'https://b.example:1/',
    'http://[::1]:3000',
    'http://b/mcp',
    'http://b/a/%7Eb/',
    "http://b/;a=b,c@d:'!",
  ];
  for (const url of urls) {
    it(`takes ${url}`, () =>
      assert.equal(accept(backendUrl(url)).config.servers[0].backend.url.href, new URL(url).href));
  }
  itRefuses({
    'a query': [
      backendUrl('http://b:1/mcp?x=1'),
      'backend.url: must not have a query or a fragment, got "http://b:1/mcp?x=1"; delete all from the "?" on',
    ],
    'a fragment': [
      backendUrl('http://b:1#x?y'),
      'backend.url: must not have a query or a fragment, got "http://b:1#x?y"; delete all from the "#" on',
    ],
    'a user name before a path': [
      backendUrl('http://u@b:1/mcp'),
      'backend.url: must not hold a user name or password; delete all up to the "@"',
    ],
    ...Object.fromEntries(
      ['//', '/a//b', '/a/../b', '/.', '/%2e%2E/a', '/a/..;x', '/a%2Fb', '/a%5cb'].map((path) => [
        `the path ${path}`,
        [
          backendUrl(`http://b:1${path}`),
          `backend.url: must have no empty segment, dots or encoded slash in its path, got "http://b:1${path}"; write the path in full`,
        ],
      ]),
    ),
    'a path with a character that is none of a path': [
      backendUrl('http://b:1/a{b}%zz'),
      'backend.url: has a path that is none (RFC 3986 §3.3), got "http://b:1/a{b}%zz"; write "http://b:1/a%7Bb%7D%zz"',
    ],
    'another scheme': [
      backendUrl('ws://b:1'),
      'backend.url: expected a URL such as "http://localhost:9090", got "ws://b:1"',
    ],
    'a port that is none': [
      backendUrl('http://b:99999'),
      'backend.url: expected a URL such as "http://localhost:9090", got "http://b:99999"',
    ],
  });
});

describe('backend.headers', () => {
  it('takes what RFC 9110 §5.5 takes in ASCII', () => {
    assert.deepEqual(accept(header('"X-A!#$": "a b\\tc~"')).config.servers[0].backend.headers, { 'X-A!#$': 'a b\tc~' });
  });
  it('takes no keys at all', () => assert.deepEqual(accept(header('')).config.servers[0].backend.headers, {}));

  const reserved = [
    'Host',
    'host',
    'Content-Length',
    'Transfer_Encoding',
    'Connection',
    'TE',
    'Trailer',
    'Upgrade',
    'Keep-Alive',
  ];
  for (const name of [
    ...reserved,
    'X-Obex-User',
    'x_obex_user',
    'X.Obex-User',
    'X-Forwarded-For',
    'X_Forwarded_Host',
  ]) {
    it(`refuses ${name}`, () => assert.ok(refusal(header(`${name}: x`)).includes(': cannot be set: ')));
  }
  const hidden = '(the value is not shown)';
  itRefuses({
    'a name with a space': [
      header('"A B": x'),
      'backend.headers["A…"]: is not a legal header name: use letters, digits and "-"',
    ],
    'CR LF in a value': [
      header('A: "x\\r\\nB: y"'),
      `backend.headers.A: must be one line without control characters ${hidden}`,
    ],
    'NUL in a value': [header('A: "x\\0"'), `backend.headers.A: must be one line without control characters ${hidden}`],
    'another control character': [header('A: "x\\x01y"'), `backend.headers.A: must be plain ASCII ${hidden}`],
    'a letter beyond ASCII': [header('A: "é"'), `backend.headers.A: must be plain ASCII ${hidden}`],
    'a value with a space at its end, as an empty secret leaves it': [
      header('Authorization: "Bearer ${NONE:-}"'),
      `backend.headers.Authorization: must not begin or end with a space; is a variable in it empty? ${hidden}`,
    ],
    'an empty value': [header('A: ""'), 'backend.headers.A: is empty; give it a value, or delete it'],
    'a number': [header('A: 5'), 'backend.headers.A: expected a text; put the value in quotes'],
    'one header in two spellings': [
      header('X-A: "1"\n    x-a: "2"'),
      'backend.headers.x-a: is the same header as X-A; delete one',
    ],
  });
});

describe('resource.url', () => {
  it('on another origin than public_url is a warning', () => {
    const { warnings } = accept(resourceUrl('https://tool.example:8443/mcp'));
    assert.deepEqual(
      warnings.filter((warning) => warning.startsWith('resource.url')),
      [
        'resource.url has another scheme, host or port than obex.public_url: clients that reach Obex under public_url refuse ' +
          'metadata of another resource (RFC 9728 §3.3)',
      ],
    );
  });
  for (const [written, asked] of [
    ['https://tool.example', 'https://tool.example/'],
    ['https://TOOL.example/mcp', 'https://tool.example/mcp'],
    ['https://tool.example:443/mcp', 'https://tool.example/mcp'],
    ['https://tool.example/x/../mcp', 'https://tool.example/mcp'],
  ] as const) {
    it(`${written}: warns that clients will ask for ${asked}`, () =>
      assert.deepEqual(
        accept(resourceUrl(written)).warnings.filter((warning) => warning.startsWith('resource.url')),
        [
          `resource.url "${written}" is "${asked}" to the URL libraries of most clients: they ask the IdP for that, and compare ` +
            'the metadata with it. Write it so and give users the same text',
        ],
      ));
  }
  it('in a spelling of its own: warns that configured audiences need the other one', () => {
    const { warnings } = accept(`${resourceUrl('https://tool.example')}  audiences: ["https://tool.example"]\n`);
    assert.match(warnings.join('\n'), /Write it so, in resource\.audiences too, and give/);
  });
  it('in the spelling of URL libraries is no warning, and a query is not shown', () => {
    for (const url of ['https://tool.example/', 'https://tool.example/mcp', 'https://tool.example/mcp?key=hunter2']) {
      const { warnings } = accept(resourceUrl(url));
      assert.doesNotMatch(warnings.join('\n'), /URL libraries|hunter2/);
    }
  });
  it('is kept as written', () => {
    const url = 'HTTPS://Tool.Example:443/a/../mcp';
    assert.equal(accept(resourceUrl(url)).config.servers[0].resource.url, url);
  });
  itRefuses({
    'a fragment': [
      resourceUrl('https://tool.example/mcp#'),
      'resource.url: must not have a fragment, got "https://tool.example/mcp#"; delete all from the "#" on',
    ],
    'a text for a list': [
      `${minimal()}  scopes_supported: mcp:read\n`,
      'resource.scopes_supported: expected a list such as [mcp:read], got "mcp:read"',
    ],
    'an audience twice': [
      `${minimal()}  audiences: [a, b, a]\n`,
      'resource.audiences[2]: stands twice in the list (also as item 1); delete one',
    ],
  });
});

describe('resource.scopes_supported', () => {
  it('are the required scopes where none are given', () => {
    const { config, warnings } = accept(minimalIdp('authz: { required_scopes: [b, a] }\n'));
    assert.deepEqual(config.servers[0].resource.scopes_supported, ['b', 'a']);
    assert.doesNotMatch(warnings.join('\n'), /required_scopes/);
  });
});

describe('idp', () => {
  const insecure = 'must begin with https://, for whoever sits on the network could forge tokens';
  const cure = 'http is for loopback, or for development with idp.dangerously_allow_http: true';
  for (const url of ['https://a', 'http://localhost:1/x', 'http://127.0.0.1']) {
    it(`keeps issuer ${url} as written`, () => assert.equal(accept(issuer(url)).config.idp?.issuer, url));
  }
  describe('RFC 7519 §2: with jwks_uri, issuer is any text that tokens have in iss', () => {
    const withKeys = (text: string, jwksUri = 'https://keys.example/jwks'): string =>
      minimalIdp(`  jwks_uri: ${JSON.stringify(jwksUri)}\n`).replace('"https://auth.example/"', JSON.stringify(text));
    const unlisted = (text: string): string =>
      `idp.issuer ${JSON.stringify(text)} is no https URL without query and fragment: the metadata cannot name it, so clients ` +
      'must know by themselves where to log in';
    const ofIssuer = (warnings: readonly string[]): string[] =>
      warnings.filter((warning) => warning.includes('.issuer '));
    for (const text of [
      'accounts.google.com',
      'joe',
      'urn:example:issuer',
      'Das Haus, Größe 1',
      'https://a.example?tenant=1',
      'http://adfs.example/adfs/services/trust',
    ]) {
      it(`takes ${text} as written, and warns that nobody can be sent there`, () => {
        const { config, warnings } = accept(withKeys(text));
        assert.equal(config.idp?.issuer, text);
        assert.deepEqual(ofIssuer(warnings), [unlisted(text)]);
      });
    }
    for (const text of ['https://a.example', 'http://localhost:1/x']) {
      it(`warns of nothing with ${text}`, () => assert.deepEqual(ofIssuer(accept(withKeys(text)).warnings), []));
    }
    const needsUrl = 'expected a URL such as "https://auth.your-company.com/"';
    itRefuses({
      'a text without jwks_uri: where would the keys be?': [
        withKeys('accounts.google.com', ''),
        `idp.issuer: ${needsUrl}, got "accounts.google.com"; with jwks_uri it may be any text that tokens have in \`iss\``,
      ],
      'a text without jwks_uri, of a further issuer': [
        minimalIdp('  additional_issuers: [{ issuer: joe }]\n'),
        `idp.additional_issuers[0].issuer: ${needsUrl}, got "joe"; with jwks_uri it may be any text that tokens have in \`iss\``,
      ],
      'a text beside a jwks_uri that is wrong, once': [
        withKeys('joe', 'x'),
        'idp.jwks_uri: expected a URL such as "https://auth.your-company.com/.well-known/jwks.json", got "x"',
      ],
      'a control character': [
        withKeys('a\nb'),
        'idp.issuer: must have no control characters, got "a\\nb"; copy `iss` from one of its tokens',
      ],
      'a password': [
        withKeys('https://me:hunter2@a.example'),
        'idp.issuer: must not hold a user name or password; delete all up to the "@"',
      ],
      'a number': [withKeys('joe').replace('"joe"', '7'), `idp.issuer: ${needsUrl}, got 7`],
    });
  });
  const tenant = 'stands for many tenants, so that tokens of none would fit';
  itRefuses({
    'a pattern for tenants': [
      issuer('https://login.microsoftonline.com/{tenantid}/v2.0'),
      `idp.issuer: "{" ${tenant}, got "https://login.microsoftonline.com/{tenantid}/v2.0"; write the issuer of your own tenant, ` +
        'which is `iss` in its tokens',
    ],
    'a pattern for tenants, with jwks_uri': [
      minimalIdp('  jwks_uri: "https://k.example"\n').replace('auth.example', '{tenantid}'),
      `idp.issuer: "{" ${tenant}, got "https://{tenantid}/"; write the issuer of your own tenant, which is \`iss\` in its tokens`,
    ],
    'a pattern in jwks_uri': [
      minimalIdp('  jwks_uri: "https://k.example/{tenantid}/keys"\n'),
      'idp.jwks_uri: "{" stands for something that must be filled in, got "https://k.example/{tenantid}/keys"; write the URL ' +
        'of your own tenant',
    ],
  });
  it('takes http with dangerously_allow_http, and warns', () => {
    const { warnings } = accept(
      minimalIdp('  dangerously_allow_http: true\n  jwks_uri: "http://k/"\n').replace('https://auth', 'http://auth'),
    );
    assert.match(warnings.join('\n'), /^idp\.dangerously_allow_http: /m);
  });
  it('dangerously_accept_id_tokens: warns, is not inherited', () => {
    const { config, warnings } = accept(
      minimalIdp('  dangerously_accept_id_tokens: true\n  additional_issuers: [{ issuer: "https://b.example" }]\n'),
    );
    assert.equal(config.idp?.additional_issuers[0]?.dangerously_accept_id_tokens, false);
    assert.match(warnings.join('\n'), /^idp\.dangerously_accept_id_tokens: /m);
  });
  it('takes an empty jwks_uri for none', () =>
    assert.equal(accept(minimalIdp('  jwks_uri: ""\n')).config.idp?.jwks_uri, undefined));
  it('knows the algorithms that oauth/jwa verifies, no more and no less', () => {
    assert.deepEqual(
      accept(minimalIdp(`  accepted_algorithms: [${JWS_ALGORITHMS.join(', ')}]\n`)).config.idp?.accepted_algorithms,
      JWS_ALGORITHMS,
    );
    const [problem = ''] = reject(minimalIdp('  accepted_algorithms: [x]\n'));
    assert.deepEqual(/one of ([^"]+), got/.exec(problem)?.[1]?.split(', ').toSorted(), JWS_ALGORITHMS.toSorted());
  });

  const oneOf = 'expected one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, Ed25519, EdDSA';
  const first = 'idp.accepted_algorithms[0]';
  itRefuses({
    'an http issuer': [issuer('http://a.example'), `idp.issuer: ${insecure}, got "http://a.example"; ${cure}`],
    'an issuer with a query': [
      issuer('https://a.example?x'),
      'idp.issuer: must have no query and no fragment, got "https://a.example?x"; copy `iss` from one of its tokens',
    ],
    'an http jwks_uri': [
      minimalIdp('  jwks_uri: "http://k.example"\n'),
      `idp.jwks_uri: ${insecure}, got "http://k.example"; ${cure}`,
    ],
    'an http jwks_uri of a further issuer': [
      minimalIdp('  additional_issuers: [{ issuer: "https://b.example", jwks_uri: "http://k.example" }]\n'),
      `idp.additional_issuers[0].jwks_uri: ${insecure}, got "http://k.example"; ${cure}`,
    ],
    'an issuer twice': [
      minimalIdp('  additional_issuers: [{ issuer: "https://auth.example/" }]\n'),
      'idp.additional_issuers[0].issuer: is the same issuer as idp.issuer; delete one of them',
    ],
    'alg none': [
      minimalIdp('  accepted_algorithms: [none]\n'),
      `${first}: ${oneOf}, got "none"; a token without signature proves nothing`,
    ],
    'alg HS256': [
      minimalIdp('  accepted_algorithms: [HS256]\n'),
      `${first}: ${oneOf}, got "HS256"; HS* would need a secret shared with the issuer`,
    ],
    'alg rs256': [
      minimalIdp('  accepted_algorithms: [rs256]\n'),
      `${first}: ${oneOf}, got "rs256"; write RS256, upper and lower case matter`,
    ],
    'no algorithms': [
      minimalIdp('  accepted_algorithms: []\n'),
      'idp.accepted_algorithms: is empty; name at least one, or delete the key for [RS256, ES256]',
    ],
    'a clock skew of an hour': [
      minimalIdp('  clock_skew: 1h\n'),
      'idp.clock_skew: expected a duration from 0s to 10m, got "1h"',
    ],
    'a duration without unit': [
      minimalIdp('  clock_skew: 10\n'),
      'idp.clock_skew: expected a duration such as "10s", "1m30s" or "250ms", got 10; write "10s"',
    ],
    'a value that is missing': [
      minimalIdp('  clock_skew:\n'),
      'idp.clock_skew: has no value; give it one, or delete the key',
    ],
  });
});

describe('authz.required_scopes', () => {
  const scopes = (list: string): string => minimalIdp(`authz: { required_scopes: [${list}] }\n`);
  const legal = 'expected a scope such as mcp:read: printable ASCII without space, quote and backslash';
  itRefuses({
    'two scopes in one text': [
      scopes('"a b"'),
      'authz.required_scopes[0]: expected one scope per list item, got "a b"; write [a, b]',
    ],
    'a quote': [scopes(`'a"b'`), `authz.required_scopes[0]: ${legal}, got "a\\"b"`],
    'a backslash': [scopes(`'a\\b'`), `authz.required_scopes[0]: ${legal}, got "a\\\\b"`],
    'an empty text': [scopes('""'), `authz.required_scopes[0]: ${legal}, got ""`],
  });
});

describe('backend.strip_headers', () => {
  const strip = (name: string): string =>
    minimal().replace('backend:\n', `backend:\n  strip_headers: ["X-Tenant", ${JSON.stringify(name)}]\n`);
  const at = 'backend.strip_headers[1]:';
  it('takes any other field of clients, one that never passes included', () =>
    assert.deepEqual(accept(strip('X-Real-IP')).config.servers[0].backend.strip_headers, ['X-Tenant', 'X-Real-IP']));
  itRefuses({
    'no name': [strip('X Y'), `${at} expected a header name such as "X-Tenant", got "X Y"`],
    'a pattern': [
      strip('X-Tenant-*'),
      `${at} expected a header name such as "X-Tenant", got "X-Tenant-*"; patterns are not taken: write every name in full`,
    ],
    Host: [strip('host'), `${at} cannot be taken away, got "host"; Obex sets Host as backend.host says; delete it`],
    framing: [
      strip('Transfer_Encoding'),
      `${at} cannot be taken away, got "Transfer_Encoding"; Obex frames every request by itself; delete it`,
    ],
    'what MCP needs': [
      strip('Content-Type'),
      `${at} cannot be taken away, got "Content-Type"; the backend needs it to understand the request; delete it`,
    ],
    'what Obex vouches for': [
      strip('X-Obex-User'),
      `${at} cannot be taken away, got "X-Obex-User"; what clients send of it never passes, and Obex's own always does; delete it`,
    ],
    Via: [
      strip('via'),
      `${at} cannot be taken away, got "via"; Obex adds itself to Via, by which loops are found (RFC 9110 §7.6.3); delete it`,
    ],
    'a name twice': [strip('X-Tenant'), `${at} stands twice in the list (also as item 1); delete one`],
  });
});

describe('cors.allowed_origins', () => {
  const origins = (origin: string): string => minimalIdp(`cors: { allowed_origins: ["${origin}"] }\n`);
  const expected = 'cors.allowed_origins[0]: expected an origin such as "https://app.example.com", or "*"';
  const noPatterns = 'patterns are not taken: write every origin in full, or "*" alone for all';
  it('takes "*" from phase 2 on, and warns', () =>
    assert.match(accept(origins('*')).warnings.join('\n'), /^cors\.allowed_origins "\*"/m));
  itRefuses({
    '"*" in phase 1': [
      minimal('cors: { allowed_origins: ["*"] }\n'),
      'cors.allowed_origins[0]: "*" needs idp: without idp Obex authenticates nobody; add idp with its issuer, or name the origins',
    ],
    null: [origins('null'), `${expected}, got "null"; any sandboxed page sends "null", so it is never allowed`],
    'a trailing slash': [
      origins('https://a.example/'),
      `${expected}, got "https://a.example/"; write "https://a.example", as browsers do`,
    ],
    'a default port': [
      origins('https://a.example:443'),
      `${expected}, got "https://a.example:443"; write "https://a.example", as browsers do`,
    ],
    'upper case': [
      origins('HTTPS://A.example'),
      `${expected}, got "HTTPS://A.example"; write "https://a.example", as browsers do`,
    ],
    'a pattern': [origins('*.example'), `${expected}, got "*.example"; ${noPatterns}`],
    'a pattern for subdomains': [
      origins('https://*.example.com'),
      `${expected}, got "https://*.example.com"; ${noPatterns}`,
    ],
    'a pattern for extensions': [
      origins('chrome-extension://*'),
      `${expected}, got "chrome-extension://*"; ${noPatterns}`,
    ],
    'a path behind another scheme': [
      origins('Tauri://localhost/index.html'),
      `${expected}, got "Tauri://localhost/index.html"; write "tauri://localhost", as browsers do`,
    ],
    'a scheme alone': [origins('chrome-extension:'), `${expected}, got "chrome-extension:"`],
    'a host alone': [origins('localhost:3000'), `${expected}, got "localhost:3000"`],
    file: [
      origins('file:///home'),
      `${expected}, got "file:///home"; pages from files send "null", which is never allowed`,
    ],
  });
  for (const origin of [
    'http://localhost:3000',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    'moz-extension://6b1a8a6e-7a1c-4a3e-9d55-0a2b3c4d5e6f',
    'safari-web-extension://BAE3D8F0-1C5B-4E0A-9F55-0A2B3C4D5E6F',
    'tauri://localhost',
    'vscode-webview://1abc',
    'capacitor://localhost',
    'app+x.y-z://host:1',
  ]) {
    it(`takes ${origin}`, () => assert.deepEqual(accept(origins(origin)).config.cors.allowed_origins, [origin]));
  }
});

describe('cors.allowed_headers and cors.exposed_headers', () => {
  for (const key of ['allowed_headers', 'exposed_headers'] as const) {
    const headers = (name: string): string => minimal(`cors: { ${key}: ["X-One", "${name}"] }\n`);
    const wanted = `cors.${key}[1]: expected a header name such as "X-Tenant"`;
    it(`${key}: takes names`, () => assert.deepEqual(accept(headers('x_2')).config.cors[key], ['X-One', 'x_2']));
    itRefuses({
      [`${key}: two names in one text`]: [headers('X-A, X-B'), `${wanted}, got "X-A, X-B"`],
      [`${key}: "*", which never covers Authorization`]: [
        headers('*'),
        `${wanted}, got "*"; patterns are not taken: write every name in full`,
      ],
      [`${key}: an empty text`]: [headers(''), `${wanted}, got ""`],
    });
  }
});

describe('limits.max_requests_per_principal, limits.max_streams_per_principal', () => {
  const both = ({ max_requests_per_principal: requests, max_streams_per_principal: streams }: Config['limits']) => [
    requests,
    streams,
  ];

  it('are a quarter of backend.max_requests, at least 8, and never more than all', () => {
    assert.deepEqual(both(accept(minimalIdp()).config.limits), [2_500, 2_500]);
    for (const [all, share] of [
      [1, 1],
      [7, 7],
      [31, 8],
      [47, 11],
    ]) {
      const { config } = accept(minimalIdp(), { env: { OBEX_BACKEND_MAX_REQUESTS: String(all) } });
      assert.deepEqual(both(config.limits), [share, share], `of ${all}`);
    }
  });

  it('are what is written, each for itself; more than backend.max_requests is warned of', () => {
    const { config, warnings } = accept(minimalIdp('limits: { max_streams_per_principal: 20000 }\n'));
    assert.deepEqual(both(config.limits), [2_500, 20_000]);
    assert.deepEqual(
      warnings.filter((warning) => warning.startsWith('limits.')),
      [
        'limits.max_streams_per_principal is more than backend.max_requests, which is reached before: one principal may then ' +
          'take the place of all others. Make it less',
      ],
    );
  });

  itRefuses({
    'zero requests': [
      minimalIdp('limits: { max_requests_per_principal: 0 }\n'),
      'limits.max_requests_per_principal: expected a whole number from 1 to 1000000, got 0',
    ],
    'phase 1, which knows no principals': [
      minimal('limits: { max_streams_per_principal: 5 }\n'),
      'limits.max_streams_per_principal: needs idp: without idp Obex authenticates nobody; add idp with its issuer, or ' +
        'delete limits.max_streams_per_principal',
    ],
  });
});

describe('numbers and sizes', () => {
  const limits = (line: string): string => minimal(`limits: { ${line} }\n`);
  itRefuses({
    'zero requests': [
      limits('max_connections: 0'),
      'limits.max_connections: expected a whole number from 1 to 1000000, got 0',
    ],
    'a fraction': [
      limits('max_connections: 1.5'),
      'limits.max_connections: expected a whole number from 1 to 1000000, got 1.5',
    ],
    'not a number': [
      limits('max_connections: .nan'),
      'limits.max_connections: expected a whole number from 1 to 1000000, got NaN',
    ],
    'a size without unit': [
      limits('max_request_body: 4'),
      'limits.max_request_body: expected a size with a unit, such as "4MB" (10^6) or "4MiB" (2^20), got 4',
    ],
    'a timeout of zero': [
      limits('read_timeout: 0s'),
      'limits.read_timeout: expected a duration from 1ms to 24d, got "0s"',
    ],
    'an empty rate limit': [limits('rate_limit: null'), 'limits.rate_limit: is empty; give it its keys, or delete it'],
    yes: [obex('tls: { enabled: yes }'), 'obex.tls.enabled: expected true or false, got "yes"; write true'],
    no: [obex('tls: { enabled: No }'), 'obex.tls.enabled: expected true or false, got "No"; write false'],
    'a word in capitals': [
      minimal('log: { level: DEBUG }\n'),
      'log.level: expected one of "trace", "debug", "info", "warn", "error", "fatal", got "DEBUG"; write debug',
    ],
    'a longer word': [
      minimal('log: { level: warning }\n'),
      'log.level: expected one of "trace", "debug", "info", "warn", "error", "fatal", got "warning"; write warn',
    ],
  });
  it('takes zero where it means off', () => {
    assert.deepEqual(accept(minimal('token_cache: { max_entries: 0, max_bytes: 0 }\n')).config.token_cache, {
      max_entries: 0,
      max_bytes: 0,
    });
  });
  it('takes min_version without quotes', () =>
    assert.equal(accept(obex('tls: { min_version: 1.3 }')).config.obex.tls.min_version, '1.3'));
  it('takes a section without keys for its defaults', () => {
    assert.deepEqual(accept(minimal('limits:\nlog:\n')).config.limits, accept(minimal()).config.limits);
  });
});

describe('the cure of a duration or size', () => {
  const duration = (value: string): string =>
    refusal(minimal().replace('backend:\n', `backend:\n  timeout: ${value}\n`));
  const size = (value: string): string => refusal(minimal(`limits: { max_request_body: ${value} }\n`));
  const durations: Readonly<Record<string, string | undefined>> = {
    '30000': '30s',
    '1500': '1s500ms',
    '30': '30s',
    '"30"': '30s',
    '30 s': '30s',
    '30sec': '30s',
    '2 Minutes': '2m',
    '1.5h': '1h30m',
    '1500msec': '1s500ms',
    '0.0001s': undefined,
    '30 fortnights': undefined,
    '9999h': undefined,
    '-3': undefined,
    ten: undefined,
    '[30]': undefined,
  };
  for (const [given, meant] of Object.entries(durations)) {
    it(`${given} → ${meant}`, () => assert.equal(/; write "(.*)"$/.exec(duration(given))?.[1], meant));
  }
  const sizes: Readonly<Record<string, string | undefined>> = {
    '4194304': '4MiB',
    '"4000000"': '4MB',
    '4M': '4MB',
    '4m': '4MB',
    '4 MB': '4MB',
    '4mib': '4MiB',
    '4Mi': '4MiB',
    '4': undefined,
    '4.5MB': undefined,
    '9999999GB': undefined,
  };
  for (const [given, meant] of Object.entries(sizes)) {
    it(`${given} → ${meant}`, () => assert.equal(/; write "(.*)"$/.exec(size(given))?.[1], meant));
  }
});

describe('one value where a map belongs', () => {
  const issuerMap = '{ issuer: "https://b.example" }';
  itRefuses({
    'tls: true': [obex('tls: true'), 'obex.tls: expected a map of keys, got true; write { enabled: true }'],
    'rate_limit: 100': [
      minimal('limits: { rate_limit: 100 }\n'),
      'limits.rate_limit: expected a map of keys, got 100; write { requests_per_second: 100, burst: 200 }',
    ],
    'an issuer': [
      minimalIdp('  additional_issuers: ["https://b.example"]\n'),
      `idp.additional_issuers[0]: expected a map of keys, got "https://b.example"; write ${issuerMap}`,
    ],
    'an issuer for the list': [
      minimalIdp('  additional_issuers: "https://b.example"\n'),
      `idp.additional_issuers: expected a list of maps, got "https://b.example"; write [${issuerMap}]`,
    ],
    'a text that may be a password': [
      minimal().replace('backend:\n  url: "http://localhost:9090"', 'backend: "http://u:p@host"'),
      'backend: expected a map of keys, got a text with an "@" (not shown, it could hold a password); ' +
        'write { url: "http://localhost:9090" }',
    ],
    'a list': [minimal('log: [debug]\n'), 'log: expected a map of keys, got a list; write { level: "info" }'],
  });
});

describe('backend.url that is Obex itself', () => {
  const circle = (listen: string, url: string): string =>
    obex(`listen: "${listen}"`).replace('http://localhost:9090', url);
  for (const [listen, url] of [
    [':8443', 'http://localhost:8443'],
    ['0.0.0.0:9090', 'http://127.0.0.1:9090'],
    ['[::]:9090', 'http://[::1]:9090'],
    ['127.0.0.1:80', 'http://localhost'],
    ['127.0.0.1:443', 'https://localhost'],
  ] as const) {
    it(`is refused: ${listen}, ${url}`, () =>
      assert.equal(
        refusal(circle(listen, url)),
        `backend.url: is the address of obex.listen: Obex would send every request to itself, got "${url}"; let one of them have ` +
          'another port',
      ));
  }
  for (const [listen, url] of [
    [':8443', 'http://localhost:8444'],
    [':8443', 'http://backend:8443'],
    ['192.0.2.1:8443', 'http://localhost:8443'],
    ['unix:/run/obex.sock', 'http://localhost'],
  ] as const) {
    it(`is not meant by ${listen}, ${url}`, () => void accept(circle(listen, url)));
  }
});

describe('warnings', () => {
  const warned = (text: string, pattern: RegExp): void => assert.match(accept(text).warnings.join('\n'), pattern);

  it('of audiences that may be client ids, which ID tokens name too', () => {
    const ids = [
      '00001111-aaaa-2222-bbbb-3333cccc4444',
      '1234-abc.apps.googleusercontent.com',
      'Zx8kQpVn2tY7mLrD4sWc',
      'example-app',
    ];
    const clientIds = (warnings: readonly string[]): string[] =>
      warnings.filter((warning) => warning.includes('client id'));
    for (const id of ids) {
      const { warnings } = accept(
        minimal(`  audiences: ["${id}", "urn:x"]\nidp: { issuer: "https://auth.example/" }\n`),
      );
      assert.deepEqual(clientIds(warnings), [
        `resource.audiences: ${id} may be a client id: ID tokens of that client name it too, and those without ` +
          'nonce, at_hash and c_hash pass as access tokens. Better let the IdP put resource.url into aud',
      ]);
    }
    for (const name of ['https://x.example/mcp', 'api://tool', 'urn:tool', 'x.example/mcp', 'tool.example.com']) {
      const { warnings } = accept(minimal(`  audiences: ["${name}"]\nidp: { issuer: "https://auth.example/" }\n`));
      assert.deepEqual(clientIds(warnings), [], name);
    }
    const further = '  additional_issuers: [{ issuer: "https://b.example", audiences: [app] }]\n';
    assert.match(
      clientIds(accept(minimalIdp(further)).warnings).join('\n'),
      /^idp\.additional_issuers\[0\]\.audiences: app may/,
    );
  });
  it('name plain http beyond loopback', () => warned(minimalIdp(), /^obex\.listen: plain http/m));
  it('name proxies that anyone could be', () =>
    warned(obex('trusted_proxies: ["0.0.0.0/0"]'), /^obex\.trusted_proxies trusts every/m));
  it('name a query in resource.url', () =>
    warned(resourceUrl('https://tool.example/mcp?a'), /^resource\.url has a query/m));
  it('name secrets that leave the machine in clear', () => {
    warned(
      header('A: x').replace('http://localhost', 'http://b.example'),
      /^backend\.headers go to backend\.url over plain http/m,
    );
  });
  it('are none for a config that leaves nothing to say', () => {
    assert.deepEqual(accept(minimalIdp().replace('obex:\n', 'obex:\n  tls: { enabled: true }\n')).warnings, []);
    const socket = minimalIdp().replace('obex:\n', 'obex:\n  listen: "unix:/run/obex.sock"\n');
    assert.deepEqual(accept(socket).warnings, []);
  });
  it('name https that a loopback listener leaves to somebody else', () => {
    const { warnings } = accept(minimalIdp().replace('obex:\n', 'obex:\n  listen: "127.0.0.1:8443"\n'));
    assert.deepEqual(warnings, [
      'obex.public_url begins with https:// while obex.listen is plain http on this machine: right behind a TLS terminator that ' +
        'runs here too; without one nobody can connect. Set obex.tls.enabled if there is none',
    ]);
  });
  it('name required scopes that clients will not ask for', () => {
    const text = (scopes: string): string =>
      minimalIdp('authz: { required_scopes: [a, b, c] }\n').replace(
        'resource:\n',
        `resource:\n  scopes_supported: ${scopes}\n`,
      );
    warned(text('[b, d]'), /^authz\.required_scopes: a c is not in resource\.scopes_supported: .* Add it there$/m);
    for (const fine of ['[]', '[c, b, a]']) assert.ok(!accept(text(fine)).warnings.join().includes('required_scopes'));
  });
});
