/** A backend on bare sockets that keeps every byte it gets and answers whatever bytes the test says. RFC 9112. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { VERSION } from '../../src/lib/version.ts';
import { listenOnLoopback } from './loopback-server.ts';
import type { Cleanup } from './obex.ts';
import { until } from './until.ts';

/** One request, from its complete head on. */
export interface BackendRequest {
  readonly requestLine: string;
  /** Field lines as `Name: value`, as received, in order. */
  readonly lines: readonly string[];
  /** Every value of a field. */
  values(name: string): readonly string[];
  /** Head and body as received, chunk framing included. */
  readonly raw: string;
  /** Body without chunk framing, so far. */
  readonly body: string;
  readonly complete: boolean;
  readonly socket: Socket;
}

/** What the backend does with a request; called once for each, when it is complete. */
export type Answer = (request: BackendRequest) => void;

export interface RecordingBackend {
  readonly port: number;
  readonly requests: readonly BackendRequest[];
  /** Every byte received on all connections. */
  received(): string;
  readonly connections: number;
  answer: Answer;
  /** Instead of `answer`, as soon as a head is there. */
  onHead: Answer | undefined;
  /** The request with this index, as soon as its head is there. */
  request(index: number): Promise<BackendRequest>;
  /** Stops listening and cuts all connections; `start` listens on the same port again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export const OK_BODY = '{"ok":true}';

export function reply(socket: Socket, status: string, lines: readonly string[] = [], body = ''): void {
  const head = [`HTTP/1.1 ${status}`, ...lines, `Content-Length: ${Buffer.byteLength(body)}`];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const answerOk: Answer = ({ socket, requestLine }) => {
  const isHead = requestLine.startsWith('HEAD ');
  reply(socket, '200 OK', ['Content-Type: application/json'], isHead ? '' : OK_BODY);
};

/** All that `/ready` says to the backend. */
export function probeOf({ port }: RecordingBackend): string {
  return `OPTIONS / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: obex/${VERSION}\r\nConnection: close\r\n\r\n`;
}

export async function startRecordingBackend(cleanup: Cleanup): Promise<RecordingBackend> {
  const backend = new Recorder();
  await backend.start();
  cleanup.after(() => backend.stop());
  return backend;
}

class Recorder implements RecordingBackend {
  answer: Answer = answerOk;
  onHead: Answer | undefined;
  port = 0;
  connections = 0;
  readonly requests: Recorded[] = [];
  readonly #received: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#accept(socket));

  async start(): Promise<void> {
    this.port = await listenOnLoopback(this.#server, this.port);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  received(): string {
    return this.#received.join('');
  }

  request(index: number): Promise<BackendRequest> {
    return until(`request ${index} at the backend`, () => this.requests[index]);
  }

  #accept(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
    let unread = '';
    let open: Recorded | undefined;
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk.toString('latin1'));
      unread += chunk.toString('latin1');
      for (;;) {
        if (open === undefined) {
          const end = unread.indexOf('\r\n\r\n');
          if (end < 0) return;
          open = new Recorded(unread.slice(0, end + 4), socket);
          unread = unread.slice(end + 4);
          this.requests.push(open);
          this.onHead?.(open);
        }
        unread = open.take(unread);
        if (!open.complete) return;
        if (this.onHead === undefined) this.answer(open);
        open = undefined;
      }
    });
  }
}

class Recorded implements BackendRequest {
  readonly requestLine: string;
  readonly lines: readonly string[];
  readonly socket: Socket;
  raw: string;
  body = '';
  complete = false;
  #framed = '';

  constructor(head: string, socket: Socket) {
    const [requestLine = '', ...lines] = head.slice(0, -4).split('\r\n');
    this.requestLine = requestLine;
    this.lines = lines;
    this.raw = head;
    this.socket = socket;
  }

  values(name: string): readonly string[] {
    const prefix = `${name.toLowerCase()}:`;
    return this.lines
      .filter((line) => line.toLowerCase().startsWith(prefix))
      .map((line) => line.slice(prefix.length).trim());
  }

  /** Takes what belongs to this request and returns the rest. */
  take(bytes: string): string {
    return this.values('transfer-encoding').length > 0 ? this.#takeChunks(bytes) : this.#takeLength(bytes);
  }

  #takeLength(bytes: string): string {
    const missing = Number(this.values('content-length')[0] ?? 0) - this.body.length;
    const taken = bytes.slice(0, missing);
    this.raw += taken;
    this.body += taken;
    this.complete = taken.length === missing;
    return bytes.slice(missing);
  }

  #takeChunks(bytes: string): string {
    let rest = this.#framed + bytes;
    this.raw += bytes;
    for (;;) {
      const lineEnd = rest.indexOf('\r\n');
      const size = Number.parseInt(rest.slice(0, lineEnd), 16);
      if (lineEnd < 0 || rest.length < lineEnd + 2 + size + 2) break;
      if (size === 0) {
        const end = rest.indexOf('\r\n\r\n', lineEnd);
        if (end < 0) break;
        this.complete = true;
        return rest.slice(end + 4);
      }
      this.body += rest.slice(lineEnd + 2, lineEnd + 2 + size);
      rest = rest.slice(lineEnd + 2 + size + 2);
    }
    this.#framed = rest;
    return '';
  }
}
