/** One answer of server-sent events: messages in order, and what of them waits for a slow reader. WHATWG HTML §9.2. */
import type { BodySink } from '../wire/exchange.ts';
import type { Flow } from './flow.ts';
import { inOneLine } from './json-span.ts';

/** What is needed of a clock that rings now and then: `KeepAlive`. */
export interface Ringing {
  add(stream: SseStream): void;
  delete(stream: SseStream): void;
}

const DATA = Buffer.from('data: ');
const EVENT_END = Buffer.from('\n\n');
const COMMENT = Buffer.from(': keepalive\n\n');

export class SseStream {
  readonly #sink: BodySink;
  readonly #flow: Flow;
  readonly #keepAlive: Ringing;
  #waiting = 0;
  #isOver = false;

  constructor(sink: BodySink, flow: Flow, keepAlive: Ringing) {
    this.#sink = sink;
    this.#flow = flow;
    this.#keepAlive = keepAlive;
    sink.onDrain = () => this.#settle();
    keepAlive.add(this);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** `id`: by which the stream is taken up again behind this message. */
  message(json: Buffer, id: string | undefined): void {
    const head = id === undefined ? 'event: message\n' : `event: message\nid: ${id}\n`;
    this.#write(Buffer.concat([Buffer.from(head), DATA, inOneLine(json), EVENT_END]));
  }

  /** MCP 2025-11-25 transports: an event id and empty data, so that the client can come back before any message. */
  prime(id: string): void {
    this.#write(Buffer.from(`id: ${id}\ndata: \n\n`));
  }

  /** Connections that are silent are cut by many a proxy. */
  keepAlive(): void {
    // Whoever does not read needs none.
    if (this.#waiting === 0) this.#write(COMMENT);
  }

  end(): void {
    if (this.#isOver) return;
    this.release();
    this.#sink.end();
  }

  /** The client is gone, or it has all. */
  release(): void {
    this.#isOver = true;
    this.#keepAlive.delete(this);
    this.#settle();
  }

  #write(bytes: Buffer): void {
    if (this.#isOver) return;
    const takesMore = this.#sink.write(bytes);
    if (takesMore && this.#waiting === 0) return;
    this.#waiting += bytes.length;
    this.#flow.add(bytes.length);
  }

  #settle(): void {
    this.#flow.add(-this.#waiting);
    this.#waiting = 0;
  }
}
