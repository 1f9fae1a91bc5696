/** Replay cache in Redis, shared by replicas, which a failover or a restart of Redis cannot fool. RFC 9449 §11.1. */
import { hash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { RedisUrl } from '../lib/redis-url.ts';
import type { Log } from '../observe/log.ts';
import { ClockEras, createErasMemory, sliceOf } from './clock-eras.ts';
import { type RedisConnection, RedisRefusal, RedisUnfit, withDeadline } from './redis-connection.ts';
import { RedisLink } from './redis-link.ts';
import { createRedisSource, type RedisSource } from './redis-source.ts';
import {
  type ClaimOutcome,
  freshExpiryMs,
  type ProofTimes,
  type ReplayCache,
  ReplayCacheUnavailable,
  replayWindowMs,
} from './replay-cache.ts';
import { UnsettledAnnouncement, unsettledUntilMs, WENT_BACK } from './unsettled-announcement.ts';

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
 * when by the clocks of Obex, claims have been recorded; when it does not fit or is gone, a new history begins now. So it
 * does when the marker was written by a clock that was ahead, for which nobody shall wait.
 */
const CLAIM_SCRIPT = `
local info = redis.call('INFO', 'replication') .. redis.call('INFO', 'stats')
if string.find(info, 'role:slave', 1, true) then return 'demoted' end
local history = string.match(info, 'master_replid:(%x+)') .. '.' .. string.match(info, 'evicted_keys:(%d+)')
local known, since = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%d+)$')
if known ~= history or tonumber(since) > tonumber(ARGV[1]) + ${MARGIN_MS} then
  since = ARGV[1]
  redis.call('SET', KEYS[1], history .. ' ' .. since)
end
if tonumber(ARGV[2]) <= tonumber(since) then return 'unsettled ' .. since end
if not redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[3]) then return 'replayed' end
return 'claimed'
`;

/** Stands for the digest of a proof in the claim that `/ready` makes: nothing but a write tells that writes are taken. */
const PROBE = 'probe';
const PROBE_LIFE_MS = 1_000;

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
  readonly #announcement: UnsettledAnnouncement;
  readonly #eras: ClockEras;

  constructor(options: RedisReplayCacheOptions) {
    this.#options = options;
    this.#tags = options.url.kind === 'cluster' ? CLUSTER_TAGS : [''];
    this.#access = { url: options.url, ca: options.ca };
    this.#source = createRedisSource(options);
    this.#announcement = new UnsettledAnnouncement(options.log);
    this.#eras = new ClockEras(createErasMemory(), options.log);
    this.#link = new RedisLink({ name: 'replay_cache', open: (onLost) => this.#open(onLost), log: options.log });
  }

  /** Begins to connect in the background, and keeps at it. */
  start(): void {
    const { clock } = this.#options;
    this.#eras.follow(clock.nowMs(), clock.monotonicMs());
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
    this.#refuseForgotten(expiresAtMs, nowMs);
    const digest = hash('sha256', key, 'hex');
    const tag = this.#tags.length === 1 ? '' : digest.slice(0, 1);
    const outcome = await this.#decide((connection) =>
      this.#record(connection, { nowMs, expiresAtMs }, { tag, digest }),
    );
    if (isDecision(outcome)) return outcome;
    this.#announce(outcome, nowMs);
    throw new ReplayCacheUnavailable(NOT_SETTLED);
  }

  /** Rejects with `ReplayCacheUnavailable` unless a proof made now could be claimed now. */
  async probe(nowMs: number): Promise<void> {
    this.#refuseForgotten(freshExpiryMs(this.#options, nowMs), nowMs);
    const outcomes = await this.#decide((connection) => this.#mark(connection, nowMs));
    if (outcomes.some((outcome) => !isDecision(outcome))) throw new ReplayCacheUnavailable(NOT_SETTLED);
  }

  /** A claim lives in Redis for as long as the proof was good by the clock of its use: see `ClockEras`. */
  #refuseForgotten(expiresAtMs: number, nowMs: number): void {
    const monotonicMs = this.#options.clock.monotonicMs();
    // Before it, of an era that may end now; after it, of the one that goes on or has begun.
    this.#eras.noteTime(monotonicMs, replayWindowMs(this.#options));
    this.#eras.follow(nowMs, monotonicMs);
    this.#eras.noteTime(monotonicMs, replayWindowMs(this.#options));
    const now = sliceOf(monotonicMs);
    if (this.#eras.forgottenUntil(sliceOf(expiresAtMs), now) === 0) return;
    const untilMs = unsettledUntilMs(this.#eras, this.#options, { nowMs, now });
    if (untilMs !== undefined) this.#announcement.announce(nowMs, untilMs);
    throw new ReplayCacheUnavailable(WENT_BACK);
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
      // An answer leaves the connection as good as it was, unless by it the server sends us away.
      if (connection !== undefined && !(cause instanceof RedisRefusal)) this.#link.drop(connection, cause);
      throw new ReplayCacheUnavailable('no decision from Redis', { cause });
    }
    throw new ReplayCacheUnavailable('no majority of the sentinels has lately confirmed the master');
  }

  async #mark(connection: RedisConnection, nowMs: number): Promise<readonly unknown[]> {
    const moment = { nowMs, expiresAtMs: freshExpiryMs(this.#options, nowMs) };
    const outcomes = await Promise.all(
      this.#tags.map((tag) => this.#record(connection, moment, { tag, digest: PROBE })),
    );
    for (const outcome of outcomes) this.#announce(outcome, nowMs);
    return outcomes;
  }

  /** Once for each history that is too young, so that nobody takes it for an outage: what it is, and when it is over. */
  #announce(outcome: unknown, nowMs: number): void {
    const sinceMs = Number(/^unsettled (\d+)$/.exec(String(outcome))?.[1]);
    const untilMs = sinceMs + this.#options.clockSkewMs + MARGIN_MS;
    if (nowMs < untilMs) this.#announcement.announce(sinceMs, untilMs);
  }

  async #record(
    connection: RedisConnection,
    { nowMs, expiresAtMs }: Moment,
    { tag, digest }: { readonly tag: string; readonly digest: string },
  ): Promise<unknown> {
    const prefix = tag === '' ? this.#options.keyPrefix : `${this.#options.keyPrefix}{${tag}}`;
    const earliestUseMs = Math.floor(expiresAtMs - replayWindowMs(this.#options)) - MARGIN_MS;
    const lifeMs = digest === PROBE ? PROBE_LIFE_MS : Math.max(0, Math.ceil(expiresAtMs - nowMs)) + MARGIN_MS;
    const values = [Math.ceil(nowMs), earliestUseMs, lifeMs].map(String);
    const outcome = await connection.evaluate(CLAIM_SCRIPT, [`${prefix}history`, prefix + digest], values);
    if (outcome === 'demoted') throw new RedisUnfit('this Redis is a replica now');
    return outcome;
  }
}

function isDecision(outcome: unknown): outcome is 'claimed' | 'replayed' {
  return outcome === 'claimed' || outcome === 'replayed';
}
