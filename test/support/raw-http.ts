/** HTTP/1.1 by hand over real sockets: a client that sends any bytes, and a backend that records every byte it gets. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';

/** A response as it stood on the wire. */
export interface RawResponse {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** Field lines in order, names as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** All values of a field, in order. */
  values(name: string): string[];
  /** The head byte for byte, as latin1, up to and with its empty line. */
  readonly head: string;
  /** Body bytes, chunk framing taken off. */
  readonly body: Buffer;
  /** False when the connection ended before the framing said so (a body without framing is complete at FIN, not at RST). */
  readonly complete: boolean;
}

export interface RawClient<Stream extends Duplex = Socket> {
  readonly socket: Stream;
  /** Strings are sent as latin1. Resolves when the kernel has taken the bytes. */
  send(bytes: string | Uint8Array): Promise<void>;
  /** The next response, interim ones included; `method` is that of its request. Rejects if the connection ends before a head. */
  readResponse(method?: string): Promise<RawResponse>;
  /** The next response's head alone; its body stays in `buffered`. */
  readHead(): Promise<RawResponse>;
  /** Waits until `text` has arrived and returns everything unread, without taking it. */
  readUntil(text: string): Promise<string>;
  /** Everything unread, once the connection has ended. */
  readToEnd(): Promise<Buffer>;
  readonly buffered: Buffer;
  /** 'fin' after an orderly end, 'reset' after an error. */
  readonly closed: Promise<'fin' | 'reset'>;
  destroy(): void;
}

/** Connects to a loopback port or unix path, with TLS if `tls` is given. */
export async function openRaw(address: number | string, tls?: ConnectionOptions): Promise<RawClient> {
  const target: NetConnectOpts = typeof address === 'number' ? { host: '127.0.0.1', port: address } : { path: address };
  const socket = tls === undefined ? connect(target) : tlsConnect({ ...target, ...tls });
  await once(socket, tls === undefined ? 'connect' : 'secureConnect');
  socket.setNoDelay(true);
  return new RawConnection(socket);
}

/** Bytes appended in amortised constant time. */
class GrowingBuffer {
  #storage: Buffer = Buffer.alloc(65_536);
  #start = 0;
  #end = 0;

  get bytes(): Buffer {
    return this.#storage.subarray(this.#start, this.#end);
  }

  append(chunk: Buffer): void {
    if (this.#end + chunk.length > this.#storage.length) {
      const grown = Buffer.alloc(2 * (this.bytes.length + chunk.length));
      this.#end = this.bytes.copy(grown);
      this.#start = 0;
      this.#storage = grown;
    }
    chunk.copy(this.#storage, this.#end);
    this.#end += chunk.length;
  }

  take(length: number): void {
    this.#start += length;
  }
}

export class RawConnection<Stream extends Duplex> implements RawClient<Stream> {
  readonly socket: Stream;
  readonly closed: Promise<'fin' | 'reset'>;
  readonly #input = new GrowingBuffer();
  #end: 'fin' | 'reset' | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Stream) {
    this.socket = socket;
    let settle: (end: 'fin' | 'reset') => void = () => undefined;
    this.closed = new Promise((resolve) => {
      settle = resolve;
    });
    const finish = (end: 'fin' | 'reset'): void => {
      this.#end ??= end;
      settle(this.#end);
      this.#wake?.();
    };
    socket.on('data', (chunk: Buffer) => {
      this.#input.append(chunk);
      this.#wake?.();
    });
    socket.on('error', () => finish('reset'));
    socket.on('end', () => finish('fin'));
    socket.on('close', () => finish('fin'));
  }

  get buffered(): Buffer {
    return this.#input.bytes;
  }

  send(bytes: string | Uint8Array): Promise<void> {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    return new Promise((resolve) => this.socket.write(data, () => resolve()));
  }

  async readResponse(method = 'GET'): Promise<RawResponse> {
    for (;;) {
      const parsed = parseResponse(this.buffered, { method, end: this.#end });
      if (parsed !== undefined) {
        this.#input.take(parsed.length);
        return parsed.response;
      }
      await this.#more();
    }
  }

  async readHead(): Promise<RawResponse> {
    await this.readUntil('\r\n\r\n');
    const parsed = parseResponse(this.buffered, { method: 'HEAD', end: this.#end });
    if (parsed === undefined) throw new Error('not a response head');
    this.#input.take(parsed.length);
    return parsed.response;
  }

  async readUntil(text: string): Promise<string> {
    while (!this.buffered.includes(text, 0, 'latin1')) await this.#more();
    return this.buffered.toString('latin1');
  }

  async readToEnd(): Promise<Buffer> {
    await this.closed;
    const rest = this.buffered;
    this.#input.take(rest.length);
    return rest;
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #more(): Promise<void> {
    if (this.#end !== undefined) {
      throw new Error(
        `connection ended (${this.#end}) with unread ${JSON.stringify(this.buffered.toString('latin1'))}`,
      );
    }
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}

interface ParseState {
  readonly method: string;
  readonly end: 'fin' | 'reset' | undefined;
}

/** Undefined = more bytes are needed and may still come. */
function parseResponse(bytes: Buffer, state: ParseState): { response: RawResponse; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = bytes.toString('latin1', 0, headEnd + 4);
  const [statusLine = '', ...lines] = head.slice(0, -4).split('\r\n');
  const match = /^HTTP\/(\d\.\d) (\d{3}) (.*)$/.exec(statusLine);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
  const headers = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':');
    if (colon <= 0) throw new Error(`not a field line: ${JSON.stringify(line)}`);
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const values = (name: string): string[] =>
    headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  const status = Number(match[2]);
  const body = readBody(bytes.subarray(headEnd + 4), {
    none: state.method === 'HEAD' || status < 200 || status === 204 || status === 304,
    chunked: values('transfer-encoding').length > 0,
    length: values('content-length')[0],
    end: state.end,
  });
  if (body === undefined) return undefined;
  const response = { version: match[1] ?? '', status, reason: match[3] ?? '', headers, values, head };
  return { response: { ...response, body: body.bytes, complete: body.complete }, length: headEnd + 4 + body.length };
}

interface BodyFraming {
  readonly none: boolean;
  readonly chunked: boolean;
  readonly length: string | undefined;
  readonly end: 'fin' | 'reset' | undefined;
}

interface ReadBody {
  readonly bytes: Buffer;
  readonly complete: boolean;
  /** Bytes taken off the wire, framing included. */
  readonly length: number;
}

function readBody(rest: Buffer, framing: BodyFraming): ReadBody | undefined {
  if (framing.none) return { bytes: Buffer.alloc(0), complete: true, length: 0 };
  if (framing.chunked) return readChunks(rest, framing.end);
  if (framing.length === undefined) {
    if (framing.end === undefined) return undefined;
    return { bytes: rest, complete: framing.end === 'fin', length: rest.length };
  }
  const length = Number(framing.length);
  if (rest.length >= length) return { bytes: rest.subarray(0, length), complete: true, length };
  return framing.end === undefined ? undefined : { bytes: rest, complete: false, length: rest.length };
}

function readChunks(rest: Buffer, end: 'fin' | 'reset' | undefined): ReadBody | undefined {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) break;
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16);
    if (!Number.isInteger(size)) throw new Error('not a chunk size');
    if (size === 0) {
      const trailerEnd = rest.indexOf('\r\n\r\n', lineEnd);
      if (trailerEnd < 0) break;
      return { bytes: Buffer.concat(chunks), complete: true, length: trailerEnd + 4 };
    }
    chunks.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
    if (at > rest.length) break;
  }
  return end === undefined ? undefined : { bytes: Buffer.concat(chunks), complete: false, length: rest.length };
}

/** One connection that a raw backend accepted. */
export interface RawBackendConnection {
  readonly socket: Socket;
  /** Every byte received on it. */
  readonly received: Buffer;
  /** Resolves when the peer has ended or reset it. */
  readonly closed: Promise<void>;
}

export interface RawBackend {
  readonly port: number;
  readonly connections: readonly RawBackendConnection[];
  /** Every byte received on all connections, as latin1. */
  readonly received: string;
  /** The connection with this index, as soon as it is there. */
  connection(index: number): Promise<RawBackendConnection>;
  /** Waits until `text` has been received on any connection. */
  receivedText(text: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Called whenever bytes arrive, with the bytes of the connection that have not been answered yet. What it returns is sent
 * and counts as the answer to them all; undefined waits for more.
 */
export type OnRequestBytes = (bytes: Buffer, connection: RawBackendConnection) => string | Uint8Array | undefined;

/** Listens on a free loopback port. */
export async function startRawBackend(onRequestBytes: OnRequestBytes): Promise<RawBackend> {
  const connections: RawBackendConnection[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const change = (): Promise<void> => new Promise((resolve) => waiting.add(resolve));
  const server = createServer((socket) => {
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const input = new GrowingBuffer();
    const connection = {
      socket,
      closed,
      get received() {
        return input.bytes;
      },
    };
    let answered = 0;
    connections.push(connection);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      input.append(chunk);
      const answer = onRequestBytes(connection.received.subarray(answered), connection);
      if (answer !== undefined) {
        answered = connection.received.length;
        socket.write(typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer);
      }
      wake();
    });
    wake();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const received = (): string => connections.map((each) => each.received.toString('latin1')).join('');
  return {
    port: portOf(server.address()),
    connections,
    get received() {
      return received();
    },
    async connection(index) {
      for (;;) {
        const found = connections[index];
        if (found !== undefined) return found;
        await change();
      }
    },
    async receivedText(text) {
      while (!received().includes(text)) await change();
    },
    async close() {
      server.close();
      for (const { socket } of connections) socket.destroy();
      await once(server, 'close');
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

/** Answers every whole request (head, and body by Content-Length or chunked) with the same bytes. */
export function answerEach(answer: string): OnRequestBytes {
  return (bytes) => (isWholeRequest(bytes) ? answer : undefined);
}

/** True when the bytes hold at least one whole request. */
export function isWholeRequest(bytes: Buffer): boolean {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const head = bytes.toString('latin1', 0, headEnd);
  const body = bytes.subarray(headEnd + 4);
  if (/^transfer-encoding:/im.test(head)) return body.includes('0\r\n\r\n');
  const length = /^content-length: *(\d+)/im.exec(head);
  return length === null || body.length >= Number(length[1]);
}
