/** A response body on its way from the parser to a sink; an incomplete one is never ended. RFC 9112 §8. */
import type { IncomingMessage } from 'node:http';
import type { BodyFailure, BodySink } from '../../src/wire/exchange.ts';

// An unwanted body up to this size is read to keep the connection; a longer or endless one costs more than a new one.
const MAX_DISCARDED_BYTES = 65_536;

/** Calls `onOver` once, with whether the response was complete, right before the sink hears of it. */
export class ResponseRelay {
  readonly #message: IncomingMessage;
  readonly #length: number | undefined;
  readonly #onOver: (complete: boolean) => void;
  #sink: BodySink | undefined;
  #over = false;

  constructor(message: IncomingMessage, length: number | undefined, onOver: (complete: boolean) => void) {
    this.#message = message;
    this.#length = length;
    this.#onOver = onOver;
  }

  /** Begins to read; without a sink the body is dropped. */
  start(sink: BodySink | undefined): void {
    const message = this.#message;
    if (this.#over) return;
    this.#sink = sink;
    message.on('end', () => this.#settle(message.complete));
    message.on('close', () => this.#settle(false));
    if (sink === undefined) {
      if (this.#length === undefined || this.#length > MAX_DISCARDED_BYTES) this.#settle(false);
      else message.resume();
      return;
    }
    sink.onDrain = () => message.resume();
    message.on('data', (chunk: Buffer) => {
      if (!this.#over && !sink.write(chunk)) message.pause();
    });
  }

  /** Passes on that the body will never be complete. */
  abort(failure: BodyFailure | 'backend_closed'): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink?.abort(failure);
  }

  /** Silences the relay: the one who wanted the body is gone. */
  cancel(): void {
    this.#over = true;
  }

  #settle(complete: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#onOver(complete);
    if (complete) this.#sink?.end();
    else this.#sink?.abort('backend_closed');
  }
}
