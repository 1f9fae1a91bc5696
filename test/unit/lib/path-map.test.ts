/** P ↔ B: what a public path is at the backend, and back; and the mount that is left of both. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAmbiguousPath } from '../../../src/lib/ambiguous-path.ts';
import { createPathMap } from '../../../src/lib/path-map.ts';

type Pair = readonly [publicPath: string, backendPath: string];

/** By "P → B": pairs that are each other's, and pairs in one direction. */
const CASES: Readonly<
  Record<string, { readonly both: readonly Pair[]; readonly there?: readonly Pair[]; readonly back?: readonly Pair[] }>
> = {
  '/mcp → /mcp': {
    both: [
      ['/mcp', '/mcp'],
      ['/mcp/', '/mcp/'],
      ['/mcp/a/b', '/mcp/a/b'],
    ],
  },
  '/mcp → /mcp/': {
    both: [
      ['/mcp', '/mcp/'],
      ['/mcp/a', '/mcp/a'],
      ['/mcp/a/', '/mcp/a/'],
    ],
    there: [['/mcp/', '/mcp/']],
    back: [['/mcp', '/mcp']],
  },
  '/mcp/ → /mcp': {
    both: [
      ['/mcp/', '/mcp'],
      ['/mcp/a', '/mcp/a'],
    ],
    back: [['/mcp/', '/mcp/']],
  },
  '/mcp → /api/v1/rpc': {
    both: [
      ['/mcp', '/api/v1/rpc'],
      ['/mcp/%41;b=c', '/api/v1/rpc/%41;b=c'],
      ['/mcp/mcp', '/api/v1/rpc/mcp'],
    ],
  },
  '/ → /mcp': {
    both: [
      ['/', '/mcp'],
      ['/a', '/mcp/a'],
    ],
    back: [['/', '/mcp/']],
  },
  '/crm/sse → /sse': {
    both: [
      ['/crm/sse', '/sse'],
      ['/crm/sse/a', '/sse/a'],
      ['/crm/messages/', '/messages/'],
      ['/crm/', '/'],
      ['/crm/crm/sse', '/crm/sse'],
    ],
    there: [['/crm', '/']],
  },
  '/crm/v1/sse → /app/v1/sse': {
    both: [
      ['/crm/v1/sse', '/app/v1/sse'],
      ['/crm/v2', '/app/v2'],
      ['/crm', '/app'],
      ['/crm/', '/app/'],
    ],
  },
};

const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  '/mcp → /mcp/': ['/', '/mcpx', '/messages', '/MCP/', ''],
  '/mcp → /api/mcp': ['/api', '/api/', '/api/other', '/mcp', '/api/mcpx'],
  '/crm/v1/sse → /app/v1/sse': ['/', '/appx', '/messages'],
  '/ → /mcp': ['/mcp//evil.example', '/mcp/..', '/mcp/%2e%2e/x', '/mcp/a%2fb', '/mcp/..;/x', '/mcp/\\evil.example'],
};

function mapOf(text: string) {
  const [publicPath = '', backendPath = ''] = text.split(' → ');
  return createPathMap(publicPath, backendPath);
}

describe('createPathMap', () => {
  for (const [text, { both, there = [], back = [] }] of Object.entries(CASES)) {
    const map = mapOf(text);
    for (const [one, other] of [...both, ...there])
      it(`${text}: ${one} is ${other} at the backend`, () => {
        assert.ok(map.serves(one));
        assert.equal(map.toBackend(one), other);
        assert.equal(map.toBackend(`${one}?a=/../b?c`), `${other}?a=/../b?c`);
      });
    for (const [one, other] of [...both, ...back])
      it(`${text}: ${other} is ${one} to clients`, () => assert.equal(map.toPublic(other), one));
  }

  for (const [text, paths] of Object.entries(OUTSIDE))
    for (const path of paths)
      it(`${text}: clients do not reach ${JSON.stringify(path)}`, () =>
        assert.equal(mapOf(text).toPublic(path), undefined));

  const mounts: readonly (readonly [text: string, publicFolder: string, backendFolder: string, isServed: boolean])[] = [
    ['/crm/sse → /sse', '/crm', '', true],
    ['/crm/sse → /sse/', '/crm', '', true],
    ['/a/crm/v1/sse → /b/v1/sse', '/a/crm', '/b', true],
    ['/sse → /crm/sse', '', '/crm', false],
    ['/mcp → /mcp/', '', '', false],
    ['/mcp → /inner', '/mcp', '/inner', false],
    ['/x/sse → /x/sse', '', '', false],
    ['/crmsse → /sse', '/crmsse', '/sse', false],
    ['/ → /mcp', '', '/mcp', false],
  ];
  for (const [text, publicFolder, backendFolder, isServed] of mounts)
    it(`${text}: the mount is ${publicFolder || '/'} ↔ ${backendFolder || '/'}`, () => {
      const { mount, servesMount } = mapOf(text);
      assert.deepEqual({ ...mount, servesMount }, { publicFolder, backendFolder, servesMount: isServed });
    });
});

describe('isAmbiguousPath', () => {
  for (const path of [
    '/',
    '/a',
    '/a/',
    '/a.b',
    '/...',
    '/..a/b',
    '/.well-known/x',
    '/a%2e',
    '/%2e%2ex',
    '/a;..',
    '/%252e%252e/',
    '/;a/..b',
  ])
    it(`not ${path}`, () => assert.equal(isAmbiguousPath(path), false));
  for (const path of [
    '//',
    '//a',
    '/a//',
    '/.',
    '/..',
    '/a/../b',
    '/%2E',
    '/a/.%2e',
    '/%2e%2E;x',
    '/..;/a',
    '/..%3Ba',
    '/a%2Fb',
    '/a%5cb',
    '/a\\b',
  ])
    it(path, () => assert.equal(isAmbiguousPath(path), true));
});
