/** A count that every thread of the process may share: how many of something there are now. */

export class Tally {
  readonly #cell: Int32Array;

  /** `cell`: one element that several threads hold; without it the count is this thread's own. */
  constructor(cell: Int32Array = new Int32Array(1)) {
    this.#cell = cell;
  }

  get total(): number {
    return Atomics.load(this.#cell, 0);
  }

  /** Returns the total with this one. */
  add(): number {
    return Atomics.add(this.#cell, 0, 1) + 1;
  }

  /** Returns the total without this one. */
  remove(): number {
    return Atomics.sub(this.#cell, 0, 1) - 1;
  }

  /** Adds one unless `most` are there; one atomic step, so that no two threads take the last place. */
  addUpTo(most: number): boolean {
    if (this.add() <= most) return true;
    this.remove();
    return false;
  }
}

/** A count that is part of a larger one. */
export class PartTally {
  readonly #own: Tally;
  readonly #whole: Tally;

  constructor(own: Tally, whole: Tally) {
    this.#own = own;
    this.#whole = whole;
  }

  get total(): number {
    return this.#own.total;
  }

  remove(): number {
    this.#whole.remove();
    return this.#own.remove();
  }

  /** Adds one to both unless `most` are in the part. */
  addUpTo(most: number): boolean {
    if (!this.#own.addUpTo(most)) return false;
    this.#whole.add();
    return true;
  }
}
