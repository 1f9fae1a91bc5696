/** An issuer's keys in a worker: what the main thread has fetched. RFC 7517 §5. */
import type { VerificationKey } from '../oauth/jwks.ts';
import { type IssuerKeys, identifySource, type JwksSource, type JwksStatistics } from '../state/jwks-cache.ts';
import { isOtherSet, keepKnown } from '../state/known-keys.ts';
import type { FromWorker, KeySnapshot, RefreshRequest } from './messages.ts';

/** Good ones and others. */
export function countFetches({ successes, failures }: JwksStatistics): number {
  return successes + failures;
}

/** A worker's line to whoever fetches keys. */
export class KeyLink {
  readonly #post: (message: FromWorker) => void;
  readonly #latest = new Map<string, KeySnapshot>();
  readonly #followers = new Map<string, (snapshot: KeySnapshot) => void>();
  readonly #asked = new Map<number, (isJoined: boolean) => void>();
  #lastId = 0;

  constructor(post: (message: FromWorker) => void) {
    this.#post = post;
  }

  /** Calls `accept` with what is known already, and with all that comes. */
  follow(source: string, accept: (snapshot: KeySnapshot) => void): void {
    this.#followers.set(source, accept);
    const known = this.#latest.get(source);
    if (known !== undefined) accept(known);
  }

  unfollow(source: string): void {
    this.#followers.delete(source);
    this.#latest.delete(source);
  }

  /** Resolves when the main thread has done what it would; snapshots of it have been accepted before. */
  askForRefresh(request: RefreshRequest): Promise<boolean> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#asked.set(id, resolve);
    this.#post({ kind: 'refresh', id, ...request });
    return promise;
  }

  receive(snapshot: KeySnapshot): void {
    this.#latest.set(snapshot.source, snapshot);
    this.#followers.get(snapshot.source)?.(snapshot);
  }

  receiveRefreshed(id: number, isJoined: boolean): void {
    this.#asked.get(id)?.(isJoined);
    this.#asked.delete(id);
  }
}

/** Fetches nothing by itself, so that single flight, budget and pauses hold for the whole process. */
export class FollowedKeys implements IssuerKeys {
  readonly source: JwksSource;
  readonly #name: string;
  readonly #link: KeyLink;
  readonly #listeners = new Set<(keys: readonly VerificationKey[]) => void>();
  /** By `worthFetching`: however many requests wait, the main thread is asked once. */
  readonly #asking = new Map<boolean, Promise<boolean>>();
  #keys: readonly VerificationKey[] | undefined;
  #lastFetchFailed = false;
  #statistics: JwksStatistics = { successes: 0, failures: 0, fetchedAtMs: 0 };

  constructor(source: JwksSource, link: KeyLink) {
    this.source = source;
    this.#name = identifySource(source);
    this.#link = link;
  }

  get keys(): readonly VerificationKey[] | undefined {
    return this.#keys;
  }

  get lastFetchFailed(): boolean {
    return this.#lastFetchFailed;
  }

  get statistics(): JwksStatistics {
    return this.#statistics;
  }

  onChange(listener: (keys: readonly VerificationKey[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  expectAlgorithms(): void {
    // The thread that fetches says so.
  }

  start(): void {
    this.#link.follow(this.#name, (snapshot) => this.#accept(snapshot));
  }

  stop(): void {
    this.#link.unfollow(this.#name);
  }

  refresh(worthFetching: boolean): Promise<boolean> {
    const under = this.#asking.get(worthFetching);
    if (under !== undefined) return under.then(() => true);
    const fetchesSeen = countFetches(this.#statistics);
    const asking = this.#link
      .askForRefresh({ source: this.#name, worthFetching, fetchesSeen })
      .finally(() => this.#asking.delete(worthFetching));
    this.#asking.set(worthFetching, asking);
    return asking;
  }

  #accept(snapshot: KeySnapshot): void {
    this.#lastFetchFailed = snapshot.lastFetchFailed;
    this.#statistics = snapshot.statistics;
    const before = this.#keys;
    // A message brings copies; those that are known stay the objects that they were.
    this.#keys = snapshot.keys && keepKnown(before, snapshot.keys);
    const next = this.#keys ?? [];
    if (isOtherSet(before, next)) for (const listener of this.#listeners) listener(next);
  }
}
