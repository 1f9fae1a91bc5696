/** The body of one request on its way in: decoded, limited, timed, and held back while nobody takes it. RFC 9112 §6. */
import { BodyDeadlines } from '../body-deadlines.ts';
import type { BodyFailure, BodySink, RequestBody, ServerLimits } from '../exchange.ts';
import { type BodyDecoder, LengthDecoder } from './body-decoder.ts';
import { ChunkedDecoder } from './chunked-decoder.ts';

/** What a body needs of its connection. */
export interface BodyConnection {
  readonly nowMs: number;
  readonly limits: ServerLimits;
  /** RFC 9110 §10.1.1: tells a client that waits to send its body. */
  sendContinue(): void;
  /** The sink is full. */
  pauseBody(): void;
  /** The sink takes bytes (again): read on, and deliver what was held back. */
  resumeBody(): void;
  /** The body will never be complete: nothing behind it can be read. */
  bodyFailed(): void;
}

/** An unread body up to this size is read and thrown away so that the connection can be kept. */
const MAX_DISCARDED_BYTES = 65536;

export class IncomingBody implements RequestBody {
  readonly length: number | undefined;
  readonly #connection: BodyConnection;
  readonly #decoder: BodyDecoder;
  readonly #deadlines = new BodyDeadlines();
  #sink: BodySink | undefined = undefined;
  #state: 'unread' | 'flowing' | 'full' | 'complete' | 'failed' = 'unread';
  #expectsContinue: boolean;
  #taken = 0;
  #discardable = 0;

  constructor(connection: BodyConnection, length: number | undefined, expectsContinue: boolean) {
    this.#connection = connection;
    this.length = length;
    this.#expectsContinue = expectsContinue;
    const { maxBodyBytes, maxHeaderBytes } = connection.limits;
    this.#decoder =
      length === undefined
        ? new ChunkedDecoder({ maxBodyBytes, maxTrailerBytes: maxHeaderBytes })
        : new LengthDecoder(length);
  }

  get complete(): boolean {
    return this.#state === 'complete';
  }

  /** True when `read` may be called. */
  get flowing(): boolean {
    return this.#state === 'flowing';
  }

  /** True when nothing is missing, or (as far as is known) so little that it can be read and thrown away. */
  get discardable(): boolean {
    if (this.#state === 'complete') return true;
    // RFC 9110 §10.1.1: a client that was never told to go on may send the body or leave it out.
    if (this.#state === 'failed' || this.#expectsContinue) return false;
    return this.length === undefined || this.length - this.#taken <= MAX_DISCARDED_BYTES;
  }

  /** True when somebody takes the body, so that it may well be complete before its answer is. */
  get delivered(): boolean {
    return this.#sink !== undefined;
  }

  deliverTo(sink: BodySink): void {
    this.#sink = sink;
    // RFC 9110 §15.5.14: too large by its own word, before a byte of it is read.
    if (this.#state === 'failed') this.#abortSink('client_closed');
    else if (this.length !== undefined && this.length > this.#connection.limits.maxBodyBytes) {
      this.fail('payload_too_large');
    } else {
      sink.onDrain = this.#onDrain;
      this.#flow();
      if (this.#expectsContinue) this.#connection.sendContinue();
      this.#expectsContinue = false;
      this.#connection.resumeBody();
    }
  }

  /** Reads the rest without a receiver; one that is still there hears that it is cut off. */
  discard(): void {
    this.#abortSink('client_closed');
    this.#discardable = MAX_DISCARDED_BYTES;
    this.#flow();
    this.#connection.resumeBody();
  }

  /** Takes bytes of the connection from `from` on; returns where the body left off. Only while `flowing`. */
  read(chunk: Buffer, from: number): number {
    let at = from;
    for (;;) {
      const step = this.#decoder.next(chunk, at);
      at = this.#decoder.position;
      if (step === 'data') {
        this.#deliver(chunk, this.#decoder.dataStart, at);
        if (this.#state === 'failed') return at;
      } else {
        if (step === 'end') this.#end();
        else if (step === 'too_large') this.fail('payload_too_large');
        else if (step === 'malformed') this.fail('malformed_request');
        return at;
      }
    }
  }

  /** The body will never be complete. */
  fail(failure: BodyFailure): void {
    if (this.#state === 'complete' || this.#state === 'failed') return;
    this.#state = 'failed';
    this.#abortSink(failure);
    this.#connection.bodyFailed();
  }

  checkDeadlines(nowMs: number): void {
    if (this.#state === 'flowing' && this.#deadlines.passed(nowMs)) this.fail('request_timeout');
  }

  #flow(): void {
    this.#state = 'flowing';
    this.#deadlines.run(this.#connection);
  }

  #deliver(chunk: Buffer, start: number, end: number): void {
    this.#taken += end - start;
    if (this.#taken !== this.length) this.#deadlines.renew(this.#connection);
    if (this.#sink === undefined) {
      this.#discardable -= end - start;
      if (this.#discardable < 0) this.fail('payload_too_large');
      return;
    }
    const whole = start === 0 && end === chunk.length;
    if (this.#sink.write(whole ? chunk : chunk.subarray(start, end)) || this.#state !== 'flowing') return;
    this.#state = 'full';
    this.#deadlines.stop(this.#connection);
    this.#connection.pauseBody();
  }

  #end(): void {
    this.#state = 'complete';
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.end();
  }

  #abortSink(failure: BodyFailure): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.abort(failure);
  }

  readonly #onDrain = (): void => {
    if (this.#state !== 'full') return;
    this.#flow();
    this.#connection.resumeBody();
  };
}
