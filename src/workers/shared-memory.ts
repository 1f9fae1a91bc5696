/** Memory that all threads of the process share, made once by the main thread. */
import type { Config } from '../config/schema.ts';
import { Cells } from '../observe/cells.ts';
import { METRIC_CELLS, Metrics } from '../observe/metrics.ts';
import { SERVER_METRIC_CELLS } from '../observe/server-metrics.ts';
import { createLoadMemory, type LoadMemory } from '../state/loads-shared.ts';
import {
  createNonceSecret,
  createRefusalMemories,
  createViaPseudonym,
  type RefusalMemories,
} from '../state/process-wide.ts';
import { createReplayMemory, type ReplayMemory } from '../state/replay-cache-memory.ts';
import { createTicketKeys } from '../state/ticket-keys.ts';

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

/** What is counted of one among several servers. */
interface ServerMemory {
  readonly requests: SharedArrayBuffer;
  /** Counters of each thread; those of the main thread come last. */
  readonly metrics: readonly SharedArrayBuffer[];
}

/** By name. */
export type ServerMemories = Readonly<Record<string, ServerMemory>>;

export function createSharedMemory({ dpop, idp }: Config, workers: number): SharedMemory {
  const keepsProofs = dpop.enabled && dpop.replay_cache.backend === 'memory';
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

/** What is counted of a server that stays is kept. */
export function createServerMemories(
  { servers }: Config,
  threads: number,
  before: ServerMemories = {},
): ServerMemories {
  const names = servers.flatMap(({ name }) => (name === undefined ? [] : [name]));
  return Object.fromEntries(names.map((name) => [name, before[name] ?? createServerMemory(threads)]));
}

function createServerMemory(threads: number): ServerMemory {
  const bytes = SERVER_METRIC_CELLS * Float64Array.BYTES_PER_ELEMENT;
  return {
    requests: createCell(),
    metrics: Array.from({ length: threads }, () => new SharedArrayBuffer(bytes)),
  };
}

function createCell(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/** The metrics of a process, written to by the thread of this number. */
export function createSharedMetrics(memory: SharedMemory, thread: number): Metrics {
  const all = memory.metrics.map((buffer) => new Float64Array(buffer));
  return new Metrics(new Cells(all[thread] ?? new Float64Array(METRIC_CELLS), all));
}
