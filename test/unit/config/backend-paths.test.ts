/** A path in `backend.url`, and `backend.host`: what the configuration takes, and what `obex check` says of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describePaths } from '../../../src/commands/describe-paths.ts';
import { formatEffectiveConfig } from '../../../src/config/mask.ts';
import { packConfig, unpackConfig } from '../../../src/config/portable.ts';
import { accept, minimal, reject } from './loading.ts';

function mapped(resourcePath: string, backendPath: string): string {
  return minimal()
    .replace('http://localhost:9090', `http://localhost:9090${backendPath}`)
    .replace('https://tool.example/mcp', `https://tool.example${resourcePath}`);
}

function withHost(host: string): string {
  return minimal().replace('backend:\n', `backend:\n  host: ${host}\n`);
}

describe('a path in backend.url', () => {
  it('is in the effective config, and in what threads are given; without one nothing changes', () => {
    const { config } = accept(mapped('/crm/sse', '/sse/'));
    assert.match(formatEffectiveConfig(config), /^  url: http:\/\/localhost:9090\/sse\/$/m);
    assert.equal(unpackConfig(packConfig(config)).servers[0].backend.url.href, 'http://localhost:9090/sse/');
    assert.match(formatEffectiveConfig(accept(mapped('/mcp', '/')).config), /^  url: http:\/\/localhost:9090$/m);
  });

  it('wants a resource.url that can be reached', () => {
    const place = 'obex.yaml:6: resource.url:';
    const refused = `${place} has an empty segment, dots or an encoded slash in its path: with a path in backend.url such requests are refused; write another path, or leave that of backend.url out`;
    for (const path of ['/a//b', '/a%2fb', '/a/..;b']) {
      assert.deepEqual(reject(mapped(path, '/mcp')), [refused], path);
      accept(mapped(path, ''));
    }
    assert.deepEqual(reject(mapped('/ready', '/mcp')), [
      `${place} has the path /ready, which Obex answers itself, so that nothing reaches the server; choose another`,
    ]);
  });

  const described: readonly (readonly [resource: string, backend: string, lines: readonly string[]])[] = [
    ['/mcp', '', []],
    ['/mcp', '/', []],
    [
      '/mcp',
      '/mcp/',
      [
        'paths: /mcp → /mcp/ at http://localhost:9090, for tool.example',
        'mount: / ↔ /; no other paths than those of /mcp are served',
      ],
    ],
    [
      '/crm/sse',
      '/sse',
      [
        'paths: /crm/sse → /sse at http://localhost:9090, for tool.example',
        'mount: /crm ↔ /; paths below it belong to the server too, for the endpoint event of MCP 2024-11-05',
      ],
    ],
    [
      '/sse',
      '/crm/sse',
      [
        'paths: /sse → /crm/sse at http://localhost:9090, for tool.example',
        'mount: / ↔ /crm; no other paths than those of /sse are served',
      ],
    ],
  ];
  for (const [resource, backend, lines] of described)
    it(`obex check: ${resource} ↔ ${backend || 'no path'}`, () =>
      assert.deepEqual(describePaths(accept(mapped(resource, backend)).config), lines));
});

describe('backend.host', () => {
  for (const host of ['""', 'public', 'localhost:9090', '"[::1]:3000"', 'mcp_server', '10.0.0.1', 'MCP.internal'])
    it(`takes ${host}`, () =>
      assert.equal(accept(withHost(host)).config.servers[0].backend.host, host.replaceAll('"', '')));

  const wanted = 'backend.host: expected "public", or a host with or without port, such as "localhost:9090"';
  const refused: Readonly<Record<string, string>> = {
    Public: `${wanted}, got "Public"; write "public"`,
    '"http://mcp/x"': `${wanted}, got "http://mcp/x"; delete the scheme, and what follows the host`,
    'mcp/x': `${wanted}, got "mcp/x"`,
    '"mcp:port"': `${wanted}, got "mcp:port"`,
    '"mcp:99999"': `${wanted}, got "mcp:99999"`,
    '"u@mcp"': `${wanted}, got a text with an "@" (not shown, it could hold a password)`,
    '"a b"': `${wanted}, got "a b"`,
    '"a\\r\\nX: y"': `${wanted}, got "a\\r\\nX: y"`,
    '"a,b"': `${wanted}, got "a,b"`,
    '"::1"': `${wanted}, got "::1"`,
    '80': `${wanted}, got 80`,
  };
  for (const [host, problem] of Object.entries(refused))
    it(`refuses ${host}`, () => assert.deepEqual(reject(withHost(host)), [`obex.yaml:4: ${problem}`]));
});
