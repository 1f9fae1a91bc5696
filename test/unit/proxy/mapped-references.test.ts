/** References of a backend whose paths are mapped: what leads to the server becomes public, whatever the spelling; nothing leads to another. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createPathMap } from '../../../src/lib/path-map.ts';
import { createFollowReference } from '../../../src/proxy/mapped-references.ts';

const PUBLIC = 'https://tool.example.com';

interface Mapping {
  readonly paths: readonly [publicPath: string, backendPath: string];
  readonly backendHost?: string;
}

function follower({ paths, backendHost = '10.0.0.5:9090' }: Mapping) {
  const follow = createFollowReference({
    publicUrl: new URL(PUBLIC),
    backendUrl: new URL('http://10.0.0.5:9090/'),
    backendHost,
    paths: createPathMap(...paths),
  });
  return (reference: string, target: string): string => {
    const lead = follow(reference, target);
    return lead.to === 'server' ? lead.reference : lead.to;
  };
}

const SSE: Mapping = { paths: ['/crm/sse', '/sse'] };
const SLASH: Mapping = { paths: ['/mcp', '/mcp/'] };
const ROOT: Mapping = { paths: ['/', '/app'] };

type Case = readonly [target: string, reference: string, expected: string];

const CASES: readonly (readonly [title: string, mapping: Mapping, cases: readonly Case[]])[] = [
  [
    '/crm/sse → /sse',
    SSE,
    [
      ['/crm/sse', '/sse', '/crm/sse'],
      ['/crm/sse', '/messages/?session_id=a%2Fb&c=/../#d', '/crm/messages/?session_id=a%2Fb&c=/../#d'],
      ['/crm/sse', 'http://10.0.0.5:9090/messages?x', `${PUBLIC}/crm/messages?x`],
      ['/crm/sse', 'HTTPS://10.0.0.5:9090/messages', `${PUBLIC}/crm/messages`],
      ['/crm/sse', '//10.0.0.5:9090/messages', `${PUBLIC}/crm/messages`],
      ['/crm/sse', '\\\\10.0.0.5:9090\\messages', `${PUBLIC}/crm/messages`],
      ['/crm/sse', 'http://user:secret@10.0.0.5:9090/messages', `${PUBLIC}/crm/messages`],
      ['/crm/sse', 'http://10.0.0.5:9090', `${PUBLIC}/crm/`],
      ['/crm/sse?x', 'messages?y', '/crm/messages?y'],
      ['/crm/sse/a', '../messages', '/crm/messages'],
      ['/crm/sse', '../../../messages', '/crm/messages'],
      ['/crm/sse', '/a/%2e%2e/messages', '/crm/messages'],
      ['/crm/sse', '/\tmessages', '/crm/messages'],
      ['/crm/sse', '', ''],
      ['/crm/sse', '?a=b', '?a=b'],
      ['/crm/sse', '#c', '#c'],
      ['/crm/sse', '//evil.example/messages', 'elsewhere'],
      ['/crm/sse', '/\\evil.example/messages', 'elsewhere'],
      ['/crm/sse', '/\t/evil.example/messages', 'elsewhere'],
      ['/crm/sse', 'https://evil.example/sse', 'elsewhere'],
      ['/crm/sse', 'http://10.0.0.5:9090@evil.example/sse', 'elsewhere'],
      ['/crm/sse', 'http://10.0.0.5:9091/sse', 'elsewhere'],
      ['/crm/sse', 'http://10.0.0.5/sse', 'elsewhere'],
      ['/crm/sse', 'javascript:alert(1)', 'elsewhere'],
      ['/crm/sse', 'ftp://10.0.0.5:9090/sse', 'elsewhere'],
      ['/crm/sse', 'http://[broken', 'outside'],
      ['/crm/sse', '/a//b', 'outside'],
      ['/crm/sse', '/a%2f..%2fb', 'outside'],
      ['/crm/sse', '/..;/b', 'outside'],
      ['/crm/sse', 'http://10.0.0.5:9090//evil.example', 'outside'],
      // The backend knows its public URL, or takes X-Forwarded-Host for its own authority.
      ['/crm/sse', `${PUBLIC}/crm/sse`, `${PUBLIC}/crm/sse`],
      ['/crm/sse', 'http://tool.example.com/sse', `${PUBLIC}/crm/sse`],
    ],
  ],
  [
    'the Host that the backend is told is the public one: its paths are those of the backend',
    { ...SSE, backendHost: 'tool.example.com' },
    [
      ['/crm/sse', 'http://tool.example.com/sse', `${PUBLIC}/crm/sse`],
      ['/crm/sse', 'http://tool.example.com/crm/sse', `${PUBLIC}/crm/crm/sse`],
    ],
  ],
  [
    '/mcp → /mcp/',
    SLASH,
    [
      ['/mcp', '/mcp/', '/mcp'],
      ['/mcp', 'x', '/mcp/x'],
      ['/mcp/a', 'x', '/mcp/x'],
      ['/mcp', '/', 'outside'],
      ['/mcp', '..', 'outside'],
      ['/mcp', '/other/server', 'outside'],
      ['/mcp', `${PUBLIC}/other/server`, 'outside'],
      ['/mcp', 'http://10.0.0.5:9090/.well-known/oauth-protected-resource', 'outside'],
    ],
  ],
  [
    '/ → /app',
    ROOT,
    [
      ['/', '/app', '/'],
      ['/', '/app/x', '/x'],
      ['/', '/app//evil.example/x', 'outside'],
      ['/', '/app/\\evil.example', 'outside'],
      ['/', '/login', 'outside'],
    ],
  ],
];

describe('createFollowReference', () => {
  for (const [title, mapping, cases] of CASES)
    for (const [target, reference, expected] of cases)
      it(`${title}: ${JSON.stringify(reference)} for ${target} is ${expected}`, () =>
        assert.equal(follower(mapping)(reference, target), expected));

  it('no spelling leads a client to the backend, to another authority or to a path of another server', () => {
    const words =
      'http: HTTPS: / \\ // u@ 10.0.0.5 :9090 tool.example.com backend.invalid : ? # x %2e .. . ; %2f sse app mcp crm';
    const piece = fc.constantFrom('\t', 'evil.example', ...words.split(' '));
    const mapping = fc.constantFrom([SSE, '/crm/sse'] as const, [SLASH, '/mcp'] as const, [ROOT, '/'] as const);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), mapping, (pieces, [{ paths }, target]) => {
        const reference = pieces.join('');
        const translated = follower({ paths })(reference, target);
        if (translated === 'elsewhere') return;
        if (translated === 'outside') return;
        const url = new URL(translated, PUBLIC + target);
        assert.equal(url.origin, PUBLIC, `${reference} → ${translated}`);
        assert.ok(createPathMap(...paths).serves(url.pathname), `${reference} → ${translated}`);
      }),
      { numRuns: 20_000 },
    );
  });
});
