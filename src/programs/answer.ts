/** The answer to one POST: JSON when the first that comes is the response, server-sent events otherwise. MCP 2025-11-25, 2026-07-28 transports. */
import type { Exchange, ExchangeOwner, FieldLines } from '../wire/exchange.ts';
import type { Accepted } from './accept.ts';
import type { Flow } from './flow.ts';
import { respondJson } from './respond.ts';
import { type Ringing, SseStream } from './sse-stream.ts';

export interface AnswerOptions {
  readonly flow: Flow;
  readonly keepAlive: Ringing;
  /** On whatever is answered: the session's id. */
  readonly fields: FieldLines;
  readonly accepts: Accepted;
  /** The head is sent before there is a message: whoever waits in between wants to know that it was understood. */
  onStream(stream: SseStream): void;
  /** The client went away, or it has all. */
  onClose(isGone: boolean): void;
}

/** How long the response may take to be JSON. */
const JSON_MS = 1_000;
export const EVENT_FIELDS: FieldLines = [
  'Content-Type',
  'text/event-stream',
  'Cache-Control',
  'no-cache, no-transform',
  'X-Accel-Buffering',
  'no',
];

export class Answer implements ExchangeOwner {
  readonly #exchange: Exchange;
  readonly #options: AnswerOptions;
  readonly #timer: NodeJS.Timeout;
  #stream: SseStream | undefined;
  /** Bytes that the client has not read, as far as is known. */
  #waiting = 0;
  #isOver = false;

  constructor(exchange: Exchange, options: AnswerOptions) {
    this.#exchange = exchange;
    this.#options = options;
    exchange.owner = this;
    this.#timer = setTimeout(() => void this.stream(), JSON_MS).unref();
  }

  /** Nobody waits for it any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether messages can be sent before the response. */
  get canStream(): boolean {
    return !this.#isOver && this.#options.accepts.events;
  }

  /** The only message, as long as nothing has been sent. False when it has to be an event. */
  respond(json: Buffer, status: number, fields = this.#options.fields): boolean {
    if (this.#isOver || this.#stream !== undefined || !this.#options.accepts.json) return false;
    clearTimeout(this.#timer);
    if (!respondJson(this.#exchange, { status, json, fields })) this.#wait(json.length);
    return true;
  }

  /** Begins the stream if it has not begun; undefined for a client that takes none, and for none at all. */
  stream(): SseStream | undefined {
    if (this.#stream !== undefined || this.#isOver || !this.#options.accepts.events) return this.#stream;
    clearTimeout(this.#timer);
    const fields = [...EVENT_FIELDS, ...this.#options.fields];
    const sink = this.#exchange.respond({ status: 200, reason: '', fields, length: undefined });
    this.#stream = new SseStream(sink, this.#options.flow, this.#options.keepAlive);
    this.#options.onStream(this.#stream);
    return this.#stream;
  }

  onClose(outcome: 'complete' | 'aborted'): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#stream?.release();
    this.#wait(-this.#waiting);
    this.#options.onClose(outcome === 'aborted');
  }

  #wait(bytes: number): void {
    this.#waiting += bytes;
    this.#options.flow.add(bytes);
  }
}
