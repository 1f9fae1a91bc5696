/** The keys of one issuer: fetched early, kept fresh, kept through outages. RFC 7517 §5, RFC 8414 §3, RFC 8725 §3. */
import type { Clock } from '../lib/clock.ts';
import { rawPath } from '../lib/raw-path.ts';
import type { JwsAlgorithm } from '../oauth/jwa.ts';
import type { VerificationKey } from '../oauth/jwks.ts';
import { errorField, type Log } from '../observe/log.ts';
import { discoverUrl } from './discover.ts';
import { describeUnaccepted, readFetchedSet, UnusableKeys } from './fetched-set.ts';
import { isOtherSet, keepKnown } from './known-keys.ts';
import { RefetchBudget } from './refetch-budget.ts';

/** The keys of one issuer as requests meet them. */
export interface IssuerKeys {
  readonly source: JwksSource;
  /** Keys to verify with; undefined before the first success and when they are too stale. */
  readonly keys: readonly VerificationKey[] | undefined;
  readonly lastFetchFailed: boolean;
  readonly statistics: JwksStatistics;
  /** Calls `listener` with the new keys whenever the set has changed; returns the way to stop that. */
  onChange(listener: (keys: readonly VerificationKey[]) => void): () => void;
  /** What the keys are for: a set that fits none of these is warned of, where it is fetched. A reload says it again. */
  expectAlgorithms(accepted: ReadonlySet<JwsAlgorithm>): void;
  /** Begins to fetch in the background, once: a reload that keeps these keys starts them again, at its own times. Never throws. */
  start(times: JwksTimes): void;
  stop(): void;
  /**
   * Waits for fresher keys on behalf of a request: joins the fetch under way, else starts one if `worthFetching` and the
   * budget allows it. Returns at once when neither is so. True when it has joined one: the keys wanted may be younger.
   */
  refresh(worthFetching: boolean): Promise<boolean>;
}

/** Numbers for `/metrics`; `fetchedAtMs` is 0 before the first success. */
export interface JwksStatistics {
  readonly successes: number;
  readonly failures: number;
  readonly fetchedAtMs: number;
}

/** Whose keys, from where, and how far that is trusted. Keys of equal sources are the same keys, however they are kept. */
export interface JwksSource {
  readonly issuer: string;
  /** Undefined: found by discovery. */
  readonly jwksUri: string | undefined;
  readonly allowHttp: boolean;
  /** PEM bundle that replaces the public authorities. */
  readonly ca: string | undefined;
  /** Obex itself is the issuer: nothing is fetched. */
  readonly isOwn?: true;
}

/** How keys are kept. */
export interface JwksTimes {
  readonly refreshMs: number;
  /** How long keys outlive an issuer that cannot be reached. */
  readonly maxStaleMs: number;
}

/** Equal for equal sources, and plain text. */
export function identifySource(source: JwksSource): string {
  return JSON.stringify(source);
}

export interface JwksCacheOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** GETs a JSON document; rejects on anything but a complete 200. */
  fetchJson(url: string): Promise<unknown>;
}

/** Retries after a failed fetch begin with this pause and double up to the longest. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/**
 * One issuer's key cache. At most one fetch is under way; whoever needs keys meanwhile waits for that one. Keys outlive
 * failed fetches for `maxStaleMs`. Requests may ask for a fetch (unknown kid, bad signature), within one small budget.
 */
export class JwksCache implements IssuerKeys {
  /** Called after every fetch, whatever came of it, until `stop`. */
  onFetched: (() => void) | undefined;
  readonly source: JwksSource;
  readonly #options: JwksCacheOptions;
  readonly #budget = new RefetchBudget();
  readonly #listeners = new Set<(keys: readonly VerificationKey[]) => void>();
  #keys: readonly VerificationKey[] | undefined;
  #accepted: ReadonlySet<JwsAlgorithm> | undefined;
  /** By the wall clock, for people. */
  #fetchedAtMs = 0;
  /** By the monotonic clock, which decides. */
  #freshAtMs = 0;
  #lastFetchFailed = false;
  #underWay: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the pause of the background began, and how long it is; by the monotonic clock. */
  #pause = { sinceMs: 0, ms: 0 };
  #retryMs = FIRST_RETRY_MS;
  #times: JwksTimes = { refreshMs: 0, maxStaleMs: 0 };
  #started = false;
  #stopped = false;
  #successes = 0;
  #failures = 0;

  constructor(source: JwksSource, options: JwksCacheOptions) {
    this.source = source;
    this.#options = options;
  }

  get keys(): readonly VerificationKey[] | undefined {
    return this.#keys;
  }

  get lastFetchFailed(): boolean {
    return this.#lastFetchFailed;
  }

  get statistics(): JwksStatistics {
    return { successes: this.#successes, failures: this.#failures, fetchedAtMs: this.#fetchedAtMs };
  }

  onChange(listener: (keys: readonly VerificationKey[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  expectAlgorithms(accepted: ReadonlySet<JwsAlgorithm>): void {
    this.#accepted = accepted;
    this.#warnOfUnaccepted();
  }

  start(times: JwksTimes): void {
    const { refreshMs } = this.#times;
    this.#times = times;
    if (!this.#started) {
      this.#started = true;
      return void this.#keepFresh();
    }
    // No timer: a fetch is under way.
    if (this.#timer === undefined || refreshMs === times.refreshMs) return;
    // The pause under way becomes what it would be had it begun with the new times.
    const pauseMs = this.#lastFetchFailed ? Math.min(this.#pause.ms, times.refreshMs) : times.refreshMs;
    this.#wait(Math.max(0, this.#pause.sinceMs + pauseMs - this.#options.clock.monotonicMs()));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async refresh(worthFetching: boolean): Promise<boolean> {
    const isJoined = this.#underWay !== undefined;
    if (isJoined || (worthFetching && this.#budget.spend(this.#options.clock.monotonicMs()))) await this.#fetch();
    return isJoined;
  }

  /** The background's own rhythm: what requests ask for in between neither hastens nor delays it. */
  async #keepFresh(): Promise<void> {
    this.#timer = undefined;
    await this.#fetch();
    if (this.#stopped) return;
    this.#pause = { sinceMs: this.#options.clock.monotonicMs(), ms: this.#pauseMs() };
    this.#wait(this.#pause.ms);
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#keepFresh(), ms).unref();
  }

  #fetch(): Promise<void> {
    this.#underWay ??= this.#fetchOnce().finally(() => {
      this.#underWay = undefined;
      if (!this.#stopped) this.onFetched?.();
    });
    return this.#underWay;
  }

  async #fetchOnce(): Promise<void> {
    const { issuer } = this.source;
    try {
      const jwksUri = this.source.jwksUri ?? (await this.#discover());
      this.#accept(jwksUri, await this.#options.fetchJson(jwksUri));
    } catch (error) {
      this.#lastFetchFailed = true;
      this.#failures += 1;
      const usable = this.#dropTooStale();
      const fields = { issuer, error: errorField(error), serving_stale_keys: usable };
      const ignored = error instanceof UnusableKeys && { ignored_keys: error.ignored };
      this.#options.log.warn('jwks_fetch_failed', { ...fields, ...ignored });
    }
  }

  #accept(jwksUri: string, document: unknown): void {
    const place = rawPath(jwksUri);
    const set = readFetchedSet(document, place);
    const { issuer } = this.source;
    const changed = this.#replace(set.keys);
    const details = { issuer, jwks_uri: place, keys: set.keys.length, ignored_keys: set.ignored };
    if (changed || this.#lastFetchFailed) {
      this.#options.log.info('jwks_fetched', details);
      this.#warnOfUnaccepted();
    }
    this.#fetchedAtMs = this.#options.clock.nowMs();
    this.#freshAtMs = this.#options.clock.monotonicMs();
    this.#lastFetchFailed = false;
    this.#successes += 1;
    this.#retryMs = FIRST_RETRY_MS;
  }

  #warnOfUnaccepted(): void {
    const fields = this.#accepted && describeUnaccepted(this.#keys ?? [], this.#accepted);
    if (fields) this.#options.log.warn('jwks_keys_not_accepted', { issuer: this.source.issuer, ...fields });
  }

  #replace(fetched: readonly VerificationKey[]): boolean {
    const next = keepKnown(this.#keys, fetched);
    const changed = isOtherSet(this.#keys, next);
    this.#keys = next;
    if (changed) for (const listener of this.#listeners) listener(next);
    return changed;
  }

  #dropTooStale(): boolean {
    const staleMs = this.#options.clock.monotonicMs() - this.#freshAtMs;
    if (this.#keys === undefined || staleMs <= this.#times.maxStaleMs) return this.#keys !== undefined;
    this.#keys = undefined;
    for (const listener of this.#listeners) listener([]);
    return false;
  }

  #discover(): Promise<string> {
    const { issuer, allowHttp } = this.source;
    return discoverUrl({ issuer, allowHttp, member: 'jwks_uri' }, this.#options.fetchJson);
  }

  #pauseMs(): number {
    if (!this.#lastFetchFailed) return this.#times.refreshMs;
    const pauseMs = this.#retryMs;
    this.#retryMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS);
    return Math.min(pauseMs, this.#times.refreshMs);
  }
}
