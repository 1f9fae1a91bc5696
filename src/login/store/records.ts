/** One kind of what the login remembers: values as sealed JSON under hashed ids. RFC 6819 §5.1.4.1.3 (no tokens in clear). */
import type { Seal } from './seal.ts';
import { type Store, StoreFull } from './store.ts';

export interface Entry<T> {
  readonly value: T;
  /** As it is stored, for `replace`. */
  readonly raw: string;
}

export interface Replacement<T> {
  readonly value: T;
  readonly endsAtMs: number;
}

export interface RecordsOptions<T> {
  readonly store: Store;
  readonly seal: Seal;
  /** First part of the keys, without a colon; no two kinds share it. */
  readonly kind: string;
  /** Undefined for JSON that is no such value: then there is no such record. */
  readonly parse: (json: unknown) => T | undefined;
  /**
   * How many there may be; `add` and `put` of a new one beyond it reject with `StoreFull`. Exact within this object; each
   * other process that shares the store may come to a hundred more.
   */
  readonly maximum?: number;
}

/** Counting 200,000 takes 11 ms in a file, so it is not done for each write. */
const WRITES_TO_A_COUNT = 100;

/** Ends are milliseconds of the wall clock. A record that cannot be opened or parsed is absent to all but `add` and `count`. */
export class Records<T> {
  readonly #options: RecordsOptions<T>;
  readonly #prefix: string;
  /** The last of those who wait to be counted. */
  #turn: Promise<unknown> = Promise.resolve();
  /** How many may still be written before it is counted again. What ends meanwhile only makes more room. */
  #room = 0;

  constructor(options: RecordsOptions<T>) {
    this.#options = options;
    this.#prefix = `${options.kind}:`;
  }

  async get(id: string): Promise<Entry<T> | undefined> {
    const key = this.#keyOf(id);
    return this.#open(key, await this.#options.store.get(key));
  }

  async put(id: string, value: T, endsAtMs: number): Promise<void> {
    const key = this.#keyOf(id);
    await this.#withRoom(key, () => this.#options.store.set(key, this.#seal(key, value), endsAtMs));
  }

  /** True for the one who found nothing there. */
  add(id: string, value: T, endsAtMs: number): Promise<boolean> {
    const key = this.#keyOf(id);
    return this.#withRoom(key, () => this.#options.store.add(key, this.#seal(key, value), endsAtMs));
  }

  /** True if the record was still what `entry` says, and is the new one now. */
  replace(id: string, entry: Entry<T>, { value, endsAtMs }: Replacement<T>): Promise<boolean> {
    const key = this.#keyOf(id);
    return this.#options.store.swap(key, { before: entry.raw, after: this.#seal(key, value), endsAtMs });
  }

  /** Returns and removes, for one caller only. */
  async take(id: string): Promise<T | undefined> {
    const key = this.#keyOf(id);
    return this.#open(key, await this.#options.store.take(key))?.value;
  }

  remove(id: string): Promise<void> {
    return this.#options.store.remove(this.#keyOf(id));
  }

  async *list(): AsyncIterable<T> {
    for await (const [key, raw] of this.#options.store.list(this.#prefix)) {
      const entry = this.#open(key, raw);
      if (entry !== undefined) yield entry.value;
    }
  }

  count(): Promise<number> {
    return this.#options.store.count(this.#prefix);
  }

  #keyOf(id: string): string {
    return this.#options.seal.hashKey(this.#options.kind, id);
  }

  #seal(key: string, value: T): string {
    return this.#options.seal.seal(key, JSON.stringify(value));
  }

  #open(key: string, raw: string | undefined): Entry<T> | undefined {
    if (raw === undefined) return undefined;
    const text = this.#options.seal.unseal(key, raw);
    if (text === undefined) return undefined;
    const value = this.#options.parse(JSON.parse(text));
    return value === undefined ? undefined : { value, raw };
  }

  /** One after the other, so that of many at once no more get in than there is room for. */
  #withRoom<Outcome>(key: string, write: () => Promise<Outcome>): Promise<Outcome> {
    const { maximum } = this.#options;
    if (maximum === undefined) return write();
    const done = this.#turn.then(async () => {
      await this.#mustHaveRoom(key, maximum);
      return write();
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #mustHaveRoom(key: string, maximum: number): Promise<void> {
    const { store, kind } = this.#options;
    if (this.#room === 0) {
      const left = maximum - (await store.count(this.#prefix));
      this.#room = Math.max(0, Math.min(left, WRITES_TO_A_COUNT));
    }
    if (this.#room > 0) this.#room -= 1;
    else if ((await store.get(key)) === undefined) throw new StoreFull(`there are ${maximum} of the kind ${kind}`);
  }
}
