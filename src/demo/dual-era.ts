/** Serves both eras of MCP on one endpoint, built from the official SDK. MCP 2026-07-28 and 2025-11-25 transports. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NodeStreamableHTTPServerTransport, toNodeHandler, toWebRequest } from '@modelcontextprotocol/node';
import type { McpServer, ServerEventBus } from '@modelcontextprotocol/server';
import { createMcpHandler, isInitializeRequest, isLegacyRequest } from '@modelcontextprotocol/server';
import { createEventStore } from './event-store.ts';

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** When a client should come back for a stream that broke off. */
const RETRY_INTERVAL_MS = 100;

/**
 * Routes by era: a request of 2026-07-28 stands alone, as does a lone older one; `initialize` opens a session.
 * What is published on `bus` reaches the open `subscriptions/listen` streams of 2026-07-28.
 */
export function createDualEraHandler(createServer: () => McpServer, bus: ServerEventBus): HttpHandler {
  const stateless = toNodeHandler(createMcpHandler(createServer, { bus }));
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>();

  const openSession = async (): Promise<NodeStreamableHTTPServerTransport> => {
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      eventStore: createEventStore(),
      retryInterval: RETRY_INTERVAL_MS,
      onsessioninitialized: (sessionId) => void sessions.set(sessionId, transport),
      onsessionclosed: (sessionId) => void sessions.delete(sessionId),
    });
    await createServer().connect(transport);
    return transport;
  };

  return async (request, response) => {
    const sessionId = request.headers['mcp-session-id'];
    if (sessionId !== undefined) {
      const session = sessions.get(String(sessionId));
      if (session) await session.handleRequest(request, response);
      else respondSessionNotFound(response);
      return;
    }
    const { method = '', url = '' } = request;
    const incoming = Object.assign(request, { method, url });
    const webRequest = await toWebRequest(incoming);
    const message: unknown = method === 'POST' ? await webRequest.json().catch(() => null) : undefined;
    const opensSession = isInitializeRequest(message) && (await isLegacyRequest(webRequest, message));
    if (opensSession) await (await openSession()).handleRequest(request, response, message);
    else await stateless(incoming, response, message);
  };
}

/** "The server MUST respond to requests containing that session ID with HTTP 404 Not Found." */
function respondSessionNotFound(response: ServerResponse): void {
  response.writeHead(404, { 'Content-Type': 'application/json' });
  response.end('{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}');
}
