/** Which entries end next: a binary heap in which each entry knows its place. O(log n) to add and to remove. */

export interface Ending {
  readonly endsAtMs: number;
  /** Where it is in the heap; written by `EndOrder` alone. */
  place: number;
}

export class EndOrder<Item extends Ending> {
  readonly #heap: Item[] = [];

  get first(): Item | undefined {
    return this.#heap[0];
  }

  add(item: Item): void {
    this.#heap.push(item);
    this.#rise(item, this.#heap.length - 1);
  }

  remove(item: Item): void {
    const last = this.#heap.pop();
    if (last === undefined || last === item) return;
    this.#rise(last, item.place);
    this.#sink(last);
  }

  /** Puts `item` at `place` or as far above it as it belongs. */
  #rise(item: Item, place: number): void {
    let at = place;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || parent.endsAtMs <= item.endsAtMs) break;
      this.#put(parent, at);
      at = above;
    }
    this.#put(item, at);
  }

  #sink(item: Item): void {
    let at = item.place;
    for (let child = this.#earlierChild(at); child !== undefined; child = this.#earlierChild(at)) {
      if (item.endsAtMs <= child.endsAtMs) break;
      const below = child.place;
      this.#put(child, at);
      at = below;
    }
    this.#put(item, at);
  }

  #earlierChild(at: number): Item | undefined {
    const left = this.#heap[2 * at + 1];
    const right = this.#heap[2 * at + 2];
    if (left === undefined || right === undefined) return left;
    return right.endsAtMs < left.endsAtMs ? right : left;
  }

  #put(item: Item, at: number): void {
    this.#heap[at] = item;
    item.place = at;
  }
}
