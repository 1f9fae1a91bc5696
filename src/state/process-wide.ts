/** What holds for the whole process, however many threads serve its requests: counts, limits, keys, secrets. */
import { randomBytes } from 'node:crypto';
import { type Loads, MemoryLoads } from '../lib/loads.ts';
import { Tally } from '../lib/tally.ts';
import { errorField, type Log } from '../observe/log.ts';
import type { Observers } from '../observe/observers.ts';
import type { ProgramMetrics } from '../observe/program-metrics.ts';
import { ServerMetrics } from '../observe/server-metrics.ts';
import { findEgressProxy } from './egress-proxy.ts';
import { fetchJson } from './fetch-json.ts';
import { type IssuerKeys, JwksCache, type JwksSource } from './jwks-cache.ts';
import type { AskLogin } from './login-channel.ts';
import { type FollowLoginKeys, LoginKeys } from './login-keys.ts';
import { type Limit, MemoryRateLimiter, type RateLimiter } from './rate-limiter.ts';
import { createRefusalMemory, type RefusalMemory } from './refusal-counts.ts';
import { createReplayMemory, type ReplayMemory } from './replay-cache-memory.ts';
import { type FollowRevocations, RevokedTokens } from './revoked-tokens.ts';
import { createRotatingTicketKeys } from './ticket-keys.ts';

/** Those of tokens whose claims are known to be true, and those of all others. */
export type RefusalMemories = Readonly<Record<'verified' | 'unverified', RefusalMemory>>;

export function createRefusalMemories(): RefusalMemories {
  return { verified: createRefusalMemory(), unverified: createRefusalMemory() };
}

/** Whose requests a rate limiter counts: principals those of one server, which is named where there are several. */
export type RateLimited = 'clients' | 'principals' | `principals ${string}`;

/** What is counted of one among several servers. */
export interface ServerWide {
  /** Its requests at its backend. */
  readonly requests: Tally;
  readonly metrics: ServerMetrics;
}

/** Where the programs are, as backends. */
export interface ProgramsDoor {
  readonly socketPath: string;
  /** Proves to their thread that a request comes from Obex. */
  readonly hop: string;
  readonly metrics: ProgramMetrics;
}

/** Two implementations: `createOwnTruth` for a process with one thread, `SharedTruth` for a thread among several. */
export interface ProcessWide {
  /** Client connections open on the main listener. */
  readonly connections: Tally;
  /** Requests at the backend. */
  readonly backendRequests: Tally;
  readonly eventStreams: Tally;
  /** Seals nonces when the config has no secret: a thread must know those of another. */
  readonly nonceSecret: string;
  /** How the process is called in Via: "obex-" and a random text that nobody but backends gets to see. */
  readonly viaPseudonym: string;
  /** For a configuration with `login`. */
  readonly askLogin: AskLogin;
  /** Undefined where the backend is reached by a URL. */
  readonly programs: ProgramsDoor | undefined;
  /** Of those that `login` has issued. */
  readonly revokedTokens: RevokedTokens;
  /** Seals TLS sessions, 48 bytes: those of the moment. */
  ticketKeys(): Buffer;
  createRateLimiter(whose: RateLimited, limit: Limit): RateLimiter;
  /** Requests and event streams at the backend, by principal; for phases that know principals. */
  providePrincipalLoads(): Loads;
  /** Refusals within the last minute; for phases that verify tokens. */
  provideRefusalMemory(): RefusalMemories;
  /** By name, for as long as the server is configured. */
  provideServer(name: string): ServerWide;
  provideReplayMemory(maxEntries: number): ReplayMemory;
  createIssuerKeys(source: JwksSource): IssuerKeys;
}

const JWKS_LIMITS = { timeoutMs: 5_000, maxBytes: 1024 * 1024 };
const SECRET_BYTES = 32;
const PSEUDONYM_BYTES = 8;

export function createNonceSecret(): string {
  return randomBytes(SECRET_BYTES).toString('hex');
}

export function createViaPseudonym(): string {
  return `obex-${randomBytes(PSEUDONYM_BYTES).toString('hex')}`;
}

export function createJwksCache(source: JwksSource, { clock, log }: Observers): JwksCache {
  tellEgressProxy(source, log);
  return new JwksCache(source, { clock, log, fetchJson: (url) => fetchJson(url, { ...JWKS_LIMITS, ca: source.ca }) });
}

/** Fetched, or, where Obex itself is the issuer, as its login thread tells them. */
export function createSourceKeys(
  source: JwksSource,
  observers: Observers,
  followLogin: FollowLoginKeys | undefined,
): JwksCache | LoginKeys {
  if (source.isOwn !== true) return createJwksCache(source, observers);
  if (followLogin === undefined) throw new TypeError('own tokens without a login thread');
  return new LoginKeys(source, followLogin, observers.clock);
}

/** A proxy that the environment brings along is easily forgotten by whoever looks for the cause of a failed fetch. */
function tellEgressProxy({ issuer, jwksUri }: JwksSource, log: Log): void {
  const url = URL.parse(jwksUri ?? issuer);
  if (url === null) return;
  try {
    const proxy = findEgressProxy(url);
    if (proxy !== undefined) log.info('egress_proxy', { issuer, proxy: proxy.host });
  } catch (error) {
    log.warn('egress_proxy', { issuer, error: errorField(error) });
  }
}

/** What the thread that answers `/oauth/*` is to those that serve. */
export interface LoginThread {
  readonly ask: AskLogin;
  readonly followKeys: FollowLoginKeys;
  readonly followRevocations: FollowRevocations;
}

/** What the other threads of a process are to one that serves alone. */
export interface OtherThreads {
  readonly login?: LoginThread | undefined;
  readonly programs?: ProgramsDoor | undefined;
}

/** One thread serves alone: nothing is shared. */
export function createOwnTruth(observers: Observers, { login, programs }: OtherThreads = {}): ProcessWide {
  const revokedTokens = new RevokedTokens();
  const servers = new Map<string, ServerWide>();
  login?.followRevocations((revocations) => revokedTokens.replace(revocations));
  return {
    revokedTokens,
    programs,
    connections: new Tally(),
    backendRequests: new Tally(),
    eventStreams: new Tally(),
    nonceSecret: createNonceSecret(),
    viaPseudonym: createViaPseudonym(),
    askLogin: login?.ask ?? (() => Promise.reject(new TypeError('nobody to ask about a login'))),
    ticketKeys: createRotatingTicketKeys(observers.clock),
    createRateLimiter: (_whose, limit) => new MemoryRateLimiter(limit),
    providePrincipalLoads: () => new MemoryLoads(),
    provideRefusalMemory: createRefusalMemories,
    provideServer: (name) => {
      const server = servers.get(name) ?? { requests: new Tally(), metrics: new ServerMetrics() };
      servers.set(name, server);
      return server;
    },
    provideReplayMemory: createReplayMemory,
    createIssuerKeys: (source) => createSourceKeys(source, observers, login?.followKeys),
  };
}
