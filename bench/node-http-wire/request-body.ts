/** A request body: limits, timers and backpressure between the parser and a sink. RFC 9112 §6.3, RFC 9110 §10.1.1. */
import type { IncomingMessage } from 'node:http';
import type { BodyFailure, BodySink, RequestBody, ServerLimits } from '../../src/wire/exchange.ts';

/** What the body needs to know beside the message. */
export interface RequestBodyOptions {
  /** 0 = none, undefined = chunked. */
  readonly length: number | undefined;
  readonly limits: ServerLimits;
  /** Answers a waiting `Expect: 100-continue`; undefined when the client does not wait. */
  readonly sendContinue: (() => void) | undefined;
  /** Called after the sink, when the rest of the body will not be read. */
  onFailed(): void;
}

type BodyState = 'waiting' | 'delivering' | 'complete' | 'failed';

/** Delivers at most once; every end of it, good or bad, is told to the sink exactly once. */
export class NodeRequestBody implements RequestBody {
  readonly length: number | undefined;
  readonly #message: IncomingMessage;
  readonly #options: RequestBodyOptions;
  #state: BodyState;
  #failure: BodyFailure | undefined;
  #sink: BodySink | undefined;
  #received = 0;
  #pauseTimer: NodeJS.Timeout | undefined;
  #wholeTimer: NodeJS.Timeout | undefined;

  constructor(message: IncomingMessage, options: RequestBodyOptions) {
    this.#message = message;
    this.#options = options;
    this.length = options.length;
    this.#state = options.length === 0 ? 'complete' : 'waiting';
  }

  /** True while bytes of this body may still come. */
  get incomplete(): boolean {
    return this.#state !== 'complete';
  }

  /** True when the rest cannot be read, or may never come, so that no further request can follow on the connection. */
  get unreadable(): boolean {
    if (this.#state === 'failed') return true;
    return this.#state === 'waiting' && (this.#declaredTooLarge || this.#options.sendContinue !== undefined);
  }

  get waiting(): boolean {
    return this.#state === 'waiting';
  }

  deliverTo(sink: BodySink): void {
    if (this.#state === 'complete') return sink.end();
    if (this.#failure !== undefined) return sink.abort(this.#failure);
    this.#sink = sink;
    if (this.#declaredTooLarge) return this.fail('payload_too_large');
    this.#state = 'delivering';
    this.#options.sendContinue?.();
    const { limits } = this.#options;
    this.#wholeTimer = setTimeout(() => this.fail('request_timeout'), limits.bodyTimeoutMs);
    this.#pauseTimer = setTimeout(() => this.fail('request_timeout'), limits.readTimeoutMs);
    sink.onDrain = () => this.#resume();
    this.#message.on('end', () => this.#onEnd());
    this.#message.on('data', (chunk: Buffer) => this.#onData(sink, chunk));
  }

  /** Reads and drops the body, within the same limits. */
  drain(): void {
    this.deliverTo({ write: () => true, end: () => undefined, abort: () => undefined, onDrain: undefined });
  }

  /** Ends the body badly, once; bytes that still come are not read. */
  fail(failure: BodyFailure): void {
    if (this.#state === 'complete' || this.#state === 'failed') return;
    this.#state = 'failed';
    this.#failure = failure;
    this.#stopTimers();
    this.#message.pause();
    this.#sink?.abort(failure);
    this.#options.onFailed();
  }

  /** Lets what still comes flow into nothing while the connection is being closed. */
  discardRest(): void {
    this.#message.removeAllListeners('data');
    this.#message.resume();
  }

  get #declaredTooLarge(): boolean {
    return this.length !== undefined && this.length > this.#options.limits.maxBodyBytes;
  }

  #onData(sink: BodySink, chunk: Buffer): void {
    if (this.#state !== 'delivering') return;
    this.#received += chunk.length;
    if (this.#received > this.#options.limits.maxBodyBytes) return this.fail('payload_too_large');
    this.#pauseTimer?.refresh();
    if (sink.write(chunk) || this.#state !== 'delivering') return;
    // While the sink is full the client cannot send: its pauses are not its own.
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = undefined;
    this.#message.pause();
  }

  #resume(): void {
    if (this.#state !== 'delivering' || this.#pauseTimer !== undefined) return;
    this.#pauseTimer = setTimeout(() => this.fail('request_timeout'), this.#options.limits.readTimeoutMs);
    this.#message.resume();
  }

  #onEnd(): void {
    if (this.#state !== 'delivering') return;
    this.#state = 'complete';
    this.#stopTimers();
    this.#sink?.end();
  }

  #stopTimers(): void {
    clearTimeout(this.#pauseTimer);
    clearTimeout(this.#wholeTimer);
  }
}
