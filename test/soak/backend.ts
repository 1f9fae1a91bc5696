/** The backend of a soak run: small JSON answers, large ones, event streams that talk or are quiet, and one that never answers. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenOnLoopback } from '../support/loopback-server.ts';

export const BIG_BYTES = 4_000_000;
/** More than all buffers between the backend and a client that does not read. */
export const HUGE_BYTES = 64_000_000;
export const ID_FIELD = 'X-Soak-Id';

const EVENT_GAP_MS = 200;
const PIECE = Buffer.alloc(64_000, 'x');

/** What became of the request of one id. */
interface Watch {
  readonly arrived: PromiseWithResolvers<void>;
  readonly gone: PromiseWithResolvers<void>;
}

export class SoakBackend {
  port = 0;
  /** Requests that are being answered now. */
  open = 0;
  readonly #watches = new Map<string, Watch>();
  readonly #server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
    this.open += 1;
    const id = request.headers[ID_FIELD.toLowerCase()];
    const watch = typeof id === 'string' ? this.#watches.get(id) : undefined;
    request.on('error', () => undefined);
    response.on('close', () => {
      this.open -= 1;
      watch?.gone.resolve();
    });
    watch?.arrived.resolve();
    void answer(request, response);
  });

  async start(): Promise<void> {
    this.port = await listenOnLoopback(this.#server);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Ends the connections that no request is on. */
  dropIdle(): void {
    this.#server.closeIdleConnections();
  }

  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }

  /** Tells of the request with this id, which is still to be sent. */
  watch(id: string): { readonly arrived: Promise<void>; readonly gone: Promise<void> } {
    const watch = { arrived: Promise.withResolvers<void>(), gone: Promise.withResolvers<void>() };
    this.#watches.set(id, watch);
    void watch.gone.promise.then(() => this.#watches.delete(id));
    return { arrived: watch.arrived.promise, gone: watch.gone.promise };
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://backend');
  const number = (name: string): number => Number(url.searchParams.get(name));
  switch (url.pathname) {
    case '/mcp':
      return answerJson(request, response);
    case '/mcp/events':
      return answerEvents(response, number('count'));
    case '/mcp/quiet':
      return answerQuietly(response, number('ms'));
    case '/mcp/bytes':
      return answerBytes(response, number('count'));
    case '/mcp/broken':
      return breakOff(response);
    case '/mcp/never':
      request.resume();
  }
}

async function answerJson(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let received = 0;
  try {
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) received += chunk.length;
  } catch {
    return;
  }
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ received }));
}

/** `count` events, one after the other; 0 = without end. */
function answerEvents(response: ServerResponse, count: number): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    response.write(`data: ${sent}\n\n`);
    if (sent === count) response.end();
  }, EVENT_GAP_MS);
  response.on('close', () => clearInterval(timer));
}

function answerQuietly(response: ServerResponse, quietMs: number): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
  const timer = setTimeout(() => response.end('data: at last\n\n'), quietMs);
  response.on('close', () => clearTimeout(timer));
}

/** An answer without a length that never becomes whole. */
function breakOff(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  response.write('so far', () => response.socket?.resetAndDestroy());
}

function answerBytes(response: ServerResponse, count: number): void {
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': count });
  let left = count;
  const pump = (): void => {
    while (left > 0 && !response.destroyed) {
      const piece = PIECE.subarray(0, left);
      left -= piece.length;
      if (!response.write(piece)) return void response.once('drain', pump);
    }
    if (left === 0) response.end();
  };
  pump();
}
