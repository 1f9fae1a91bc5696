/** What holds for the whole process, as one of its workers sees it. */
import type { Loads } from '../lib/loads.ts';
import { Tally } from '../lib/tally.ts';
import { Cells } from '../observe/cells.ts';
import { ServerMetrics } from '../observe/server-metrics.ts';
import type { IssuerKeys, JwksSource } from '../state/jwks-cache.ts';
import { SharedLoads } from '../state/loads-shared.ts';
import type { AskLogin } from '../state/login-channel.ts';
import type { ProcessWide, ProgramsDoor, RateLimited, RefusalMemories, ServerWide } from '../state/process-wide.ts';
import type { RateLimiter } from '../state/rate-limiter.ts';
import { SharedRateLimiter } from '../state/rate-limiter-shared.ts';
import type { ReplayMemory } from '../state/replay-cache-memory.ts';
import { RevokedTokens } from '../state/revoked-tokens.ts';
import { FollowedKeys, type KeyLink } from './followed-keys.ts';
import type { RateLimitMemories } from './messages.ts';
import type { ServerMemories, SharedMemory } from './shared-memory.ts';

/** To what the main thread keeps. */
interface Ways {
  readonly link: KeyLink;
  readonly askLogin: AskLogin;
  readonly programs: ProgramsDoor | undefined;
  /** The number of the thread. */
  readonly index: number;
}

export class SharedTruth implements ProcessWide {
  readonly connections: Tally;
  readonly backendRequests: Tally;
  readonly eventStreams: Tally;
  readonly nonceSecret: string;
  readonly viaPseudonym: string;
  readonly askLogin: AskLogin;
  readonly programs: ProgramsDoor | undefined;
  readonly revokedTokens = new RevokedTokens();
  /** Of the configuration that is being built. */
  rateLimits: RateLimitMemories = {};
  servers: ServerMemories = {};
  readonly #memory: SharedMemory;
  readonly #link: KeyLink;
  readonly #index: number;
  #ticketKeys: Buffer;

  constructor(memory: SharedMemory, { link, askLogin, programs, index }: Ways) {
    this.connections = new Tally(new Int32Array(memory.connections));
    this.backendRequests = new Tally(new Int32Array(memory.backendRequests));
    this.eventStreams = new Tally(new Int32Array(memory.eventStreams));
    this.nonceSecret = memory.nonceSecret;
    this.viaPseudonym = memory.viaPseudonym;
    this.#ticketKeys = Buffer.from(memory.ticketKeys);
    this.askLogin = askLogin;
    this.programs = programs;
    this.#memory = memory;
    this.#link = link;
    this.#index = index;
  }

  ticketKeys(): Buffer {
    return this.#ticketKeys;
  }

  /** All threads are sent the same at the same time. */
  receiveTicketKeys(keys: Uint8Array): void {
    this.#ticketKeys = Buffer.from(keys);
  }

  createRateLimiter(whose: RateLimited): RateLimiter {
    const memory = this.rateLimits[whose];
    if (memory === undefined) throw new TypeError('a rate limit without memory');
    return new SharedRateLimiter(memory);
  }

  providePrincipalLoads(): Loads {
    if (this.#memory.principalLoads === undefined) throw new TypeError('principals without memory for what they have');
    return new SharedLoads(this.#memory.principalLoads);
  }

  provideRefusalMemory(): RefusalMemories {
    if (this.#memory.refusals === undefined) throw new TypeError('refusals of tokens without memory');
    return this.#memory.refusals;
  }

  provideServer(name: string): ServerWide {
    const memory = this.servers[name];
    if (memory === undefined) throw new TypeError('a server without memory');
    const metrics = memory.metrics.map((buffer) => new Float64Array(buffer));
    const own = metrics[this.#index];
    if (own === undefined) throw new TypeError('a thread without metrics');
    return {
      requests: new Tally(new Int32Array(memory.requests)),
      metrics: new ServerMetrics(new Cells(own, metrics)),
    };
  }

  provideReplayMemory(): ReplayMemory {
    if (this.#memory.replay === undefined) throw new TypeError('a replay cache without memory');
    return this.#memory.replay;
  }

  createIssuerKeys(source: JwksSource): IssuerKeys {
    return new FollowedKeys(source, this.#link);
  }
}
