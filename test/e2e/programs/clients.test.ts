/** The official clients, 1.x and 2.x in both eras, before servers of others: all that is asked comes back. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import * as v2 from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { programOptions, startTestPrograms } from '../../support/programs/programs.ts';

const ROOT = join(import.meta.dirname, '../../..');
const EVERYTHING = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const BOTH_ERAS = join(ROOT, 'test/support/programs/modern-server.ts');
const URL_OF_FILES = new URL('http://programs/files');

function startEverything(context: TestContext) {
  return startTestPrograms(context, programOptions('', { command: [process.execPath, EVERYTHING, 'stdio'] }));
}

function textOf(result: object): string {
  const content: unknown = 'content' in result ? result.content : undefined;
  assert.ok(Array.isArray(content));
  return content.map((each: unknown) => String(Object(each).text)).join('\n');
}

describe('the client 1.x before server-everything', () => {
  it('initializes, lists and calls, with progress, sampling, roots and notifications', async (context) => {
    const { fetch } = await startEverything(context);
    const client = new Client({ name: 'test', version: '1' }, { capabilities: { sampling: {}, roots: {} } });
    context.after(() => client.close());
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///data', name: 'data' }] }));
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
      model: 'm',
      role: 'assistant',
      content: { type: 'text', text: `sampled ${JSON.stringify(params.messages).length > 0}` },
    }));
    const transport = new StreamableHTTPClientTransport(URL_OF_FILES, { fetch: fetch() });
    await client.connect(transport);
    const { tools } = await client.listTools();
    assert.ok(tools.length >= 10, `${tools.length} tools`);
    const progress: number[] = [];
    const long = await client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 4 } },
      undefined,
      { onprogress: (event) => void progress.push(event.progress) },
    );
    assert.match(textOf(long), /completed/i);
    assert.deepEqual(progress, [1, 2, 3, 4]);
    const sampled = await client.callTool({
      name: 'trigger-sampling-request',
      arguments: { prompt: 'hello', maxTokens: 10 },
    });
    assert.match(textOf(sampled), /sampled true/);
    assert.equal(
      textOf(await client.callTool({ name: 'echo', arguments: { message: 'é'.repeat(400_000) } })).length,
      400_006,
    );
    assert.ok((await client.listResources()).resources.length > 0);
    assert.ok((await client.listPrompts()).prompts.length > 0);
    await transport.terminateSession();
    await assert.rejects(client.listTools());
  });

  it('makes a hundred calls at once, each with its own answer', async (context) => {
    const { fetch } = await startEverything(context);
    const client = new Client({ name: 'test', version: '1' });
    context.after(() => client.close());
    await client.connect(new StreamableHTTPClientTransport(URL_OF_FILES, { fetch: fetch() }));
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const calls = numbers.map(async (n) =>
      textOf(await client.callTool({ name: 'get-sum', arguments: { a: n, b: 1 } })),
    );
    assert.deepEqual(
      (await Promise.all(calls)).map((text) => /is (\d+)/.exec(text)?.[1]),
      numbers.map((n) => String(n + 1)),
    );
  });
});

describe('the client 2.x', () => {
  for (const mode of ['legacy', 'auto', { pin: '2026-07-28' }] as const) {
    it(`finds its way in mode ${JSON.stringify(mode)} before a server of both eras`, async (context) => {
      const { fetch, event } = await startTestPrograms(
        context,
        programOptions('', { command: [process.execPath, BOTH_ERAS] }),
      );
      const client = new v2.Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
      context.after(() => client.close());
      await client.connect(new v2.StreamableHTTPClientTransport(URL_OF_FILES, { fetch: fetch() }));
      const isModern = mode !== 'legacy';
      assert.equal(client.getNegotiatedProtocolVersion(), isModern ? '2026-07-28' : '2025-11-25');
      const names = (await client.listTools()).tools.map(({ name }) => name);
      assert.ok(names.includes('countdown'), names.join());
      const progress: number[] = [];
      const counted = await client.callTool(
        { name: 'countdown', arguments: { from: 3 } },
        { onprogress: (update) => void progress.push(update.progress) },
      );
      assert.ok(textOf(counted).length > 0);
      assert.ok(progress.length > 0);
      await event('program_started');
    });
  }

  it('falls back to a session where the program speaks the older era alone', async (context) => {
    const { fetch, event } = await startEverything(context);
    const client = new v2.Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    context.after(() => client.close());
    await client.connect(new v2.StreamableHTTPClientTransport(URL_OF_FILES, { fetch: fetch() }));
    assert.equal(client.getNegotiatedProtocolVersion(), '2025-11-25');
    assert.match(textOf(await client.callTool({ name: 'echo', arguments: { message: 'hello' } })), /hello/);
    await event('program_ended', { reason: 'era_refused' });
  });
});
