/** One answer for all who ask, kept for a while, and asked for again after a pause when it failed. */
import type { Clock } from '../../lib/clock.ts';
import { RetryPause } from '../../state/retry-pause.ts';

export interface RememberedOptions<T> {
  readonly ask: () => Promise<T>;
  readonly forMs: number;
  readonly clock: Clock;
  /** Returns numbers from 0 up to 1. */
  readonly random: () => number;
}

export class Remembered<T> {
  readonly #options: RememberedOptions<T>;
  readonly #pause: RetryPause;
  #known: { readonly value: T; readonly untilMs: number } | undefined;
  #failure: { readonly error: unknown; readonly untilMs: number } | undefined;
  #underWay: Promise<T> | undefined;

  constructor(options: RememberedOptions<T>) {
    this.#options = options;
    this.#pause = new RetryPause(options.random);
  }

  /** Rejects as `ask` does; during a pause at once, with the error before it. */
  async get(): Promise<T> {
    const now = this.#options.clock.monotonicMs();
    if (this.#known !== undefined && now < this.#known.untilMs) return this.#known.value;
    if (this.#failure !== undefined && now < this.#failure.untilMs) throw this.#failure.error;
    this.#underWay ??= this.#ask();
    return this.#underWay;
  }

  async #ask(): Promise<T> {
    const { ask, forMs, clock } = this.#options;
    try {
      const value = await ask();
      this.#known = { value, untilMs: clock.monotonicMs() + forMs };
      this.#failure = undefined;
      this.#pause.reset();
      return value;
    } catch (error) {
      this.#failure = { error, untilMs: clock.monotonicMs() + this.#pause.next() };
      throw error;
    } finally {
      this.#underWay = undefined;
    }
  }
}
