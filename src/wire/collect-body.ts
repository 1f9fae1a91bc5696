/** A whole request body in memory, for the few requests that Obex answers by itself. RFC 9110 §6.4. */
import type { BodyFailure, BodySink, RequestBody } from './exchange.ts';

/** Why there is no body; `backend_closed` is never said of a request's. */
type CollectFailure = BodyFailure | 'backend_closed';

/** Calls `onEnd` once. A body that says by itself that it is too large is not read. */
export function collectBody(
  body: RequestBody,
  maxBytes: number,
  onEnd: (outcome: Uint8Array | CollectFailure) => void,
): void {
  if (body.length !== undefined && body.length > maxBytes) return onEnd('payload_too_large');
  body.deliverTo(new Collector(maxBytes, onEnd));
}

const FIRST_BYTES = 1_024;

/** Copies: a piece of a few bytes may be a view of a large buffer, and a client chooses how many pieces there are. */
class Collector implements BodySink {
  onDrain: (() => void) | undefined = undefined;
  readonly #maxBytes: number;
  #onEnd: ((outcome: Uint8Array | CollectFailure) => void) | undefined;
  #bytes = new Uint8Array(0);
  #used = 0;

  constructor(maxBytes: number, onEnd: (outcome: Uint8Array | CollectFailure) => void) {
    this.#maxBytes = maxBytes;
    this.#onEnd = onEnd;
  }

  write(chunk: Uint8Array): boolean {
    const needed = this.#used + chunk.length;
    if (this.#onEnd === undefined) return true;
    if (needed > this.#maxBytes) this.#finish('payload_too_large');
    else {
      if (needed > this.#bytes.length) this.#grow(needed);
      this.#bytes.set(chunk, this.#used);
      this.#used = needed;
    }
    return true;
  }

  end(): void {
    this.#finish(this.#bytes.subarray(0, this.#used));
  }

  abort(failure: CollectFailure): void {
    this.#finish(failure);
  }

  #grow(needed: number): void {
    const wanted = Math.max(FIRST_BYTES, needed, Math.min(2 * this.#bytes.length, this.#maxBytes));
    const larger = new Uint8Array(wanted);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  #finish(outcome: Uint8Array | CollectFailure): void {
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    this.#bytes = new Uint8Array(0);
    onEnd?.(outcome);
  }
}
