/** A dual-era MCP server with everything that the MCP conformance suite asks of a server, built from the official SDK. */
import { createServer } from 'node:http';
import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/node';
import type { ServerEventBus } from '@modelcontextprotocol/server';
import { InMemoryServerEventBus, McpServer } from '@modelcontextprotocol/server';
import { createDualEraHandler } from '../../src/demo/dual-era.ts';
import { closeServer } from '../../src/demo/loopback.ts';
import { registerContentTools, registerPrompts, registerResources } from './conformance/content.ts';
import { registerInputRequiredTools, requestState } from './conformance/input-required.ts';
import { registerInteractionTools } from './conformance/interaction.ts';
import { registerStatelessTools } from './conformance/stateless.ts';
import { listenOnLoopback } from './loopback-server.ts';

export interface ConformanceServer {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts the server on 127.0.0.1, on any free port. */
export async function startConformanceServer(): Promise<ConformanceServer> {
  const bus = new InMemoryServerEventBus();
  const handler = createDualEraHandler(() => createConformanceServer(bus), bus);
  const isHostAllowed = localhostHostValidation();
  const isOriginAllowed = localhostOriginValidation();
  const server = createServer((request, response) => {
    if (!isHostAllowed(request, response) || !isOriginAllowed(request, response)) return;
    handler(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    stop: () => closeServer(server),
  };
}

function createConformanceServer(bus: ServerEventBus): McpServer {
  const server = new McpServer(
    { name: 'obex-conformance-server', version: '1.0.0' },
    {
      capabilities: { logging: {}, resources: { subscribe: true } },
      requestState: { verify: (state, context) => requestState.verify(state, context) },
    },
  );
  registerContentTools(server);
  registerInteractionTools(server);
  registerInputRequiredTools(server);
  registerStatelessTools(server, bus);
  registerResources(server);
  registerPrompts(server);
  const subscriptions = new Set<string>();
  server.server.setRequestHandler('resources/subscribe', ({ params }) => {
    subscriptions.add(params.uri);
    return {};
  });
  server.server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    subscriptions.delete(params.uri);
    return {};
  });
  return server;
}
