/** Memory that all threads of the process share, made once by the main thread, and what a worker makes of it. */
import type { Config } from '../config/schema.ts';
import type { Loads } from '../lib/loads.ts';
import { Tally } from '../lib/tally.ts';
import { Cells } from '../observe/cells.ts';
import { METRIC_CELLS, Metrics } from '../observe/metrics.ts';
import type { IssuerKeys, JwksSource } from '../state/jwks-cache.ts';
import { createLoadMemory, type LoadMemory, SharedLoads } from '../state/loads-shared.ts';
import type { AskLogin } from '../state/login-channel.ts';
import {
  createNonceSecret,
  createRefusalMemories,
  createViaPseudonym,
  type ProcessWide,
  type RateLimited,
  type RefusalMemories,
} from '../state/process-wide.ts';
import type { RateLimiter } from '../state/rate-limiter.ts';
import { SharedRateLimiter } from '../state/rate-limiter-shared.ts';
import { createReplayMemory, type ReplayMemory } from '../state/replay-cache-memory.ts';
import { RevokedTokens } from '../state/revoked-tokens.ts';
import { createTicketKeys } from '../state/ticket-keys.ts';
import { FollowedKeys, type KeyLink } from './followed-keys.ts';
import type { RateLimitMemories } from './messages.ts';

export interface SharedMemory {
  /** Counters of each thread; those of the main thread come last. */
  readonly metrics: readonly SharedArrayBuffer[];
  readonly connections: SharedArrayBuffer;
  readonly backendRequests: SharedArrayBuffer;
  readonly eventStreams: SharedArrayBuffer;
  /** Undefined in phase 1. */
  readonly principalLoads: LoadMemory | undefined;
  /** Undefined in phase 1. */
  readonly refusals: RefusalMemories | undefined;
  readonly nonceSecret: string;
  readonly viaPseudonym: string;
  /** The first ones; the main thread sends others. */
  readonly ticketKeys: Uint8Array;
  /** Proofs that were used; undefined when they are not kept in memory. A reload does not change it. */
  readonly replay: ReplayMemory | undefined;
}

export function createSharedMemory({ dpop, idp }: Config, workers: number): SharedMemory {
  const keepsProofs = dpop.enabled && dpop.replay_cache.backend === 'memory';
  const createCell = (): SharedArrayBuffer => new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  return {
    metrics: Array.from(
      { length: workers + 1 },
      () => new SharedArrayBuffer(METRIC_CELLS * Float64Array.BYTES_PER_ELEMENT),
    ),
    connections: createCell(),
    backendRequests: createCell(),
    eventStreams: createCell(),
    principalLoads: idp === undefined ? undefined : createLoadMemory(),
    refusals: idp === undefined ? undefined : createRefusalMemories(),
    nonceSecret: createNonceSecret(),
    viaPseudonym: createViaPseudonym(),
    ticketKeys: createTicketKeys(),
    replay: keepsProofs ? createReplayMemory(dpop.replay_cache.max_entries) : undefined,
  };
}

/** The metrics of a process, written to by the thread of this number. */
export function createSharedMetrics(memory: SharedMemory, thread: number): Metrics {
  const all = memory.metrics.map((buffer) => new Float64Array(buffer));
  return new Metrics(new Cells(all[thread] ?? new Float64Array(METRIC_CELLS), all));
}

/** What holds for the whole process, as one of its workers sees it. */
export class SharedTruth implements ProcessWide {
  readonly connections: Tally;
  readonly backendRequests: Tally;
  readonly eventStreams: Tally;
  readonly nonceSecret: string;
  readonly viaPseudonym: string;
  readonly askLogin: AskLogin;
  readonly revokedTokens = new RevokedTokens();
  /** Of the configuration that is being built. */
  rateLimits: RateLimitMemories | undefined;
  readonly #memory: SharedMemory;
  readonly #link: KeyLink;
  #ticketKeys: Buffer;

  /** `askLogin` leads to the main thread. */
  constructor(memory: SharedMemory, link: KeyLink, askLogin: AskLogin) {
    this.connections = new Tally(new Int32Array(memory.connections));
    this.backendRequests = new Tally(new Int32Array(memory.backendRequests));
    this.eventStreams = new Tally(new Int32Array(memory.eventStreams));
    this.nonceSecret = memory.nonceSecret;
    this.viaPseudonym = memory.viaPseudonym;
    this.#ticketKeys = Buffer.from(memory.ticketKeys);
    this.askLogin = askLogin;
    this.#memory = memory;
    this.#link = link;
  }

  ticketKeys(): Buffer {
    return this.#ticketKeys;
  }

  /** All threads are sent the same at the same time. */
  receiveTicketKeys(keys: Uint8Array): void {
    this.#ticketKeys = Buffer.from(keys);
  }

  createRateLimiter(whose: RateLimited): RateLimiter {
    if (this.rateLimits === undefined) throw new TypeError('a rate limit without memory');
    return new SharedRateLimiter(this.rateLimits[whose]);
  }

  providePrincipalLoads(): Loads {
    if (this.#memory.principalLoads === undefined) throw new TypeError('principals without memory for what they have');
    return new SharedLoads(this.#memory.principalLoads);
  }

  provideRefusalMemory(): RefusalMemories {
    if (this.#memory.refusals === undefined) throw new TypeError('refusals of tokens without memory');
    return this.#memory.refusals;
  }

  provideReplayMemory(): ReplayMemory {
    if (this.#memory.replay === undefined) throw new TypeError('a replay cache without memory');
    return this.#memory.replay;
  }

  createIssuerKeys(source: JwksSource): IssuerKeys {
    return new FollowedKeys(source, this.#link);
  }
}
