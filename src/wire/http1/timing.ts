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
  readonly #clock: Clock;
  readonly #start: () => () => void;
  #stop: (() => void) | undefined = undefined;

  /** `shortestMs` is the shortest time that anybody asks for: a deadline is met within an eighth of it. */
  constructor(timing: Timing, shortestMs: number) {
    this.#clock = timing.clock;
    const periodMs = Math.min(LONGEST_PERIOD_MS, Math.max(SHORTEST_PERIOD_MS, shortestMs / 8));
    this.#start = () => timing.repeat(() => this.#run(), periodMs);
  }

  get nowMs(): number {
    return this.#clock.monotonicMs();
  }

  add(watched: Watched): void {
    this.#watched.add(watched);
    this.#stop ??= this.#start();
  }

  delete(watched: Watched): void {
    this.#watched.delete(watched);
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #run(): void {
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
