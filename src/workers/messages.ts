/** What the main thread and its workers say to each other; plain data, in the order in which it was sent. */
import type { RuntimeFiles } from '../compose/files.ts';
import type { PortableConfig } from '../config/portable.ts';
import type { VerificationKey } from '../oauth/jwks.ts';
import type { JwksStatistics } from '../state/jwks-cache.ts';
import type { LoginQuestion, LoginReply } from '../state/login-channel.ts';
import type { ProgramsDoor, RateLimited } from '../state/process-wide.ts';
import type { RateLimitMemory } from '../state/rate-limiter-shared.ts';
import type { Revocation } from '../state/revoked-tokens.ts';
import type { ServerMemories, SharedMemory } from './shared-memory.ts';

export type RateLimitMemories = Readonly<Partial<Record<RateLimited, RateLimitMemory>>>;

/** One configuration with all that was read and made for it, the same for every worker. */
export interface HandOver {
  readonly config: PortableConfig;
  readonly files: RuntimeFiles;
  readonly rateLimits: RateLimitMemories;
  readonly servers: ServerMemories;
}

/** The state of one issuer's keys. */
export interface KeySnapshot {
  /** Stands for the `JwksSource`. */
  readonly source: string;
  readonly keys: readonly VerificationKey[] | undefined;
  readonly lastFetchFailed: boolean;
  readonly statistics: JwksStatistics;
}

/** A worker wants keys that it does not have. */
export interface RefreshRequest {
  readonly source: string;
  /** As `IssuerKeys.refresh` takes it. */
  readonly worthFetching: boolean;
  /** Fetches that the worker had heard of when it asked. */
  readonly fetchesSeen: number;
}

/** What a worker is born with. */
export interface Birth {
  readonly memory: SharedMemory;
  /** Counts from 0; the first one listens on `metrics.listen`. */
  readonly index: number;
  readonly handOver: HandOver;
  readonly programs: (Omit<ProgramsDoor, 'metrics'> & { readonly metrics: SharedArrayBuffer }) | undefined;
}

export type ToWorker =
  | { readonly kind: 'listen'; readonly port: number }
  /** A reload in two steps: a configuration is put in force when every worker has prepared it. */
  | { readonly kind: 'prepare'; readonly handOver: HandOver }
  | { readonly kind: 'commit' }
  | { readonly kind: 'discard' }
  /** Drains, then ends. */
  | { readonly kind: 'drain' }
  | { readonly kind: 'keys'; readonly snapshot: KeySnapshot }
  /** Seal TLS sessions from now on. */
  | { readonly kind: 'ticket_keys'; readonly keys: Uint8Array }
  /** The refresh that was asked for is over; what came of it was sent before. */
  | { readonly kind: 'refreshed'; readonly id: number; readonly isJoined: boolean }
  /** All that there are. */
  | { readonly kind: 'revocations'; readonly revocations: readonly Revocation[] }
  | { readonly kind: 'login_reply'; readonly reply: LoginReply };

export type FromWorker =
  | { readonly kind: 'listening'; readonly url: string; readonly port: number }
  /** Prepared, or in force. */
  | { readonly kind: 'done' }
  /** Could not listen, or not prepare. */
  | { readonly kind: 'refused'; readonly problem: string }
  | ({ readonly kind: 'refresh'; readonly id: number } & RefreshRequest)
  /** For the login thread. */
  | { readonly kind: 'login'; readonly question: LoginQuestion }
  /** Lines for standard output, whole ones. */
  | { readonly kind: 'lines'; readonly text: string };
