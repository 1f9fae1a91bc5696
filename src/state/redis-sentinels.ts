/** Asks Redis sentinels, again and again, which server is the master. A majority of those configured has to answer. */
import type { Clock } from '../lib/clock.ts';
import type { RedisAddress } from '../lib/redis-url.ts';
import {
  connectToServer,
  type RedisConnection,
  type RedisConnectionOptions,
  withDeadline,
} from './redis-connection.ts';

export interface RedisSentinelsOptions {
  /** All sentinels that watch the master: those left out do not count for the majority. */
  readonly addresses: readonly RedisAddress[];
  readonly masterName: string;
  readonly connection: RedisConnectionOptions;
  readonly clock: Clock;
}

const POLL_MS = 500;
const ANSWER_TIMEOUT_MS = 500;
/** How long the last confirmation by a majority counts. */
const LEASE_MS = 2_000;

/** What one sentinel knows. The highest epoch is the latest failover. */
interface Testimony extends RedisAddress {
  readonly epoch: number;
}

export class RedisSentinels {
  readonly #options: RedisSentinelsOptions;
  readonly #connections = new Map<RedisAddress, RedisConnection>();
  #master: RedisAddress | undefined;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  #onReplaced: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: RedisSentinelsOptions) {
    this.#options = options;
  }

  /** True while a majority has lately named the master that `findMaster` gave. */
  get isConfirmed(): boolean {
    return this.#options.clock.monotonicMs() - this.#confirmedAtMs <= LEASE_MS;
  }

  /** Rejects when no majority answers. `onReplaced` is called when sentinels name another master later on. */
  async findMaster(onReplaced: () => void): Promise<RedisAddress> {
    clearTimeout(this.#timer);
    const askedAtMs = this.#options.clock.monotonicMs();
    const master = await this.#ask();
    this.#master = master;
    this.#confirmedAtMs = askedAtMs;
    this.#onReplaced = onReplaced;
    this.#watch();
    return master;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const connection of this.#connections.values()) connection.destroy();
    this.#connections.clear();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#poll(), POLL_MS).unref();
  }

  async #poll(): Promise<void> {
    const askedAtMs = this.#options.clock.monotonicMs();
    const watched = this.#master;
    const named = await this.#ask().catch(() => undefined);
    // Meanwhile `findMaster` may have begun anew.
    if (watched !== this.#master) return;
    if (named !== undefined && watched?.host === named.host && watched.port === named.port) {
      this.#confirmedAtMs = askedAtMs;
    } else if (named !== undefined) {
      this.#confirmedAtMs = Number.NEGATIVE_INFINITY;
      this.#onReplaced();
    }
    this.#watch();
  }

  async #ask(): Promise<RedisAddress> {
    const { addresses, masterName } = this.#options;
    const answers = await Promise.allSettled(addresses.map((sentinel) => this.#askOne(sentinel)));
    const testimonies = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    if (2 * testimonies.length <= addresses.length) {
      throw new Error(`${testimonies.length} of ${addresses.length} sentinels tell of the master ${masterName}`);
    }
    return testimonies.reduce((latest, testimony) => (testimony.epoch > latest.epoch ? testimony : latest));
  }

  async #askOne(sentinel: RedisAddress): Promise<Testimony> {
    const { connection: options, masterName } = this.#options;
    try {
      let connection = this.#connections.get(sentinel);
      if (connection === undefined) {
        connection = await connectToServer(sentinel, { ...options, connectTimeoutMs: ANSWER_TIMEOUT_MS }, () =>
          this.#connections.delete(sentinel),
        );
        if (this.#stopped) connection.destroy();
        else this.#connections.set(sentinel, connection);
      }
      const reply = await withDeadline(connection.command(['SENTINEL', 'MASTER', masterName]), ANSWER_TIMEOUT_MS);
      return parseTestimony(reply);
    } catch (error) {
      this.#connections.get(sentinel)?.destroy();
      this.#connections.delete(sentinel);
      throw error;
    }
  }
}

/** Field names and values alternate. */
function parseTestimony(reply: unknown): Testimony {
  const words = Array.isArray(reply) ? reply.map(String) : [];
  const read = (name: string): string => words[words.findIndex((word, at) => at % 2 === 0 && word === name) + 1] ?? '';
  const testimony = { host: read('ip'), port: Number(read('port')), epoch: Number(read('config-epoch')) };
  if (testimony.host === '' || Number.isNaN(testimony.port + testimony.epoch)) throw new Error('an unusable answer');
  return testimony;
}
