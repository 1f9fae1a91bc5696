/** Peers for tests of the HTTP/2 side: the listener under TLS, a real client, and a client that sends any frame. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import type { TestContext } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type {
  Exchange,
  ExchangeOutcome,
  RequestHead,
  ServerLimits,
  ServerTls,
  WireServer,
} from '../../../../src/wire/exchange.ts';
import { listenHttp1 } from '../../../../src/wire/http1/listen.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { FakeTiming, head, LIMITS, NO_FAULTS, RecordingSink, respondText } from '../../../support/wire-peers.ts';

const certificates = new Map<string, ServerTls>();

/** A self-signed certificate, made once per process. */
export function certificate(name = 'localhost'): ServerTls {
  const known = certificates.get(name);
  if (known !== undefined) return known;
  const made = createCertificate(name, name);
  certificates.set(name, made);
  return made;
}

/** What the handlers got. */
export class Recorded {
  readonly server: WireServer;
  readonly timing: FakeTiming;
  readonly exchanges: Exchange[];
  /** As they were before the answer. */
  readonly heads: readonly RequestHead[];
  readonly refusals: readonly string[];
  readonly closed: readonly Promise<ExchangeOutcome>[];
  /** Why connections were told to calm down. */
  readonly ended: readonly string[];
  readonly #context: TestContext;
  readonly #arrived: (() => void)[];

  constructor(
    parts: Pick<Recorded, 'server' | 'timing' | 'exchanges' | 'heads' | 'refusals' | 'closed' | 'ended'>,
    context: TestContext,
    arrived: (() => void)[],
  ) {
    this.server = parts.server;
    this.timing = parts.timing;
    this.exchanges = parts.exchanges;
    this.heads = parts.heads;
    this.refusals = parts.refusals;
    this.closed = parts.closed;
    this.ended = parts.ended;
    this.#context = context;
    this.#arrived = arrived;
  }

  /** The `index`th exchange, as soon as there is one. */
  async exchange(index = 0): Promise<Exchange> {
    for (;;) {
      const exchange = this.exchanges[index];
      if (exchange !== undefined) return exchange;
      await new Promise<void>((resolve) => this.#arrived.push(resolve));
    }
  }

  connect(): ClientHttp2Session {
    const client = connectHttp2(`https://127.0.0.1:${this.server.port}`, {
      ca: certificate().cert,
      servername: 'localhost',
    });
    client.on('error', () => undefined);
    this.#context.after(() => client.destroy());
    return client;
  }

  async openFrames(acknowledge = true): Promise<FrameClient> {
    const client = await FrameClient.open(this.server.port, acknowledge);
    this.#context.after(() => client.socket.destroy());
    return client;
  }
}

/** Default handler: does nothing, so that the exchange stays open. */
export async function listen(
  context: TestContext,
  onExchange: (exchange: Exchange) => void = () => undefined,
  limits: Partial<ServerLimits> = {},
): Promise<Recorded> {
  const timing = new FakeTiming();
  const exchanges: Exchange[] = [];
  const heads: RequestHead[] = [];
  const refusals: string[] = [];
  const closed: Promise<ExchangeOutcome>[] = [];
  const ended: string[] = [];
  const arrived: (() => void)[] = [];
  const server = await listenHttp1(
    { listen: { host: '127.0.0.1', port: 0 }, tls: certificate(), limits: () => ({ ...LIMITS, ...limits }) },
    {
      ...NO_FAULTS,
      onExchange(exchange) {
        const outcome = Promise.withResolvers<ExchangeOutcome>();
        closed.push(outcome.promise);
        heads.push(exchange.head);
        onExchange(exchange);
        const { owner } = exchange;
        exchange.owner = {
          onClose: (how) => {
            owner?.onClose(how);
            outcome.resolve(how);
          },
        };
        exchanges.push(exchange);
        for (const resolve of arrived.splice(0)) resolve();
      },
      onRefused(refusal, detail) {
        refusals.push(`${refusal}: ${detail}`);
        return { head: head(400, ['Content-Type', 'text/plain']), body: Buffer.from(refusal) };
      },
      onCalmed: (why) => ended.push(why),
    },
    timing,
  );
  context.after(() => server.destroy());
  return new Recorded({ server, timing, exchanges, heads, refusals, closed, ended }, context, arrived);
}

/** Takes the whole body, then answers 200 "ok". */
export function answerOk(exchange: Exchange): void {
  const sink = new RecordingSink();
  sink.onOutcome = () => {
    if (sink.outcome === 'end') respondText(exchange, 'ok');
  };
  exchange.body.deliverTo(sink);
}

/** What a client makes of an answer. */
export interface ClientAnswer {
  readonly status: unknown;
  readonly headers: Record<string, unknown>;
  readonly body: string;
  /** Undefined after END_STREAM, else the error's code. */
  readonly error: unknown;
}

export async function readAnswer(stream: ClientHttp2Stream): Promise<ClientAnswer> {
  let headers: Record<string, unknown> = {};
  let error: unknown;
  const chunks: Buffer[] = [];
  stream.on('response', (received) => {
    headers = { ...received };
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', (cause: Error) => {
    error = cause.message;
  });
  await new Promise((resolve) => stream.on('close', resolve));
  return { status: headers[':status'], headers, body: Buffer.concat(chunks).toString('latin1'), error };
}

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;
const ACK = 0x1;
const FRAME_HEAD_BYTES = 9;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(FRAME_HEAD_BYTES);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  return Buffer.concat([bytes, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** RFC 7541 §6.2.2: literal field lines without indexing, new name, no Huffman code. */
export function fieldBlock(lines: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(lines.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

/** RFC 7541 §5.1, §5.2. */
function literal(text: string): Buffer {
  const length: number[] = [];
  let rest = text.length;
  if (rest < 127) length.push(rest);
  else {
    length.push(127);
    for (rest -= 127; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), Buffer.from(text, 'latin1')]);
}

export const GET: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/'],
  [':authority', 'a'],
];
export const POST: typeof GET = [[':method', 'POST'], ...GET.slice(1)];

/** An HTTP/2 client that knows frames and nothing else. */
export class FrameClient {
  readonly socket: TLSSocket;
  readonly frames: Frame[] = [];
  ended = false;
  #held: Buffer = Buffer.alloc(0);
  #pings = 0;
  #wake: (() => void)[] = [];

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', () => undefined);
    const onEnd = (): void => {
      this.ended = true;
      this.#wakeAll();
    };
    socket.on('end', onEnd).on('close', onEnd);
  }

  /** Connects, sends the preface and acknowledges the server's SETTINGS, unless told not to. */
  static async open(port: number, acknowledge: boolean): Promise<FrameClient> {
    const { cert } = certificate();
    const options = { host: '127.0.0.1', port, servername: 'localhost', ca: cert, ALPNProtocols: ['h2'] };
    const socket = connectTls(options).setNoDelay(true);
    await once(socket, 'secureConnect');
    return FrameClient.over(socket, acknowledge);
  }

  /** The same over a connection that has agreed on HTTP/2. */
  static async over(socket: TLSSocket, acknowledge: boolean): Promise<FrameClient> {
    const client = new FrameClient(socket);
    client.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(FRAME.settings, 0, 0));
    await client.first(({ type, flags }) => type === FRAME.settings && flags === 0);
    if (acknowledge) client.send(frame(FRAME.settings, ACK, 0));
    return client;
  }

  send(...frames: Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  request(stream: number, lines: typeof GET, flags = END_STREAM | END_HEADERS): void {
    this.send(frame(FRAME.headers, flags, stream, fieldBlock(lines)));
  }

  /** The first frame of the kind, come or to come; undefined when the connection ends before. */
  async first(isIt: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find(isIt);
      if (found !== undefined || this.ended) return found;
      await this.#more();
    }
  }

  /** Resolves when the server has dealt with everything sent so far, or has hung up. */
  async settled(): Promise<void> {
    this.#pings += 1;
    const payload = Buffer.alloc(8, this.#pings);
    this.send(frame(FRAME.ping, 0, 0, payload));
    await this.first((each) => each.type === FRAME.ping && each.flags === ACK && each.payload.equals(payload));
  }

  /** Resolves when the server has closed the connection. */
  async untilEnd(): Promise<void> {
    while (!this.ended) await this.#more();
  }

  /** Error code of the RST_STREAM for `stream`; undefined if there is none so far. */
  resetCode(stream: number): number | undefined {
    return this.#code(FRAME.reset, stream, 0);
  }

  /** Error code of the last GOAWAY. */
  get goawayCode(): number | undefined {
    return this.#code(FRAME.goaway, 0, 4);
  }

  /** Waits for the RST_STREAM of `stream`. */
  async reset(stream: number): Promise<number | undefined> {
    await this.first((each) => each.type === FRAME.reset && each.stream === stream);
    return this.resetCode(stream);
  }

  /** Waits for the end of `stream`, good or bad; the code of its RST_STREAM, or undefined after END_STREAM. */
  async endOf(stream: number): Promise<number | undefined> {
    await this.first(
      (each) => each.stream === stream && (each.type === FRAME.reset || (each.flags & END_STREAM) !== 0),
    );
    return this.resetCode(stream);
  }

  of(stream: number): Frame[] {
    return this.frames.filter((each) => each.stream === stream);
  }

  #code(type: number, stream: number, at: number): number | undefined {
    return this.frames.findLast((each) => each.type === type && each.stream === stream)?.payload.readUInt32BE(at);
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #onData(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    while (this.#held.length >= FRAME_HEAD_BYTES) {
      const end = FRAME_HEAD_BYTES + this.#held.readUIntBE(0, 3);
      if (this.#held.length < end) break;
      const [type, flags, stream] = [this.#held.readUInt8(3), this.#held.readUInt8(4), this.#held.readUInt32BE(5)];
      this.frames.push({ type, flags, stream, payload: Buffer.from(this.#held.subarray(FRAME_HEAD_BYTES, end)) });
      this.#held = this.#held.subarray(end);
    }
    this.#wakeAll();
  }
}
