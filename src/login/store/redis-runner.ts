/** Runs the scripts of the login's store: deadlines, outages, and a Redis that has forgotten what it acknowledged. RFC 9700 §4.14. */
import type { Clock } from '../../lib/clock.ts';
import type { RedisUrl } from '../../lib/redis-url.ts';
import type { Log } from '../../observe/log.ts';
import { type RedisConnection, RedisRefusal, withDeadline } from '../../state/redis-connection.ts';
import { RedisLink } from '../../state/redis-link.ts';
import { createRedisSource, type RedisSource } from '../../state/redis-source.ts';
import { RedisJournal } from './redis-journal.ts';
import { MARGIN_MS, SCRIPTS, type ScriptName } from './redis-scripts.ts';
import { StoreFull, StoreUnavailable } from './store.ts';

/** Where Redis is, and how to be let in. */
export interface RedisStoreAccess {
  readonly url: RedisUrl;
  /** PEM of the authorities trusted instead of the public ones. */
  readonly ca: string | undefined;
}

export interface RedisStoreOptions extends RedisStoreAccess {
  /** Begins every key. */
  readonly keyPrefix: string;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a script is about: a key of the store, or a kind of keys. */
export interface Place {
  /** In a cluster, what decides about the slot; else empty. */
  readonly tag: string;
  readonly kind: string;
  readonly key?: string;
}

interface Step extends Place {
  readonly script: ScriptName;
  readonly values?: readonly string[];
}

/** For all changes that are made once more. */
const REDO_MS = 5_000;
/** Only these can need room. */
const NEW_KEYS: ReadonlySet<ScriptName> = new Set(['set', 'add']);

export class RedisRunner {
  readonly #options: RedisStoreOptions;
  readonly #tags: readonly string[];
  #access: RedisStoreAccess;
  #source: RedisSource;
  readonly #link: RedisLink;
  readonly #journal = new RedisJournal<Step>();
  /** By tag, since when its history has been known to be new. */
  readonly #histories = new Map<string, number>();
  #announcedMs = Number.NEGATIVE_INFINITY;

  constructor(options: RedisStoreOptions, tags: readonly string[]) {
    this.#options = options;
    this.#tags = tags;
    this.#access = { url: options.url, ca: options.ca };
    this.#source = createRedisSource(options);
    this.#link = new RedisLink({ name: 'login_store', open: (onLost) => this.#open(onLost), log: options.log });
  }

  /** Begins to connect in the background, and keeps at it. */
  start(): void {
    this.#link.start();
  }

  stop(): void {
    this.#link.stop();
    this.#source.stop();
  }

  /** Connects anew if they differ. */
  renewAccess({ url, ca }: RedisStoreAccess): void {
    const access = { url, ca };
    if (JSON.stringify(access) === JSON.stringify(this.#access)) return;
    this.#access = access;
    this.#source.stop();
    this.#source = createRedisSource({ ...this.#options, ...access });
    this.#link.renew(this.#options.commandTimeoutMs);
  }

  /**
   * Rejects with `StoreUnavailable` when the command timeout has passed (twice, if a connection is just being opened), with
   * `StoreFull` when Redis has no room for a new key.
   */
  async run(step: Step): Promise<unknown> {
    const { commandTimeoutMs } = this.#options;
    const { current } = this.#link;
    if (current === undefined) throw new StoreUnavailable('no connection to Redis', { cause: this.#link.problem });
    let connection: RedisConnection | undefined;
    try {
      // What nobody waits for any more must not be sent at all, so each of the two waits has a deadline of its own.
      connection = current instanceof Promise ? await withDeadline(current, commandTimeoutMs) : current;
      const outcome = await withDeadline(this.#evaluate(connection, step), commandTimeoutMs);
      if (this.#source.isCurrent()) return outcome;
    } catch (cause) {
      if (connection !== undefined && this.#isDoubtful(step, cause)) this.#link.drop(connection, cause);
      throw explain(step, cause);
    }
    throw new StoreUnavailable('no majority of the sentinels has lately confirmed the master');
  }

  /** Resolves when all histories are old enough. */
  async settle(): Promise<void> {
    await Promise.all(this.#tags.map((tag) => this.run({ script: 'settle', tag, kind: '' })));
  }

  /** A step that shall last: it is made again on every new connection, and does nothing where it has. */
  note(step: Step): void {
    this.#journal.add(step, this.#options.clock.monotonicMs());
  }

  #evaluate(connection: RedisConnection, { script, tag, kind, key = '', values = [] }: Step): Promise<unknown> {
    const { keyPrefix, clock } = this.#options;
    const prefix = tag === '' ? keyPrefix : `${keyPrefix}{${tag}}`;
    // No key of the store begins with a number sign.
    const keys = [prefix + key, `${prefix}#index:${kind}`, `${prefix}#kinds`, `${prefix}#history`];
    return connection.evaluate(SCRIPTS[script], keys, [String(Math.floor(clock.nowMs())), key, kind, ...values]);
  }

  async #open(onLost: () => void): Promise<RedisConnection> {
    const source = this.#source;
    const connection = await source.open(onLost);
    try {
      if (source !== this.#source) throw new Error('opened with credentials that a reload has replaced');
      const histories = Promise.all(this.#tags.map((tag) => this.#beginHistory(connection, tag)));
      await withDeadline(histories, this.#options.commandTimeoutMs);
      // It may be one to a Redis that has lost what the last one has acknowledged.
      const steps = this.#journal.steps.map((step) => this.#evaluate(connection, step));
      await withDeadline(Promise.all(steps), REDO_MS);
    } catch (error) {
      connection.destroy();
      throw error;
    }
    return connection;
  }

  /** At once, and not with the first change. */
  async #beginHistory(connection: RedisConnection, tag: string): Promise<void> {
    try {
      await this.#evaluate(connection, { script: 'settle', tag, kind: '' });
    } catch (error) {
      const sinceMs = unsettledSince(error);
      if (sinceMs === undefined) throw error;
      this.#learn(tag, sinceMs);
    }
  }

  /** An answer leaves a connection as good as it was, unless by it the server sends us away, or is not the one it was. */
  #isDoubtful({ tag }: Step, cause: unknown): boolean {
    const sinceMs = unsettledSince(cause);
    if (sinceMs === undefined) return !(cause instanceof RedisRefusal);
    return this.#learn(tag, sinceMs);
  }

  /** True for a history that was not known. Says so once for all that begin together, so that nobody takes it for an outage. */
  #learn(tag: string, sinceMs: number): boolean {
    if (this.#histories.get(tag) === sinceMs) return false;
    this.#histories.set(tag, sinceMs);
    if (Math.abs(sinceMs - this.#announcedMs) > MARGIN_MS) {
      this.#announcedMs = sinceMs;
      const [since, until] = [sinceMs, sinceMs + MARGIN_MS].map((ms) => new Date(ms).toISOString());
      this.#options.log.warn('login_store_unsettled', { since, until });
    }
    return true;
  }
}

/** Not a matter of time: Redis has refused us. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof RedisRefusal) return unsettledSince(error) === undefined;
  return isRefusal(error.cause);
}

function explain({ script }: Step, cause: unknown): Error {
  const isFull = cause instanceof RedisRefusal && /\bOOM command not allowed/.test(cause.message);
  if (isFull && NEW_KEYS.has(script)) return new StoreFull('Redis has no memory left', { cause });
  const isUnsettled = unsettledSince(cause) !== undefined;
  const problem = isUnsettled ? 'Redis was replaced or restarted just now' : 'no answer from Redis';
  return new StoreUnavailable(problem, { cause });
}

function unsettledSince(error: unknown): number | undefined {
  const [, since] = (error instanceof RedisRefusal && /^UNSETTLED (\d+)/.exec(error.message)) || [];
  return since === undefined ? undefined : Number(since);
}
