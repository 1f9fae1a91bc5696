/** Second part of the story: the official MCP client logs in by itself and works through Obex. MCP 2026-07-28, 2025-11-25. */
import assert from 'node:assert/strict';
import type { CallToolResult } from '@modelcontextprotocol/client';
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { DEMO_USER } from './login-page.ts';
import { REQUIRED_SCOPE } from './stage.ts';
import type { Scene, Step } from './step.ts';

const PROGRESS_EVENTS = 3;

/** A buffered stream would hold the first event for ever; this is when the client gives up on it. */
const STREAM_DEADLINE_MS = 10_000;

export const CLIENT_STEPS: readonly Step[] = [
  {
    title: 'The official MCP client finds the IdP by itself, registers, logs in and connects',
    async play({ client, login, stage }) {
      const url = new URL(stage.resource);
      const transport = new StreamableHTTPClientTransport(url, { authProvider: login });
      await assert.rejects(client.connect(transport), UnauthorizedError);
      await transport.finishAuth(login.callback);
      await client.connect(new StreamableHTTPClientTransport(url, { authProvider: login }));
      assert.equal(login.tokens()?.scope, REQUIRED_SCOPE);
      return [
        `logged in at ${login.authorizationUrl?.origin}${login.authorizationUrl?.pathname} as ${DEMO_USER}`,
        `scope ${login.tokens()?.scope}, MCP ${client.getNegotiatedProtocolVersion()}`,
      ];
    },
  },
  {
    title: 'tools/list works',
    async play({ client }) {
      const { tools } = await client.listTools();
      const names = tools.map((tool) => tool.name);
      assert.deepEqual(names, ['whoami', 'add', 'countdown']);
      return [names.join(', ')];
    },
  },
  {
    title: 'tools/call whoami: the MCP server learns who is calling from Obex, not from the client',
    async play({ client, stage }) {
      const lines = firstText(await client.callTool({ name: 'whoami' })).split('\n');
      assert.ok(lines.includes(`x-obex-user: ${DEMO_USER}`));
      assert.ok(lines.includes(`x-obex-scopes: ${REQUIRED_SCOPE}`));
      assert.ok(lines.includes(`x-obex-issuer: ${stage.idp.issuer}`));
      return lines;
    },
  },
  {
    title: 'Progress events arrive one by one: the server sends the next only after the client has the one before',
    play: playProgress,
  },
  {
    title: 'An older client works at the same endpoint, with a session that it opens and ends',
    async play({ login, stage }) {
      const client = new Client({ name: 'older-client', version: '1.0.0' });
      const transport = new StreamableHTTPClientTransport(new URL(stage.resource), { authProvider: login });
      await client.connect(transport);
      const evidence = `MCP ${client.getNegotiatedProtocolVersion()}, session ${transport.sessionId}`;
      assert.ok(transport.sessionId);
      assert.equal(firstText(await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } })), '5');
      await transport.terminateSession();
      await client.close();
      return [evidence, 'add(2, 3) = 5'];
    },
  },
];

async function playProgress({ client, turnstile }: Scene): Promise<readonly string[]> {
  const lines: string[] = [];
  const result = await client.callTool(
    { name: 'countdown', arguments: { from: PROGRESS_EVENTS, delay_ms: 0 } },
    {
      onprogress({ progress, total }) {
        lines.push(`progress ${progress} of ${total}`);
        turnstile.admit();
      },
      timeout: STREAM_DEADLINE_MS,
    },
  );
  assert.equal(lines.length, PROGRESS_EVENTS);
  return [...lines, firstText(result)];
}

export function firstText(result: CallToolResult): string {
  const [content] = result.content;
  return content?.type === 'text' ? content.text : '';
}
