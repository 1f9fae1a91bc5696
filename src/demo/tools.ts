/** The tools of the demo MCP server: small, and chosen to show what passes through Obex. MCP tools. */

import type { ServerContext } from '@modelcontextprotocol/server';
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** Waits between two progress notifications. */
export type Pause = (delayMs: number) => Promise<void>;

/** Makes a fresh server with all tools; one instance serves one session, or one request in the 2026-07-28 era. */
export function createDemoServer(pause: Pause): McpServer {
  const server = new McpServer({ name: 'obex-demo', version: '1.0.0' });
  server.registerTool(
    'whoami',
    { description: 'Shows who is calling: the identity that Obex vouches for, as this server received it.' },
    (context: ServerContext) => text(describeCaller(context)),
  );
  server.registerTool(
    'add',
    { description: 'Adds two numbers.', inputSchema: z.object({ a: z.number(), b: z.number() }) },
    ({ a, b }) => text(String(a + b)),
  );
  server.registerTool(
    'countdown',
    {
      description: 'Counts down to zero and reports progress on the way, one event per step.',
      inputSchema: z.object({
        from: z.int().min(1).max(100).default(5),
        delay_ms: z.int().min(0).max(10_000).default(1000),
      }),
    },
    async ({ from, delay_ms }, context) => {
      for (let step = 1; step <= from; step += 1) {
        await reportProgress(context, step, from);
        await pause(delay_ms);
        if (context.mcpReq.signal.aborted) break;
      }
      return text('Lift-off!');
    },
  );
  return server;
}

function text(value: string): { content: { type: 'text'; text: string }[] } {
  return { content: [{ type: 'text', text: value }] };
}

function describeCaller(context: ServerContext): string {
  const lines = [...(context.http?.req?.headers ?? [])]
    .filter(([name]) => name.startsWith('x-obex-'))
    .map(([name, value]) => `${name}: ${value}`);
  return lines.length > 0 ? lines.join('\n') : 'Nobody vouched for this request: it did not come through Obex.';
}

async function reportProgress(context: ServerContext, progress: number, total: number): Promise<void> {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return;
  await context.mcpReq.notify({
    method: 'notifications/progress',
    params: { progressToken, progress, total, message: `${total - progress}` },
  });
}
