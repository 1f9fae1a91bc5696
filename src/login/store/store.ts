/** The port to what the login remembers: named texts that end, each change one atomic step. RFC 6749 §10.5, RFC 9700 §4.14. */

/**
 * Two implementations: `MemoryStore` and `SqliteStore`. Ends are milliseconds of the wall clock, so that they mean the same
 * after a restart; a text lives while the clock is before its end. Where the clock was ahead, what ended and was removed
 * stays gone; where it is set back, what ended and was not yet removed lives on. Keys are ASCII, values well-formed text.
 *
 * Everything may reject with `StoreUnavailable`, and then nothing is known of whether a change was made. A new key may be
 * rejected with `StoreFull`.
 */
export interface Store {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, endsAtMs: number): Promise<void>;
  /** True for the one who found nothing there. */
  add(key: string, value: string, endsAtMs: number): Promise<boolean>;
  /** True for the one who found exactly `before` there. */
  swap(key: string, change: Swap): Promise<boolean>;
  /** Returns and removes, for one caller only. */
  take(key: string): Promise<string | undefined>;
  remove(key: string): Promise<void>;
  /** In no order; what is added or ends meanwhile may be left out. */
  list(prefix: string): AsyncIterable<readonly [key: string, value: string]>;
  count(prefix: string): Promise<number>;
  /** Once more does nothing; all else that comes afterwards rejects with `StoreUnavailable`. */
  close(): Promise<void>;
}

export interface Swap {
  readonly before: string;
  readonly after: string;
  readonly endsAtMs: number;
}

/** Nobody can say what is stored: whoever depends on it is refused for the time being. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** There is no room for one more, and nothing that lives is given up for it. */
export class StoreFull extends Error {
  override readonly name = 'StoreFull';
}

/** An end as it is kept, in whole milliseconds. One that is no point in time is a bug. */
export function wholeMs(endsAtMs: number): number {
  const whole = Math.ceil(endsAtMs);
  if (!Number.isSafeInteger(whole)) throw new RangeError(`an end of ${endsAtMs} is no point in time`);
  return whole;
}
