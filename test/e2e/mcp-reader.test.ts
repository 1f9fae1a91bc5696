/** What the official clients send, in both eras, is read without fault. MCP 2026-07-28 and 2025-11-25, Streamable HTTP. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v2 from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { completable, createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { checkHeaders } from '../../src/mcp/headers-agree.ts';
import { isJsonBody } from '../../src/mcp/media-type.ts';
import type { Named } from '../../src/mcp/named.ts';
import { readMessage } from '../../src/mcp/read-message.ts';

/** A name that headers carry in Base64. */
const PROMPT = 'überblick';

function createServer(): McpServer {
  const server = new McpServer({ name: 'reader', version: '1.0.0' });
  const text = { type: 'text', text: 'ok' } as const;
  server.registerTool('add', { inputSchema: z.object({ a: z.number() }) }, () => ({ content: [text] }));
  server.registerResource('file', 'file:///a', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'ok' }] }));
  const argsSchema = z.object({ topic: completable(z.string(), () => ['a']) });
  server.registerPrompt(PROMPT, { argsSchema }, () => ({ messages: [{ role: 'user', content: text }] }));
  return server;
}

/** Every POST that the client made: its method and what it names. */
function createJudgedFetch() {
  const handler = createMcpHandler(createServer);
  const seen: (readonly [string, ...Named[]])[] = [];
  const fetch = async (url: string | URL, init?: RequestInit) => {
    const request = new Request(url, init);
    if (request.method === 'POST') seen.push(await judge(request.clone()));
    return handler.fetch(request);
  };
  return { fetch, seen };
}

async function judge(request: Request): Promise<readonly [string, ...Named[]]> {
  const valuesOf = (name: string) => [request.headers.get(name)].filter((value) => value !== null);
  assert.ok(isJsonBody(valuesOf('content-type'), valuesOf('content-encoding')));
  const message = readMessage(await request.bytes());
  assert.ok(message.kind === 'request' || message.kind === 'notification', JSON.stringify(message));
  const headers = {
    versions: valuesOf('mcp-protocol-version'),
    methods: valuesOf('mcp-method'),
    names: valuesOf('mcp-name'),
  };
  assert.equal(checkHeaders(headers, message), undefined);
  return [message.method, ...message.named];
}

/** What both generations of clients can do. */
interface AnyClient {
  listTools(): Promise<unknown>;
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  listResources(): Promise<unknown>;
  readResource(params: { uri: string }): Promise<unknown>;
  listPrompts(): Promise<unknown>;
  getPrompt(params: { name: string; arguments: Record<string, string> }): Promise<unknown>;
  complete(params: {
    ref: { type: 'ref/prompt'; name: string };
    argument: { name: string; value: string };
  }): Promise<unknown>;
  close(): Promise<void>;
}

async function callEverything(client: AnyClient): Promise<void> {
  await client.listTools();
  await client.callTool({ name: 'add', arguments: { a: 1 } });
  await client.listResources();
  await client.readResource({ uri: 'file:///a' });
  await client.listPrompts();
  await client.getPrompt({ name: PROMPT, arguments: { topic: 'a' } });
  await client.complete({ ref: { type: 'ref/prompt', name: PROMPT }, argument: { name: 'topic', value: '' } });
  await client.close();
}

const CALLS = [
  ['tools/list'],
  ['tools/call', { kind: 'tool', name: 'add' }],
  ['resources/list'],
  ['resources/read', { kind: 'resource', name: 'file:///a' }],
  ['prompts/list'],
  ['prompts/get', { kind: 'prompt', name: PROMPT }],
  ['completion/complete', { kind: 'prompt', name: PROMPT }],
];
const LEGACY = [['initialize'], ['notifications/initialized'], ...CALLS];
const MODERN = [['server/discover'], ...CALLS];

const ENDPOINT = new URL('http://mcp.example/mcp');
const NAME = { name: 'test', version: '1.0.0' };

describe('MCP clients and the reader of messages', () => {
  it('reads client 1.x', async () => {
    const { fetch, seen } = createJudgedFetch();
    const client = new Client(NAME);
    await client.connect(new StreamableHTTPClientTransport(ENDPOINT, { fetch }));
    await callEverything(client);
    assert.deepEqual(seen, LEGACY);
  });

  for (const [mode, calls] of [
    ['legacy', LEGACY],
    [{ pin: '2026-07-28' }, MODERN],
  ] as const) {
    it(`reads client 2.x in ${JSON.stringify(mode)}`, async () => {
      const { fetch, seen } = createJudgedFetch();
      const client = new v2.Client(NAME, { versionNegotiation: { mode } });
      await client.connect(new v2.StreamableHTTPClientTransport(ENDPOINT, { fetch }));
      await callEverything(client);
      assert.deepEqual(seen, calls);
    });
  }
});
