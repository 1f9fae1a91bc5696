/** A line in front of a few places, fair among those who stand in it: whoever brings much waits behind what is his own. */

export interface FairLineOptions {
  readonly places: number;
  /** How many may wait, of all and of each. */
  readonly mostWaiting: number;
  readonly mostOfOne: number;
  /** How long one waits at most. */
  readonly waitMs: number;
}

interface Waiter {
  admit(isAdmitted: boolean): void;
}

export class FairLine {
  readonly #options: FairLineOptions;
  /** By who they are of; the first is next. */
  readonly #queues = new Map<string, Waiter[]>();
  #free: number;
  #waiting = 0;

  constructor(options: FairLineOptions) {
    this.#options = options;
    this.#free = options.places;
  }

  /** True when there is a place, to be given back by `leave`; false when the line is too long, or the wait was. */
  enter(whose: string): boolean | Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1;
      return true;
    }
    const { mostWaiting, mostOfOne } = this.#options;
    const queue = this.#queues.get(whose) ?? [];
    if (this.#waiting >= mostWaiting || queue.length >= mostOfOne) return false;
    return new Promise((resolve) => this.#queue(whose, queue, resolve));
  }

  leave(): void {
    const [next] = this.#queues;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    const [whose, queue] = next;
    const [first] = queue;
    // Whoever has more to come stands behind all others again.
    this.#queues.delete(whose);
    this.#queues.set(whose, queue);
    first?.admit(true);
  }

  #queue(whose: string, queue: Waiter[], resolve: (isAdmitted: boolean) => void): void {
    const timer = setTimeout(() => waiter.admit(false), this.#options.waitMs).unref();
    const waiter: Waiter = {
      admit: (isAdmitted) => {
        clearTimeout(timer);
        queue.splice(queue.indexOf(waiter), 1);
        this.#waiting -= 1;
        if (queue.length === 0) this.#queues.delete(whose);
        resolve(isAdmitted);
      },
    };
    queue.push(waiter);
    this.#queues.set(whose, queue);
    this.#waiting += 1;
  }
}
