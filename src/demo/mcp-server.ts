/** The demo's MCP server on loopback, with a record of what reached it. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/node';
import { InMemoryServerEventBus } from '@modelcontextprotocol/server';
import { createDualEraHandler } from './dual-era.ts';
import { boundPort, closeServer } from './loopback.ts';
import type { Pause } from './tools.ts';
import { createDemoServer } from './tools.ts';

/** What reached the server, as it came: the evidence that Obex kept something away from it. */
interface RecordedRequest {
  readonly method: string;
  readonly target: string;
  /** Field lines as alternating name, value. */
  readonly fields: readonly string[];
}

export interface DemoMcpServerOptions {
  /** How `countdown` waits between two events; the default waits for the time asked for. */
  readonly pause?: Pause;
}

export interface DemoMcpServer {
  /** The MCP endpoint, without Obex. */
  readonly url: string;
  /** The latest requests, oldest first. */
  readonly requests: readonly RecordedRequest[];
  stop(): Promise<void>;
}

const MAX_RECORDED_REQUESTS = 1000;

/** Starts the server on 127.0.0.1, on any free port. */
export async function startDemoMcpServer(options: DemoMcpServerOptions = {}): Promise<DemoMcpServer> {
  const requests: RecordedRequest[] = [];
  const pause = options.pause ?? ((delayMs: number) => delay(delayMs));
  const handler = createDualEraHandler(() => createDemoServer(pause), new InMemoryServerEventBus());
  const isHostAllowed = localhostHostValidation();
  const isOriginAllowed = localhostOriginValidation();

  const server = createServer((request, response) => {
    record(requests, request);
    if (!isHostAllowed(request, response) || !isOriginAllowed(request, response)) return;
    if (request.url?.split('?')[0] !== '/mcp') {
      response.writeHead(404).end();
      return;
    }
    handler(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${boundPort(server)}/mcp`,
    requests,
    stop: () => closeServer(server),
  };
}

function record(requests: RecordedRequest[], request: IncomingMessage): void {
  requests.push({ method: request.method ?? '', target: request.url ?? '', fields: request.rawHeaders });
  if (requests.length > MAX_RECORDED_REQUESTS) requests.shift();
}
