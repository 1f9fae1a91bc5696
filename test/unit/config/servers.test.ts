/** `servers`: each as if it were the only one, and what several may not have together. RFC 8707 §2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatEffectiveConfig } from '../../../src/config/mask.ts';
import { packConfig, unpackConfig } from '../../../src/config/portable.ts';
import { accept, reject } from './loading.ts';

/** The first of `servers` is on line 4. */
function several(servers: string, more = 'idp: { issuer: "https://auth.example/" }\n'): string {
  return `obex:
  public_url: "https://tool.example"
servers:
${servers.replace(/^(?=.)/gm, '  ')}${more}`;
}

const TWO = 'crm: { backend: { url: "http://crm:1" } }\nfiles: { backend: { url: "http://files:2/mcp" } }\n';

const ONE_BACKEND =
  'obex.yaml:5: servers.b.backend.url: and that of servers.a lead to one backend, where the paths of one hold those of the other: who may call the one could call the other. Give each a backend of its own, or paths of which none holds the other';

/** Two servers, and what is wrong with their backends. */
function backends(one: string, other: string): [string, string] {
  return [several(`a: { backend: { url: "${one}" } }\nb: { backend: { url: "${other}" } }\n`), ONE_BACKEND];
}

describe('servers', () => {
  it('have what is written of each, and defaults of their own', () => {
    const { config, phase } = accept(several(TWO));
    assert.equal(phase, 2);
    assert.deepEqual(
      config.servers.map(({ name, backend, resource }) => [name, backend.url.href, resource.url]),
      [
        ['crm', 'http://crm:1/', 'https://tool.example/crm/mcp'],
        ['files', 'http://files:2/mcp', 'https://tool.example/files/mcp'],
      ],
    );
  });

  it('have authz and limits key by key over what they share', () => {
    const own =
      'authz: { required_scopes: [b] }, limits: { max_request_body: 2kB, rate_limit: { requests_per_second: 2, burst: 2 } }';
    const shared =
      'authz: { required_scopes: [a], challenge_scopes: [c] }\nlimits: { max_request_body: 1kB, read_timeout: 3s }\n';
    const { config } = accept(
      several(
        `crm: { backend: { url: "http://crm:1" }, ${own} }\nfiles: { backend: { url: "http://files:2" } }\n`,
        `idp: { issuer: "https://auth.example/" }\n${shared}`,
      ),
    );
    const [crm, files] = config.servers;
    assert.deepEqual([crm.authz.required_scopes, crm.authz.challenge_scopes], [['b'], ['c']]);
    assert.deepEqual([crm.limits.max_request_body, crm.limits.rate_limit?.burst], [2000, 2]);
    assert.deepEqual([files?.authz.required_scopes, files?.limits.max_request_body], [['a'], 1000]);
    assert.deepEqual([config.limits.rate_limit, config.limits.read_timeout], [undefined, 3000]);
  });

  it('are in the effective config, which says the same again, and in what threads are given', () => {
    const program = 'files: { backend: { command: npx, args: [a], env: { KEY: secret } } }\n';
    const { config } = accept(several(`${TWO.split('\n')[0]}\n${program}`));
    const shown = formatEffectiveConfig(config);
    assert.doesNotMatch(shown, /secret/);
    assert.equal(formatEffectiveConfig(accept(shown).config), shown);
    assert.deepEqual(unpackConfig(packConfig(config)), config);
    assert.equal(config.servers[1]?.backend.url.href, 'http://programs/files');
  });

  it('take secrets from files, and variables in lists', () => {
    const text = several(
      'crm:\n  backend: { url: "http://crm:1", headers: { X-Key_file: /s/key } }\n  resource: { audiences: "${A}" }\n',
    );
    const { config } = accept(text, { files: { '/s/key': 'k\n' }, env: { A: 'api://a,api://b' } });
    assert.deepEqual(config.servers[0].backend.headers, { 'X-Key': 'k' });
    assert.deepEqual(config.servers[0].resource.audiences, ['api://a', 'api://b']);
  });

  it('may stand below obex', () => {
    const { config } = accept(
      'obex:\n  public_url: "https://tool.example"\n  servers: { a: { backend: { url: "http://a:1" } } }\n',
    );
    assert.equal(config.servers[0].name, 'a');
  });

  it('say in warnings which of them is meant, and once what is about all', () => {
    const { warnings } = accept(several('crm: { backend: { url: "http://crm.example:1", headers: { A: b } } }\n', ''));
    assert.equal(
      warnings.filter((text) => text.startsWith('servers.crm: backend.headers go to backend.url')).length,
      1,
    );
    assert.equal(warnings.filter((text) => text.startsWith('PHASE 1')).length, 1);
  });
});

describe('servers are refused', () => {
  const url = (name: string, more: string): string => `${name}: { backend: { url: "http://${name}:1" }, ${more} }\n`;
  const share = 'idp: { issuer: "https://auth.example/", dangerously_share_audiences: true }\n';
  const cases: Readonly<Record<string, readonly [text: string, ...problems: string[]]>> = {
    'that are none': [several('', ''), 'obex.yaml:3: servers: expected a map of servers by name, got nothing'],
    'as a list': [
      'obex: { public_url: "https://t.example" }\nservers: [a]\n',
      'obex.yaml:2: servers: expected a map of servers by name, got a list',
    ],
    'by another name': [
      several(url('Crm', '').replace('http://Crm', 'http://crm')),
      'obex.yaml:4: servers.Crm: is no name of a server: lower-case letters, digits and "-", at most 63, a letter first',
    ],
    'beside backend and resource': [
      several(TWO, 'backend: { url: "http://b:1" }\nresource: { url: "https://tool.example/mcp" }\n'),
      'obex.yaml:6: backend: stands beside servers, of which each has its own; move it to servers.NAME.backend',
      'obex.yaml:7: resource: stands beside servers, of which each has its own; move it to servers.NAME.resource',
    ],
    'with what is for all': [
      several(url('crm', 'cors: {}, authzz: {}, limits: { read_timeout: 1s }')),
      'obex.yaml:4: servers.crm.cors: is for all servers; write it at the top level',
      'obex.yaml:4: servers.crm.authzz: unknown key; did you mean authz?',
      'obex.yaml:4: servers.crm.limits.read_timeout: is for all servers; write it in limits at the top level',
    ],
    'each with its own mistakes': [
      several('crm: { backend: { url: 1 } }\nfiles: { backend: { urll: "http://b" } }\n'),
      'obex.yaml:4: servers.crm.backend.url: expected a URL such as "http://localhost:9090", got 1',
      'obex.yaml:5: servers.files.backend.urll: unknown key; did you mean url?',
    ],
    'with a mistake in what they share, once': [
      several(TWO, 'idp: { issuer: "https://auth.example/", clock_skew: ten }\n'),
      'obex.yaml:6: idp.clock_skew: expected a duration such as "10s", "1m30s" or "250ms", got "ten"',
    ],
    'at one place': [
      several(
        `${url('a', 'resource: { url: "https://tool.example/x" }')}${url('b', 'resource: { url: "https://tool.example/x/" }')}`,
      ),
      'obex.yaml:5: servers.b.resource.url: is the place of servers.a too; choose another path',
    ],
    'that have one mount': [
      several(
        'a: { backend: { url: "http://a:1/sse" }, resource: { url: "https://tool.example/x/sse" } }\n' +
          'b: { backend: { url: "http://b:1/events" }, resource: { url: "https://tool.example/x/events" } }\n',
      ),
      'obex.yaml:5: servers.b.resource.url: is below /x, as servers.a is, so that nobody could tell whose messages of MCP 2024-11-05 come there; choose another path',
    ],
    'where Obex answers': [
      several(url('a', 'resource: { url: "https://tool.example/health" }')),
      'obex.yaml:4: servers.a.resource.url: lies at /health, where Obex itself answers; choose another path',
    ],
    'with a path that can be read in two ways': [
      several(url('a', 'resource: { url: "https://tool.example/a//b" }')),
      'obex.yaml:4: servers.a.resource.url: has an empty segment, dots or an encoded slash in its path: with servers such requests are refused; write another path',
    ],
    'that take the tokens of each other': [
      several(
        `${url('a', 'resource: { audiences: ["api://x", "api://a"] }')}${url('b', 'resource: { audiences: ["api://x"] }')}`,
      ),
      'obex.yaml:5: servers.b: accepts tokens for "api://x", and so does servers.a: a token for one would be good for the other. Give each audiences of its own (resource.audiences; absent = its resource.url), or set idp.dangerously_share_audiences and have each require a scope that the other does not',
    ],
    'that take the resource.url of each other': [
      several(`${url('a', '')}${url('b', 'resource: { audiences: ["https://TOOL.example/a/mcp"] }')}`),
      'obex.yaml:5: servers.b: accepts tokens for "https://tool.example/a/mcp", and so does servers.a: a token for one would be good for the other. Give each audiences of its own (resource.audiences; absent = its resource.url), or set idp.dangerously_share_audiences and have each require a scope that the other does not',
    ],
    'that share audiences and no scopes tell them apart': [
      several(
        `${url('a', 'resource: { audiences: [x] }, authz: { required_scopes: [r] }')}${url('b', 'resource: { audiences: [x] }, authz: { required_scopes: [r, w] }')}`,
        share,
      ),
      'obex.yaml:4: servers.a.authz.required_scopes: has no scope that servers.b does not require too, which idp.dangerously_share_audiences needs: what tokens for that one grant would do here. Require a scope of its own',
    ],
    'that share audiences, and the scopes of one imply those of the other': [
      several(
        `${url('a', 'resource: { audiences: [x] }, authz: { required_scopes: [admin] }')}${url('b', 'resource: { audiences: [x] }, authz: { required_scopes: [read] }')}`,
        `${share}authz: { scope_implies: { admin: [read] } }\n`,
      ),
      'obex.yaml:5: servers.b.authz.required_scopes: has no scope that servers.a does not require too, which idp.dangerously_share_audiences needs: what tokens for that one grant would do here. Require a scope of its own',
    ],
    'that lead to one backend, one by its mount': backends('http://gw:9/mcp', 'http://gw:9/admin/mcp'),
    'that lead to one backend, one below the other': backends('http://gw:9/x', 'http://gw:9/x/admin'),
    'that lead to one backend, in another spelling': backends('http://gw/x', 'http://GW:80/%58/y'),
    'that lead to one backend of this machine': backends('http://localhost:9/x', 'http://127.0.0.1:9/x'),
    'with a resource below another, of one backend': [
      several(
        'a: { backend: { url: "http://gw:9" }, resource: { url: "https://tool.example/mcp" } }\n' +
          'b: { backend: { url: "http://gw:9" }, resource: { url: "https://tool.example/mcp/admin" } }\n',
      ),
      ONE_BACKEND,
    ],
    'as the shared mistake that each of them hides': [
      several(url('a', 'limits: { max_request_body: 1kB }'), 'limits: { max_request_body: big }\n'),
      'obex.yaml:5: limits.max_request_body: expected a size with a unit, such as "4MB" (10^6) or "4MiB" (2^20), got "big"',
    ],
  };
  for (const [what, [text, ...problems]] of Object.entries(cases)) {
    it(what, () => assert.deepEqual(reject(text), problems));
  }

  it('not for one backend whose paths lie apart', () => {
    const [text] = backends('http://gw:9/a/mcp', 'http://gw:9/b/mcp');
    assert.equal(accept(text).config.servers.length, 2);
  });

  it('with variables that are for one', () => {
    assert.deepEqual(
      reject(several(TWO), { env: { OBEX_BACKEND_URL: 'http://b:1', OBEX_RESOURCE_URL: 'https://t.example' } }),
      [
        'OBEX_BACKEND_URL: is for one server, and obex.yaml names servers; unset it, and write it there',
        'OBEX_RESOURCE_URL: is for one server, and obex.yaml names servers; unset it, and write it there',
      ],
    );
  });

  it('not where each requires a scope of its own', () => {
    const text = `${url('a', 'resource: { audiences: [x] }, authz: { required_scopes: [a] }')}${url('b', 'resource: { audiences: [x] }, authz: { required_scopes: [b] }')}`;
    assert.equal(accept(several(text, share)).config.servers.length, 2);
  });
});
