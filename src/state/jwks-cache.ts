/** The keys of one issuer: fetched early, kept fresh, kept through outages. RFC 7517 §5, RFC 8414 §3, RFC 8725 §3. */
import type { Clock } from '../lib/clock.ts';
import { checkIssuerMetadata, metadataUrls } from '../oauth/issuer-metadata.ts';
import { parseJwkSet, type VerificationKey } from '../oauth/jwks.ts';
import { errorField, type Log } from '../observe/log.ts';
import { RefetchBudget } from './refetch-budget.ts';

/** What identifies an issuer's keys and how they are kept. Two equal sources may share a cache. */
export interface JwksSource {
  readonly issuer: string;
  /** Undefined: found by discovery. */
  readonly jwksUri: string | undefined;
  readonly allowHttp: boolean;
  readonly refreshMs: number;
  /** How long keys outlive an issuer that cannot be reached. */
  readonly maxStaleMs: number;
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
export class JwksCache {
  readonly source: JwksSource;
  readonly #options: JwksCacheOptions;
  readonly #budget = new RefetchBudget();
  readonly #listeners = new Set<(keys: readonly VerificationKey[]) => void>();
  #keys: readonly VerificationKey[] | undefined;
  #fetchedAtMs = 0;
  #lastFetchFailed = false;
  #underWay: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #started = false;
  #stopped = false;
  #successes = 0;
  #failures = 0;

  constructor(source: JwksSource, options: JwksCacheOptions) {
    this.source = source;
    this.#options = options;
  }

  /** Keys to verify with; undefined before the first success and when they are too stale. */
  get keys(): readonly VerificationKey[] | undefined {
    return this.#keys;
  }

  get lastFetchFailed(): boolean {
    return this.#lastFetchFailed;
  }

  /** Numbers for `/metrics`; `fetchedAtMs` is 0 before the first success. */
  get statistics(): { readonly successes: number; readonly failures: number; readonly fetchedAtMs: number } {
    return { successes: this.#successes, failures: this.#failures, fetchedAtMs: this.#fetchedAtMs };
  }

  /** Calls `listener` with the new keys whenever the set has changed; returns the way to stop that. */
  onChange(listener: (keys: readonly VerificationKey[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to fetch in the background, once: a reload that keeps this cache starts it again. Never throws. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#keepFresh();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /**
   * Waits for fresher keys on behalf of a request: joins the fetch under way, else starts one if `worthFetching` and the
   * budget allows it. Returns at once when neither is so.
   */
  async refresh(worthFetching: boolean): Promise<void> {
    const maySpend = (): boolean => worthFetching && this.#budget.spend(this.#options.clock.monotonicMs());
    if (this.#underWay !== undefined || maySpend()) await this.#fetch();
  }

  /** The background's own rhythm: what requests ask for in between neither hastens nor delays it. */
  async #keepFresh(): Promise<void> {
    await this.#fetch();
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#keepFresh(), this.#pauseMs()).unref();
  }

  #fetch(): Promise<void> {
    this.#underWay ??= this.#fetchOnce().finally(() => {
      this.#underWay = undefined;
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
      this.#options.log.warn('jwks_fetch_failed', { issuer, error: errorField(error), serving_stale_keys: usable });
    }
  }

  #accept(jwksUri: string, document: unknown): void {
    const set = parseJwkSet(document);
    if (set === undefined) throw new Error(`${jwksUri}: expected a JWK Set, an object with an array "keys"`);
    if (set.keys.length === 0) throw new Error(`${jwksUri}: the JWK Set holds no key that can verify a signature`);
    const { issuer } = this.source;
    const changed = this.#replace(set.keys);
    const details = { issuer, jwks_uri: jwksUri, keys: set.keys.length, ignored_keys: set.ignored };
    if (changed || this.#lastFetchFailed) this.#options.log.info('jwks_fetched', details);
    this.#fetchedAtMs = this.#options.clock.nowMs();
    this.#lastFetchFailed = false;
    this.#successes += 1;
    this.#retryMs = FIRST_RETRY_MS;
  }

  /** Keeps the objects of keys that stay, so that a verified token can be traced to a key by identity. */
  #replace(fetched: readonly VerificationKey[]): boolean {
    const known = new Map(this.#keys?.map((key) => [identify(key), key]));
    const next = fetched.map((key) => known.get(identify(key)) ?? key);
    const kept = new Set(this.#keys);
    const changed = next.length !== kept.size || next.some((key) => !kept.has(key));
    this.#keys = next;
    if (changed) for (const listener of this.#listeners) listener(next);
    return changed;
  }

  #dropTooStale(): boolean {
    const staleMs = this.#options.clock.nowMs() - this.#fetchedAtMs;
    if (this.#keys === undefined || staleMs <= this.source.maxStaleMs) return this.#keys !== undefined;
    this.#keys = undefined;
    for (const listener of this.#listeners) listener([]);
    return false;
  }

  #pauseMs(): number {
    if (!this.#lastFetchFailed) return this.source.refreshMs;
    const pauseMs = this.#retryMs;
    this.#retryMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS);
    return Math.min(pauseMs, this.source.refreshMs);
  }

  async #discover(): Promise<string> {
    const { issuer, allowHttp } = this.source;
    const problems: string[] = [];
    for (const url of metadataUrls(issuer)) {
      const outcome = await this.#options.fetchJson(url).then(
        (document) => checkIssuerMetadata(document, issuer, allowHttp),
        (error: unknown) => ({ problem: errorField(error) }),
      );
      if ('jwksUri' in outcome) return outcome.jwksUri;
      problems.push(outcome.problem);
    }
    throw new Error(`no usable metadata of this issuer: ${problems.join('; ')}`);
  }
}

/** Equal for two keys only if they verify the same signatures under the same name. */
function identify({ kid, algorithms, key }: VerificationKey): string {
  return JSON.stringify([kid, [...algorithms], key.export({ format: 'jwk' })]);
}
