/** Numbers that the threads of one process keep together: each writes cells of its own, whoever reads sums all. */

/**
 * One writer for each cell, so nothing is locked. Cells are aligned 64-bit words, which the platforms that Obex runs on
 * read whole. A sum may miss what is being written just now, and nothing older.
 */
export class Cells {
  readonly #own: Float64Array;
  readonly #all: readonly Float64Array[];

  constructor(own: Float64Array, all: readonly Float64Array[] = [own]) {
    this.#own = own;
    this.#all = all;
  }

  add(cell: number, amount: number): void {
    this.#own[cell] = (this.#own[cell] ?? 0) + amount;
  }

  /** For what is a state and no count. */
  set(cell: number, value: number): void {
    this.#own[cell] = value;
  }

  /** Over all threads. */
  sum(cell: number): number {
    let sum = 0;
    for (const cells of this.#all) sum += cells[cell] ?? 0;
    return sum;
  }

  /** The cells from `first` on, renumbered from 0. */
  slice(first: number, count: number): Cells {
    const part = (cells: Float64Array): Float64Array => cells.subarray(first, first + count);
    return new Cells(part(this.#own), this.#all.map(part));
  }
}
