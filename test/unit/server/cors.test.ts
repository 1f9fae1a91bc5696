/** CORS fields and what makes a preflight. Fetch standard §3.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCors, isPreflight, originOf } from '../../../src/server/cors.ts';
import { requestHead } from './exchange.ts';

const cors = createCors({
  closedPaths: new Set(['/oauth/consent']),
  isAllowed: (origin) => origin === 'https://app.example',
  publicPaths: new Set(['/public']),
  allowedHeaders: [],
  exposedHeaders: [],
});

function fieldOf(fields: readonly string[], name: string): string | undefined {
  const at = fields.indexOf(name);
  return at === -1 ? undefined : fields[at + 1];
}

describe('createCors', () => {
  it('answers an allowed origin with itself, and tells caches that it matters', () => {
    const fields = cors.fields(requestHead(['origin', 'https://app.example']));
    assert.equal(fieldOf(fields, 'Access-Control-Allow-Origin'), 'https://app.example');
    assert.equal(fieldOf(fields, 'Vary'), 'Origin');
    assert.equal(fieldOf(fields, 'Access-Control-Allow-Credentials'), undefined);
  });

  it('says nothing to other origins, to two of them, and to none', () => {
    for (const fields of [
      ['Origin', 'https://evil.example'],
      ['Origin', 'https://app.example', 'Origin', 'https://app.example'],
      [],
    ]) {
      assert.deepEqual(cors.fields(requestHead(fields)), []);
    }
  });

  it('lets anybody read public documents, on the exact raw path', () => {
    for (const target of ['/public', '/public?x']) {
      assert.equal(fieldOf(cors.fields(requestHead([], { target })), 'Access-Control-Allow-Origin'), '*');
    }
    for (const target of ['/public/', '/Public', '/%70ublic'])
      assert.deepEqual(cors.fields(requestHead([], { target })), []);
  });

  it('allows the headers of MCP clients and Mcp-Param-*, and nothing that a page made up', () => {
    const requested = [
      'Access-Control-Request-Headers',
      'mcp-param-a, X-Obex-User, MCP-PARAM-b!',
      'Access-Control-Request-Headers',
      'mcp-param-, mcp-param-c d, mcp-param-ä',
    ];
    const { fields, refusedNames } = cors.preflight(requestHead(requested));
    const names = fieldOf(fields, 'Access-Control-Allow-Headers')?.split(', ');
    assert.deepEqual(refusedNames, ['X-Obex-User', 'mcp-param-', 'mcp-param-c d', 'mcp-param-ä']);
    assert.deepEqual(names, [
      'Authorization',
      'DPoP',
      'Content-Type',
      'Accept',
      'MCP-Protocol-Version',
      'Mcp-Session-Id',
      'Last-Event-ID',
      'Mcp-Method',
      'Mcp-Name',
      'mcp-param-a',
      'MCP-PARAM-b!',
    ]);
  });
});

describe('isPreflight', () => {
  const ORIGIN = ['Origin', 'https://app.example'];
  const METHOD = ['access-control-request-method', 'POST'];
  it('is OPTIONS with both fields', () => {
    assert.equal(isPreflight(requestHead([...ORIGIN, ...METHOD], { method: 'OPTIONS' })), true);
    for (const [method, fields] of [
      ['OPTIONS', ORIGIN],
      ['OPTIONS', METHOD],
      ['POST', [...ORIGIN, ...METHOD]],
      ['options', [...ORIGIN, ...METHOD]],
    ] as const) {
      assert.equal(isPreflight(requestHead(fields, { method })), false);
    }
  });
});

describe('originOf', () => {
  it('joins two, so that no policy takes one of them for the answer', () => {
    assert.equal(originOf(requestHead([])), undefined);
    assert.equal(originOf(requestHead(['ORIGIN', 'a'])), 'a');
    assert.equal(originOf(requestHead(['Origin', 'a', 'Origin', 'b'])), 'a, b');
  });
});
