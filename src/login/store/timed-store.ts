/** A store whose operations are timed, for `/metrics`. */
import type { Clock } from '../../lib/clock.ts';
import type { Store, Swap } from './store.ts';

/** Of one store, between two that take them: a flood of operations is no reason to keep all of them. */
const MOST_TIMES = 1_000;

export class TimedStore implements Store {
  readonly #store: Store;
  readonly #clock: Clock;
  #seconds: number[] = [];

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** What operations have taken since this was asked last, in seconds; those that failed too. */
  takeSeconds(): readonly number[] {
    const seconds = this.#seconds;
    this.#seconds = [];
    return seconds;
  }

  get(key: string): Promise<string | undefined> {
    return this.#timed(() => this.#store.get(key));
  }

  set(key: string, value: string, endsAtMs: number): Promise<void> {
    return this.#timed(() => this.#store.set(key, value, endsAtMs));
  }

  add(key: string, value: string, endsAtMs: number): Promise<boolean> {
    return this.#timed(() => this.#store.add(key, value, endsAtMs));
  }

  swap(key: string, change: Swap): Promise<boolean> {
    return this.#timed(() => this.#store.swap(key, change));
  }

  take(key: string): Promise<string | undefined> {
    return this.#timed(() => this.#store.take(key));
  }

  remove(key: string): Promise<void> {
    return this.#timed(() => this.#store.remove(key));
  }

  list(prefix: string): AsyncIterable<readonly [key: string, value: string]> {
    return this.#store.list(prefix);
  }

  count(prefix: string): Promise<number> {
    return this.#timed(() => this.#store.count(prefix));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #timed<Outcome>(operation: () => Promise<Outcome>): Promise<Outcome> {
    const beganMs = this.#clock.monotonicMs();
    try {
      return await operation();
    } finally {
      if (this.#seconds.length < MOST_TIMES) this.#seconds.push((this.#clock.monotonicMs() - beganMs) / 1000);
    }
  }
}
