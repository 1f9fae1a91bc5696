/** When bytes leave: once in a turn of the event loop, for all connections together. */
import type { Contained } from '../contain.ts';
import type { Timing } from './timing.ts';

/** Something with bytes to hand to its socket. */
export interface Flushable extends Contained {
  /** The turn of the event loop is over: what has been written in it may leave. */
  onTurnEnd(): void;
}

/**
 * Every event of the turn is dealt with first. A write wakes the process at the other end, which costs this one as much as
 * the write itself; a process that the first write of a turn is just waking is not woken by the others.
 */
export class Outbox {
  readonly #timing: Timing;
  #waiting: Flushable[] = [];

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  add(writer: Flushable): void {
    this.#waiting.push(writer);
    if (this.#waiting.length === 1) this.#timing.afterEvents(this.#flush);
  }

  readonly #flush = (): void => {
    const writers = this.#waiting;
    this.#waiting = [];
    for (const writer of writers) {
      try {
        writer.onTurnEnd();
      } catch (error) {
        writer.onBug(error);
      }
    }
  };
}
