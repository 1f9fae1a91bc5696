/** Deadlines without a timer per request: one sweep looks at every connection a few times a second. */
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Contained } from '../contain.ts';

/** Where time and repetition come from; tests pass their own. */
export interface Timing {
  readonly clock: Clock;
  /** Calls `run` every `periodMs` until the returned function is called; never keeps the process alive. */
  repeat(run: () => void, periodMs: number): () => void;
  /** Calls `run` once, when the events that have come so far have been dealt with. */
  afterEvents(run: () => void): void;
}

export const systemTiming: Timing = {
  clock: systemClock,
  repeat: (run, periodMs) => {
    const timer = setInterval(run, periodMs).unref();
    return () => clearInterval(timer);
  },
  afterEvents: (run) => void setImmediate(run),
};

/** Something with deadlines. */
export interface Watched extends Contained {
  checkDeadlines(nowMs: number): void;
}

const LONGEST_PERIOD_MS = 500;
const SHORTEST_PERIOD_MS = 5;

export class Sweep {
  readonly #watched = new Set<Watched>();
  readonly #timing: Timing;
  readonly #periodMs: number;
  #stop: (() => void) | undefined = undefined;
  #lastTickMs = 0;

  /** `shortestMs` is the shortest time that anybody asks for: a deadline is met within an eighth of it. */
  constructor(timing: Timing, shortestMs: number) {
    this.#timing = timing;
    this.#periodMs = Math.min(LONGEST_PERIOD_MS, Math.max(SHORTEST_PERIOD_MS, shortestMs / 8));
  }

  get nowMs(): number {
    return this.#timing.clock.monotonicMs();
  }

  add(watched: Watched): void {
    this.#watched.add(watched);
    if (this.#stop !== undefined) return;
    this.#lastTickMs = this.nowMs;
    this.#stop = this.#timing.repeat(() => this.#tick(), this.#periodMs);
  }

  delete(watched: Watched): void {
    this.#watched.delete(watched);
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /**
   * A tick that comes late comes after a standstill: a paused container, a processor that is throttled. Timers are called
   * before sockets are read, so what was sent in the meantime lies there still and would be taken for missing.
   */
  #tick(): void {
    const nowMs = this.nowMs;
    const isLate = nowMs - this.#lastTickMs > 2 * this.#periodMs;
    this.#lastTickMs = nowMs;
    if (isLate) this.#timing.afterEvents(() => this.#run());
    else this.#run();
  }

  #run(): void {
    if (this.#stop === undefined) return;
    const nowMs = this.nowMs;
    for (const watched of this.#watched) {
      try {
        watched.checkDeadlines(nowMs);
      } catch (error) {
        watched.onBug(error);
      }
    }
  }
}
