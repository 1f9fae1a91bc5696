/** One timer for all open event streams, and none while there is none. WHATWG HTML §9.2.7. */
import type { Ringing, SseStream } from './sse-stream.ts';

const PERIOD_MS = 15_000;

export class KeepAlive implements Ringing {
  readonly #streams = new Set<SseStream>();
  #timer: NodeJS.Timeout | undefined;

  add(stream: SseStream): void {
    this.#streams.add(stream);
    this.#timer ??= setInterval(() => this.#ring(), PERIOD_MS).unref();
  }

  delete(stream: SseStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #ring(): void {
    for (const stream of this.#streams) stream.keepAlive();
  }
}
