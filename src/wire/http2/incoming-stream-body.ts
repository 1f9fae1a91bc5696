/** The body of one HTTP/2 request on its way in: limited, timed, and held back by flow control while nobody takes it. RFC 9113 §5.2, §8.1. */
import type { ServerHttp2Stream } from 'node:http2';
import { BodyDeadlines } from '../body-deadlines.ts';
import { type Contained, contained } from '../contain.ts';
import type { BodyFailure, BodySink, RequestBody, ServerLimits } from '../exchange.ts';
import { countRead } from './waiting-pieces.ts';

/** What a body needs of its connection. */
export interface StreamBodyContext extends Contained {
  readonly nowMs: number;
  readonly limits: ServerLimits;
  /** RFC 9110 §10.1.1: tells a client that waits to send its body. Undefined when none waits. */
  readonly sendContinue: (() => void) | undefined;
}

export class IncomingStreamBody implements RequestBody {
  readonly length: number | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #context: StreamBodyContext;
  readonly #deadlines = new BodyDeadlines();
  #sink: BodySink | undefined = undefined;
  #state: 'unread' | 'flowing' | 'full' | 'complete' | 'failed';
  #taken = 0;

  constructor(stream: ServerHttp2Stream, length: number | undefined, context: StreamBodyContext) {
    this.#stream = stream;
    this.length = length;
    this.#context = context;
    this.#state = length === 0 ? 'complete' : 'unread';
  }

  deliverTo(sink: BodySink): void {
    if (this.#state === 'complete') {
      sink.end();
      return;
    }
    this.#sink = sink;
    const { limits, sendContinue } = this.#context;
    // RFC 9110 §15.5.14: too large by its own word, before a byte of it is read.
    if (this.#state === 'failed') this.#abortSink('client_closed');
    else if (this.length !== undefined && this.length > limits.maxBodyBytes) this.fail('payload_too_large');
    else {
      sink.onDrain = this.#onDrain;
      this.#state = 'flowing';
      this.#deadlines.run(this.#context);
      if (this.#stream.readableLength === 0) sendContinue?.();
      const { onData, onEnd } = this.#listeners();
      this.#stream.on('data', onData);
      this.#stream.on('end', onEnd);
    }
  }

  #listeners() {
    return {
      onData: contained(this.#context, (chunk: Buffer) => this.#onData(chunk)),
      onEnd: contained(this.#context, () => this.#onEnd()),
    };
  }

  /** The body will never be complete. The window is not opened any further, so that the client stops sending. */
  fail(failure: BodyFailure): void {
    if (this.#state === 'complete' || this.#state === 'failed') return;
    this.#state = 'failed';
    this.#stream.pause();
    this.#abortSink(failure);
  }

  /** The answer is complete, and nobody has asked for the body: what comes of it is not kept while the answer waits. */
  forgo(): void {
    if (this.#state === 'unread') this.discard();
  }

  /** Nobody will take the rest; what has come of it is thrown away, for the stream to end. */
  discard(): void {
    this.fail('client_closed');
    this.#stream.resume();
  }

  checkDeadlines(nowMs: number): void {
    if (this.#state === 'flowing' && this.#deadlines.passed(nowMs)) this.fail('request_timeout');
  }

  #onData(chunk: Buffer): void {
    countRead(this.#stream);
    if (this.#state !== 'flowing') return;
    this.#taken += chunk.length;
    // §8.1.1: more than announced. The session notices too, and earlier; the backend must not depend on it.
    if (this.length !== undefined && this.#taken > this.length) return this.fail('malformed_request');
    if (this.#taken > this.#context.limits.maxBodyBytes) return this.fail('payload_too_large');
    if (this.#taken !== this.length) this.#deadlines.renew(this.#context);
    if (this.#sink?.write(chunk) !== false || this.#state !== 'flowing') return;
    this.#state = 'full';
    this.#deadlines.stop(this.#context);
    this.#stream.pause();
  }

  /** `node:http2` ends the readable side of a stream that was reset as well: only an open one has had its END_STREAM. */
  #onEnd(): void {
    if (this.#state !== 'flowing') return;
    if (this.#stream.closed) return this.fail('client_closed');
    if (this.length !== undefined && this.#taken !== this.length) return this.fail('malformed_request');
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
    this.#state = 'flowing';
    this.#deadlines.run(this.#context);
    this.#stream.resume();
  };
}
