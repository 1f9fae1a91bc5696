/** Replay cache in Redis, shared by replicas, which a failover or a restart of Redis cannot fool. RFC 9449 §11.1. */
import { hash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { RedisUrl } from '../lib/redis-url.ts';
import type { Log } from '../observe/log.ts';
import { type RedisConnection, RedisRefusal, withDeadline } from './redis-connection.ts';
import { RedisLink } from './redis-link.ts';
import { createRedisSource, type RedisSource } from './redis-source.ts';
import {
  type ClaimOutcome,
  type ProofTimes,
  type ReplayCache,
  ReplayCacheUnavailable,
  replayWindowMs,
} from './replay-cache.ts';

/** Where Redis is, and how to be let in. */
export interface RedisAccess {
  readonly url: RedisUrl;
  /** PEM of the authorities trusted instead of the public ones. */
  readonly ca: string | undefined;
}

export interface RedisReplayCacheOptions extends ProofTimes, RedisAccess {
  readonly keyPrefix: string;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * For how long two Obex processes may disagree, about the time and, after a failover, about the master (see `RedisSentinels`:
 * sentinels tell each other within 2 s, a confirmation counts for 2 s, and 1 s is left for clocks). Added to the life of
 * every claim, and to the time for which a new history is not trusted.
 */
const MARGIN_MS = 6_000;

/**
 * A claim counts only in a history of Redis that is known to be whole since before the proof could first have been used.
 *
 * KEYS: marker, and the claim. ARGV: now, the earliest use of the proof, life of the claim, in milliseconds.
 * Redis gives its data a new replication id whenever it starts, and whenever a replica becomes master; then the claims of
 * the last moments may be missing. It counts the keys that it evicted. The marker says under which id and count, and since
 * when by the clocks of Obex, claims have been recorded; when it does not fit or is gone, a new history begins now.
 */
const CLAIM_SCRIPT = `
local info = redis.call('INFO', 'replication') .. redis.call('INFO', 'stats')
local history = string.match(info, 'master_replid:(%x+)') .. '.' .. string.match(info, 'evicted_keys:(%d+)')
local known, since = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%d+)$')
if known ~= history then
  since = ARGV[1]
  redis.call('SET', KEYS[1], history .. ' ' .. since)
end
if tonumber(ARGV[2]) <= tonumber(since) then return 'unsettled ' .. since end
if KEYS[2] and not redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[3]) then return 'replayed' end
return 'claimed'
`;

/** In a cluster each of these has a slot, a marker and so a history of its own. */
const CLUSTER_TAGS = Array.from('0123456789abcdef');
const NOT_SETTLED = 'the history of this Redis is younger than the proof may be';

/** When a claim is made, and what for. */
interface Moment {
  readonly nowMs: number;
  readonly expiresAtMs: number;
}

export class RedisReplayCache implements ReplayCache {
  readonly #options: RedisReplayCacheOptions;
  #access: RedisAccess;
  #source: RedisSource;
  readonly #link: RedisLink;
  readonly #tags: readonly string[];
  /** Since when the history has been that was spoken of in the log. */
  #announcedSinceMs: number | undefined;

  constructor(options: RedisReplayCacheOptions) {
    this.#options = options;
    this.#tags = options.url.kind === 'cluster' ? CLUSTER_TAGS : [''];
    this.#access = { url: options.url, ca: options.ca };
    this.#source = createRedisSource(options);
    this.#link = new RedisLink({ open: (onLost) => this.#open(onLost), log: options.log });
  }

  /** Begins to connect in the background, and keeps at it. */
  start(): void {
    this.#link.start();
  }

  stop(): void {
    this.#link.stop();
    this.#source.stop();
  }

  /** Other credentials or authorities for the same Redis, whose memory of proofs stays: connects anew if they differ. */
  renewAccess(access: RedisAccess): void {
    if (JSON.stringify(access) === JSON.stringify(this.#access)) return;
    this.#access = access;
    this.#source.stop();
    this.#source = createRedisSource({ ...this.#options, ...access });
    this.#link.renew(this.#options.commandTimeoutMs);
  }

  /**
   * One round trip. Rejects with `ReplayCacheUnavailable` when the command timeout has passed (twice, if a connection is
   * just being opened); a claim that was under way then may still be recorded, and its proof is used up.
   */
  async claim(key: string, expiresAtMs: number, nowMs: number): Promise<ClaimOutcome> {
    const digest = hash('sha256', key, 'hex');
    const tag = this.#tags.length === 1 ? '' : digest.slice(0, 1);
    const outcome = await this.#decide((connection) =>
      this.#record(connection, { nowMs, expiresAtMs }, { tag, digest }),
    );
    if (outcome === 'claimed' || outcome === 'replayed') return outcome;
    this.#announce(outcome, nowMs);
    throw new ReplayCacheUnavailable(NOT_SETTLED);
  }

  /** Rejects with `ReplayCacheUnavailable` unless a proof made now could be claimed now. */
  async probe(nowMs: number): Promise<void> {
    const outcomes = await this.#decide((connection) => this.#mark(connection, nowMs));
    if (outcomes.some((outcome) => outcome !== 'claimed')) throw new ReplayCacheUnavailable(NOT_SETTLED);
  }

  /** A history begins when Obex first sees it, and not with the first proof: so at once. */
  async #open(onLost: () => void): Promise<RedisConnection> {
    const source = this.#source;
    const connection = await source.open(onLost);
    try {
      if (source !== this.#source) throw new Error('opened with credentials that a reload has replaced');
      await withDeadline(this.#mark(connection, this.#options.clock.nowMs()), this.#options.commandTimeoutMs);
    } catch (error) {
      connection.destroy();
      throw error;
    }
    return connection;
  }

  async #decide<T>(ask: (connection: RedisConnection) => Promise<T>): Promise<T> {
    const { commandTimeoutMs } = this.#options;
    const { current } = this.#link;
    if (current === undefined) throw new ReplayCacheUnavailable('no connection to Redis');
    let connection: RedisConnection | undefined;
    try {
      // A claim whose time is up must not be sent at all, so each of the two waits has a deadline of its own.
      connection = current instanceof Promise ? await withDeadline(current, commandTimeoutMs) : current;
      const outcome = await withDeadline(ask(connection), commandTimeoutMs);
      if (this.#source.isCurrent()) return outcome;
    } catch (cause) {
      // READONLY: this server has become a replica. Any other answer leaves the connection as good as it was.
      const isSound = cause instanceof RedisRefusal && !cause.message.startsWith('READONLY');
      if (connection !== undefined && !isSound) this.#link.drop(connection, cause);
      throw new ReplayCacheUnavailable('no decision from Redis', { cause });
    }
    throw new ReplayCacheUnavailable('no majority of the sentinels has lately confirmed the master');
  }

  async #mark(connection: RedisConnection, nowMs: number): Promise<readonly unknown[]> {
    const { proofLifetimeMs, clockSkewMs } = this.#options;
    // A proof made now says so in whole seconds, as nearly every client writes `iat`.
    const iatMs = Math.floor(nowMs / 1000) * 1000;
    const moment = { nowMs, expiresAtMs: iatMs + proofLifetimeMs + clockSkewMs };
    const outcomes = await Promise.all(this.#tags.map((tag) => this.#record(connection, moment, { tag })));
    for (const outcome of outcomes) this.#announce(outcome, nowMs);
    return outcomes;
  }

  /** Once for each history that is too young, so that nobody takes it for an outage: what it is, and when it is over. */
  #announce(outcome: unknown, nowMs: number): void {
    const sinceMs = Number(/^unsettled (\d+)$/.exec(String(outcome))?.[1]);
    const untilMs = sinceMs + this.#options.clockSkewMs + MARGIN_MS;
    if (Number.isNaN(sinceMs) || nowMs >= untilMs || sinceMs === this.#announcedSinceMs) return;
    this.#announcedSinceMs = sinceMs;
    const [since, until] = [sinceMs, untilMs].map((ms) => new Date(ms).toISOString());
    this.#options.log.warn('replay_cache_unsettled', { since, until });
  }

  #record(connection: RedisConnection, moment: Moment, entry: { tag: string; digest?: string }): Promise<unknown> {
    const { nowMs, expiresAtMs } = moment;
    const prefix = entry.tag === '' ? this.#options.keyPrefix : `${this.#options.keyPrefix}{${entry.tag}}`;
    const keys = entry.digest === undefined ? [`${prefix}history`] : [`${prefix}history`, prefix + entry.digest];
    const earliestUseMs = Math.floor(expiresAtMs - replayWindowMs(this.#options)) - MARGIN_MS;
    const lifeMs = Math.max(0, Math.ceil(expiresAtMs - nowMs)) + MARGIN_MS;
    return connection.evaluate(CLAIM_SCRIPT, keys, [Math.ceil(nowMs), earliestUseMs, lifeMs].map(String));
  }
}
