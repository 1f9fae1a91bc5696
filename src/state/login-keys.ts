/** The keys with which Obex itself signs access tokens, as its login thread tells them. RFC 7517 §5. */
import type { Clock } from '../lib/clock.ts';
import { parseJwkSet, type VerificationKey } from '../oauth/jwks.ts';
import type { IssuerKeys, JwksSource, JwksStatistics } from './jwks-cache.ts';
import { isOtherSet, keepKnown } from './known-keys.ts';

/** Where the keys come from: calls `accept` with those of now, and with all that come; returns the way to stop that. */
export type FollowLoginKeys = (accept: (jwks: readonly object[]) => void) => () => void;

/** Nothing is fetched: the thread tells of a key before it signs with it. Keys stay when the thread is gone. */
export class LoginKeys implements IssuerKeys {
  /** Called whenever keys have come. */
  onFetched: (() => void) | undefined;
  readonly source: JwksSource;
  readonly #follow: FollowLoginKeys;
  readonly #clock: Clock;
  readonly #listeners = new Set<(keys: readonly VerificationKey[]) => void>();
  #unfollow: (() => void) | undefined;
  #keys: readonly VerificationKey[] | undefined;
  #successes = 0;
  #toldAtMs = 0;

  constructor(source: JwksSource, follow: FollowLoginKeys, clock: Clock) {
    this.source = source;
    this.#follow = follow;
    this.#clock = clock;
  }

  get keys(): readonly VerificationKey[] | undefined {
    return this.#keys;
  }

  get lastFetchFailed(): boolean {
    return false;
  }

  get statistics(): JwksStatistics {
    return { successes: this.#successes, failures: 0, fetchedAtMs: this.#toldAtMs };
  }

  onChange(listener: (keys: readonly VerificationKey[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  expectAlgorithms(): void {
    // Both ends are Obex.
  }

  start(): void {
    this.#unfollow ??= this.#follow((jwks) => this.#accept(jwks));
  }

  stop(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
  }

  /** What the thread has told is here already. */
  refresh(): Promise<boolean> {
    return Promise.resolve(false);
  }

  #accept(jwks: readonly object[]): void {
    const next = keepKnown(this.#keys, parseJwkSet({ keys: jwks })?.keys ?? []);
    const changed = isOtherSet(this.#keys, next);
    this.#keys = next;
    this.#successes += 1;
    this.#toldAtMs = this.#clock.nowMs();
    if (changed) for (const listener of this.#listeners) listener(next);
    this.onFetched?.();
  }
}
