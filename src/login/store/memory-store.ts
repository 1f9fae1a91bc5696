/** The login's store in the memory of the process: gone when it ends, bounded in entries. */
import type { Clock } from '../../lib/clock.ts';
import { type Ending, EndOrder } from './end-order.ts';
import { type Store, StoreFull, StoreUnavailable, type Swap, wholeMs } from './store.ts';

interface Entry extends Ending {
  readonly key: string;
  readonly value: string;
}

/** How many ended entries one call removes at most: more than it adds, so that they never gather. */
const SWEPT_PER_CALL = 64;

interface MemoryStoreOptions {
  readonly clock: Clock;
  /** Of all kinds together. Beyond it new keys are refused; what lives is never given up. */
  readonly maxEntries: number;
}

export class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #maxEntries: number;
  /** By kind, which is a key up to its first colon, so that counting one kind does not read the others. */
  readonly #kinds = new Map<string, Map<string, Entry>>();
  readonly #order = new EndOrder<Entry>();
  #entries = 0;
  #isClosed = false;

  constructor({ clock, maxEntries }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#maxEntries = maxEntries;
  }

  async get(key: string): Promise<string | undefined> {
    return this.#living(key)?.value;
  }

  async set(key: string, value: string, endsAtMs: number): Promise<void> {
    this.#sweep();
    this.#put(key, value, endsAtMs);
  }

  async add(key: string, value: string, endsAtMs: number): Promise<boolean> {
    this.#sweep();
    if (this.#living(key) !== undefined) return false;
    this.#put(key, value, endsAtMs);
    return true;
  }

  async swap(key: string, { before, after, endsAtMs }: Swap): Promise<boolean> {
    this.#sweep();
    if (this.#living(key)?.value !== before) return false;
    this.#put(key, after, endsAtMs);
    return true;
  }

  async take(key: string): Promise<string | undefined> {
    this.#sweep();
    const value = this.#living(key)?.value;
    this.#drop(this.#find(key));
    return value;
  }

  async remove(key: string): Promise<void> {
    this.#sweep();
    this.#drop(this.#find(key));
  }

  async *list(prefix: string): AsyncIterable<readonly [key: string, value: string]> {
    this.#mustBeOpen();
    // The keys of now: a map that is changed while it is walked may never come to its end.
    for (const { key } of this.#below(prefix).toArray()) {
      const entry = this.#living(key);
      if (entry !== undefined) yield [key, entry.value];
    }
  }

  async count(prefix: string): Promise<number> {
    this.#sweep();
    const nowMs = this.#clock.nowMs();
    const first = this.#order.first;
    const hasEnded = first !== undefined && first.endsAtMs <= nowMs;
    const isKind = prefix !== '' && kindOf(prefix) === prefix;
    if (isKind && !hasEnded) return this.#kinds.get(prefix)?.size ?? 0;
    return this.#below(prefix).reduce((sum, { endsAtMs }) => (endsAtMs > nowMs ? sum + 1 : sum), 0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#kinds.clear();
  }

  *#below(prefix: string): Generator<Entry, void> {
    for (const [kind, entries] of this.#kinds) {
      if (!kind.startsWith(prefix) && !prefix.startsWith(kind)) continue;
      for (const entry of entries.values()) if (entry.key.startsWith(prefix)) yield entry;
    }
  }

  #find(key: string): Entry | undefined {
    return this.#kinds.get(kindOf(key))?.get(key);
  }

  #living(key: string): Entry | undefined {
    this.#mustBeOpen();
    const entry = this.#find(key);
    return entry !== undefined && entry.endsAtMs > this.#clock.nowMs() ? entry : undefined;
  }

  #put(key: string, value: string, endsAtMs: number): void {
    const entry = { key, value, endsAtMs: wholeMs(endsAtMs), place: 0 };
    const former = this.#find(key);
    if (former === undefined && this.#entries >= this.#maxEntries) {
      throw new StoreFull(`the store in memory holds ${this.#maxEntries} entries`);
    }
    this.#drop(former);
    const kind = kindOf(key);
    const entries = this.#kinds.get(kind) ?? new Map<string, Entry>();
    this.#kinds.set(kind, entries);
    entries.set(key, entry);
    this.#order.add(entry);
    this.#entries += 1;
  }

  #drop(entry: Entry | undefined): void {
    if (entry === undefined) return;
    const kind = kindOf(entry.key);
    const entries = this.#kinds.get(kind);
    entries?.delete(entry.key);
    if (entries?.size === 0) this.#kinds.delete(kind);
    this.#order.remove(entry);
    this.#entries -= 1;
  }

  #sweep(): void {
    this.#mustBeOpen();
    const nowMs = this.#clock.nowMs();
    for (let swept = 0; swept < SWEPT_PER_CALL; swept += 1) {
      const { first } = this.#order;
      if (first === undefined || first.endsAtMs > nowMs) return;
      this.#drop(first);
    }
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new StoreUnavailable('the store is closed');
  }
}

/** `code:4fT…` → `code:`; the empty text for a key without a colon. */
function kindOf(key: string): string {
  return key.slice(0, key.indexOf(':') + 1);
}
