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
  #stoppedMs: number | undefined = undefined;

  /** Bytes are taken from now on, for the first time or again. */
  run(timed: Timed): void {
    const { nowMs, limits } = timed;
    this.renew(timed);
    if (this.#wholeMs === NEVER) this.#wholeMs = nowMs + limits.bodyTimeoutMs;
    else this.#wholeMs += nowMs - (this.#stoppedMs ?? nowMs);
    this.#stoppedMs = undefined;
  }

  /** A piece has come, and more must follow. */
  renew({ nowMs, limits }: Timed): void {
    this.#pieceMs = nowMs + limits.readTimeoutMs;
  }

  /** The sink is full. Until `run` nobody may ask whether a deadline has passed. */
  stop({ nowMs }: Timed): void {
    this.#stoppedMs = nowMs;
  }

  passed(nowMs: number): boolean {
    return nowMs >= this.#pieceMs || nowMs >= this.#wholeMs;
  }
}
