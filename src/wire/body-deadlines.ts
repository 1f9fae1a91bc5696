/** How long a request body may take, from one piece to the next and as a whole. A sink that is full is not the client's fault. */
import type { ServerLimits } from './exchange.ts';

/** Whoever knows the time, and the limits of the moment. */
interface Timed {
  readonly nowMs: number;
  readonly limits: ServerLimits;
}

const NEVER = Number.POSITIVE_INFINITY;

export class BodyDeadlines {
  #pieceMs = NEVER;
  #wholeMs = NEVER;
  #stoppedMs = 0;

  /** Bytes are taken from now on. The time of the whole begins with the first call. */
  start({ nowMs, limits }: Timed): void {
    this.#pieceMs = nowMs + limits.readTimeoutMs;
    if (this.#wholeMs === NEVER) this.#wholeMs = nowMs + limits.bodyTimeoutMs;
  }

  /** A piece has come, and more must follow. */
  renew({ nowMs, limits }: Timed): void {
    this.#pieceMs = nowMs + limits.readTimeoutMs;
  }

  /** The sink is full: nobody asks whether a deadline has passed until `resume`. */
  stop({ nowMs }: Timed): void {
    this.#stoppedMs = nowMs;
  }

  resume({ nowMs, limits }: Timed): void {
    this.#pieceMs = nowMs + limits.readTimeoutMs;
    this.#wholeMs += nowMs - this.#stoppedMs;
  }

  passed(nowMs: number): boolean {
    return nowMs >= this.#pieceMs || nowMs >= this.#wholeMs;
  }
}
