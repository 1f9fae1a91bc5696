/** The connection in use: opened ahead of need, given up when in doubt, opened again until stopped. */
import { errorField, type Log } from '../observe/log.ts';
import type { RedisConnection } from './redis-connection.ts';

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;

export interface RedisLinkOptions {
  /** Begins the names of its events. */
  readonly name: 'replay_cache' | 'login_store';
  open(onLost: () => void): Promise<RedisConnection>;
  readonly log: Log;
}

export class RedisLink {
  readonly #options: RedisLinkOptions;
  #connection: RedisConnection | undefined;
  #opening: Promise<RedisConnection> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #problem: unknown;
  #stopped = false;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
  }

  /** Begins to connect in the background. Never throws: a Redis that is down is tried again. */
  start(): void {
    if (this.#connection === undefined) void this.#open().catch(() => {});
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  /** The connection, or the promise of one that is being opened; undefined when Redis is down. */
  get current(): RedisConnection | Promise<RedisConnection> | undefined {
    return this.#connection ?? this.#opening;
  }

  /** Why the last attempt to connect has failed; undefined when it has not. */
  get problem(): unknown {
    return this.#problem;
  }

  /** Gives up a connection that gave no answer, or a wrong one, and opens another. */
  drop(connection: RedisConnection, why: unknown): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    connection.destroy();
    if (this.#stopped) return;
    this.#options.log.warn(`${this.#options.name}_connection_lost`, { error: errorField(why) });
    this.start();
  }

  /** Opens another connection in place of the one in use, which may still answer for `graceMs` what it was asked. */
  renew(graceMs: number): void {
    const replaced = this.#connection;
    this.#connection = undefined;
    if (replaced !== undefined) setTimeout(() => replaced.destroy(), graceMs).unref();
    if (!this.#stopped) this.start();
  }

  #open(): Promise<RedisConnection> {
    this.#opening ??= this.#openOnce();
    return this.#opening;
  }

  async #openOnce(): Promise<RedisConnection> {
    const lost = Promise.withResolvers<void>();
    try {
      const connection = await this.#options.open(lost.resolve);
      if (this.#stopped) {
        connection.destroy();
        throw new Error('stopped');
      }
      this.#connection = connection;
      this.#retryMs = FIRST_RETRY_MS;
      this.#problem = undefined;
      this.#options.log.info(`${this.#options.name}_connected`);
      // It may be lost already. Whoever drops it must find nothing being opened, or would wait for this very attempt.
      this.#opening = undefined;
      void lost.promise.then(() => this.drop(connection, new Error('Redis has closed the connection')));
      return connection;
    } catch (error) {
      this.#opening = undefined;
      this.#problem = error;
      this.#retryLater(error);
      throw error;
    }
  }

  #retryLater(error: unknown): void {
    if (this.#stopped) return;
    this.#options.log.warn(`${this.#options.name}_connect_failed`, { error: errorField(error) });
    this.#timer = setTimeout(() => this.start(), this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }
}
