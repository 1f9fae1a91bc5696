/** What holds for the whole process, as one of its workers sees it. */
import type { Loads } from '../lib/loads.ts';
import { Tally } from '../lib/tally.ts';
import type { IssuerKeys, JwksSource } from '../state/jwks-cache.ts';
import { SharedLoads } from '../state/loads-shared.ts';
import type { AskLogin } from '../state/login-channel.ts';
import type { ProcessWide, ProgramsDoor, RateLimited, RefusalMemories } from '../state/process-wide.ts';
import type { RateLimiter } from '../state/rate-limiter.ts';
import { SharedRateLimiter } from '../state/rate-limiter-shared.ts';
import type { ReplayMemory } from '../state/replay-cache-memory.ts';
import { RevokedTokens } from '../state/revoked-tokens.ts';
import { FollowedKeys, type KeyLink } from './followed-keys.ts';
import type { RateLimitMemories } from './messages.ts';
import type { SharedMemory } from './shared-memory.ts';

/** To what the main thread keeps. */
interface Ways {
  readonly link: KeyLink;
  readonly askLogin: AskLogin;
  readonly programs: ProgramsDoor | undefined;
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
  rateLimits: RateLimitMemories | undefined;
  readonly #memory: SharedMemory;
  readonly #link: KeyLink;
  #ticketKeys: Buffer;

  constructor(memory: SharedMemory, { link, askLogin, programs }: Ways) {
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
