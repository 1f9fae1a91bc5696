/** A request body of at most so many bytes, where the engine lets in more for other servers. RFC 9110 §15.5.14. */
import type { BodyFailure, BodySink, RequestBody } from '../wire/exchange.ts';

export function boundBody(body: RequestBody, maxBytes: number): RequestBody {
  if (body.length !== undefined) {
    return body.length <= maxBytes
      ? body
      : { length: body.length, deliverTo: (sink) => sink.abort('payload_too_large') };
  }
  return { length: undefined, deliverTo: (sink) => body.deliverTo(new BoundedSink(sink, maxBytes)) };
}

class BoundedSink implements BodySink {
  readonly #sink: BodySink;
  #left: number;

  constructor(sink: BodySink, maxBytes: number) {
    this.#sink = sink;
    this.#left = maxBytes;
  }

  get onDrain(): (() => void) | undefined {
    return this.#sink.onDrain;
  }

  set onDrain(onDrain: (() => void) | undefined) {
    this.#sink.onDrain = onDrain;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#left < 0) return false;
    this.#left -= chunk.length;
    if (this.#left >= 0) return this.#sink.write(chunk);
    this.#sink.abort('payload_too_large');
    return false;
  }

  end(): void {
    if (this.#left >= 0) this.#sink.end();
  }

  abort(failure: BodyFailure | 'backend_closed'): void {
    if (this.#left >= 0) this.#sink.abort(failure);
  }
}
