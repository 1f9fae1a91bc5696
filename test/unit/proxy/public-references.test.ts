/** References of the backend to itself, however they are spelled, become public ones; all others stay. RFC 3986 §4.2, WHATWG URL. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createPublicReferences } from '../../../src/proxy/public-references.ts';

const PUBLIC = 'https://tool.example.com';

function translator(backend: string, publicUrl = PUBLIC, backendHost = new URL(backend).host) {
  return createPublicReferences({ publicUrl: new URL(publicUrl), backendUrl: new URL(backend), backendHost });
}

type Case = readonly [reference: string, translated: string];

const OWN: Readonly<Record<string, readonly Case[]>> = {
  'http://localhost:9090': [
    ['http://localhost:9090/mcp/', `${PUBLIC}/mcp/`],
    ['https://localhost:9090/mcp/', `${PUBLIC}/mcp/`],
    ['HTTP://LocalHost:9090/x', `${PUBLIC}/x`],
    ['//localhost:9090/x', `${PUBLIC}/x`],
    ['http://localhost:9090', PUBLIC],
    ['http://localhost:9090?a#b', `${PUBLIC}?a#b`],
    ['http://localhost:9090/%2F//a/./../b?c=%zz \xe4#d', `${PUBLIC}/%2F//a/./../b?c=%zz \xe4#d`],
    ['http://127.0.0.1:9090/x', `${PUBLIC}/x`],
    ['http://[::1]:9090/x', `${PUBLIC}/x`],
    ['http://0.0.0.0:9090/x', `${PUBLIC}/x`],
    ['http://user:secret@localhost:9090/x?y', `${PUBLIC}/x?y`],
    ['http:\\\\localhost:9090\\x', `${PUBLIC}/x`],
    ['/\\localhost:9090/x', `${PUBLIC}/x`],
    ['\\\\localhost:9090/x', `${PUBLIC}/x`],
    ['/\t/localhost:9090/x', `${PUBLIC}/x`],
    ['http:localhost:9090/x', `${PUBLIC}/x`],
    ['http:/localhost:9090/x', `${PUBLIC}/x`],
    ['http://%6cocalhost:9090/x', `${PUBLIC}/x`],
    ['http://localhost:09090/x', `${PUBLIC}/x`],
  ],
  'http://mcp.internal': [
    ['http://mcp.internal/x', `${PUBLIC}/x`],
    ['http://mcp.internal:80/x', `${PUBLIC}/x`],
    ['https://mcp.internal/x', `${PUBLIC}/x`],
    ['http://MCP.internal./x', `${PUBLIC}/x`],
    ['http://tool.example.com/x', `${PUBLIC}/x`],
    ['http://tool.example.com:443/x', `${PUBLIC}/x`],
  ],
  'https://mcp.internal': [['https://mcp.internal:443/x', `${PUBLIC}/x`]],
};

const OTHERS: readonly string[] = [
  '/mcp/',
  '/',
  '/a:b@c/http://localhost:9090/',
  'mcp/',
  '../mcp?x=http://localhost:9090',
  '?x',
  '#x',
  '',
  'http://localhost:9091/x',
  'http://localhost/x',
  'http://localhost:9090.evil.example/x',
  'http://localhost:9090@evil.example/x',
  'http://evil.example/http://localhost:9090/',
  '//evil.example/x',
  '/\\evil.example/x',
  'ftp://localhost:9090/x',
  'myapp://localhost:9090/callback',
  'mailto:a@localhost',
  'http://[broken',
  'https://tool.example.com/x',
  'https://tool.example.com:443/x',
  'https://other.example.com/x',
];

describe('createPublicReferences', () => {
  for (const [backendUrl, cases] of Object.entries(OWN)) {
    for (const [reference, translated] of cases) {
      it(`${backendUrl}: ${JSON.stringify(reference)} becomes ${translated}`, () =>
        assert.equal(translator(backendUrl)(reference), translated));
    }
  }

  for (const reference of OTHERS) {
    it(`${JSON.stringify(reference)} stays as it is`, () =>
      assert.equal(translator('http://localhost:9090')(reference), reference));
  }

  it('with a public URL on loopback, the port tells Obex from the backend', () => {
    const toPublic = translator('http://127.0.0.1:9090', 'http://localhost:8443');
    assert.equal(toPublic('http://127.0.0.1:9090/x'), 'http://localhost:8443/x');
    assert.equal(toPublic('http://localhost:8443/x'), 'http://localhost:8443/x');
    assert.equal(toPublic('http://localhost:7000/x'), 'http://localhost:7000/x');
  });

  it('the Host that the backend is told is its own too, as is the authority of its URL', () => {
    const toPublic = translator('http://10.0.0.5:9090', PUBLIC, 'mcp.internal');
    for (const own of [
      'http://mcp.internal/x',
      'https://MCP.internal:443/x',
      '//mcp.internal/x',
      'http://10.0.0.5:9090/x',
    ])
      assert.equal(toPublic(own), `${PUBLIC}/x`, own);
    assert.equal(toPublic('http://mcp.internal:9090/x'), 'http://mcp.internal:9090/x');
  });

  it('no spelling leads a browser to the backend', () => {
    const toPublic = translator('http://mcp.internal:9090');
    const piece = fc.constantFrom(
      'http:',
      'HTTPS:',
      '/',
      '\\',
      '//',
      '\t',
      'u@',
      'mcp.internal',
      'MCP.Internal.',
      ':9090',
      ':',
      '?',
      '#',
      'x',
      '%2e',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const url = URL.parse(toPublic(pieces.join('')), PUBLIC);
        if (url === null || !url.protocol.startsWith('http')) return;
        assert.doesNotMatch(url.host, /^mcp\.internal\.?:9090$/, JSON.stringify(pieces));
      }),
      { numRuns: 5_000 },
    );
  });
});
