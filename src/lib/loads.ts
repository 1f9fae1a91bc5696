/** What each of many has under way, counted and bounded for each: requests, and the streams among them. */

/** What one of them has under way. */
export interface Load {
  /** Counts one of its requests as a stream; false, and not counted, when it has `most` streams. */
  addStream(most: number): boolean;
  /** Takes back what `addStream` counted. */
  removeStream(): void;
  /** Takes back what `Loads.begin` counted; to be called once for each. */
  end(): void;
}

/** Two implementations: `MemoryLoads` for one thread, `SharedLoads` for the threads of one process. */
export interface Loads {
  /** Counts one more request of `key`; undefined, and not counted, when it has `most` of them. */
  begin(key: string, most: number): Load | undefined;
}

export class MemoryLoads implements Loads {
  /** Only of those who have something under way. */
  readonly #loads = new Map<string, OwnLoad>();

  get size(): number {
    return this.#loads.size;
  }

  begin(key: string, most: number): Load | undefined {
    const known = this.#loads.get(key);
    if (known !== undefined) return known.begin(most) ? known : undefined;
    const load = new OwnLoad(key, this.#loads);
    this.#loads.set(key, load);
    return load;
  }
}

class OwnLoad implements Load {
  readonly #key: string;
  readonly #loads: Map<string, OwnLoad>;
  #requests = 1;
  #streams = 0;

  constructor(key: string, loads: Map<string, OwnLoad>) {
    this.#key = key;
    this.#loads = loads;
  }

  begin(most: number): boolean {
    if (this.#requests >= most) return false;
    this.#requests += 1;
    return true;
  }

  addStream(most: number): boolean {
    if (this.#streams >= most) return false;
    this.#streams += 1;
    return true;
  }

  removeStream(): void {
    this.#streams -= 1;
  }

  end(): void {
    this.#requests -= 1;
    if (this.#requests === 0) this.#loads.delete(this.#key);
  }
}
