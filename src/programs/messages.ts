/** What the main thread and the programs thread say to each other; plain data, in the order in which it was sent. */
import type { LogLevel } from '../observe/log.ts';
import type { ProgramsOptions, ProgramsPlace } from './options.ts';

/** What the thread is born with. */
export interface ProgramsOrders {
  readonly options: ProgramsOptions;
  readonly place: ProgramsPlace;
  readonly level: LogLevel;
  /** Of `ProgramMetrics`. */
  readonly metrics: SharedArrayBuffer;
}

export type ToPrograms =
  | { readonly kind: 'configure'; readonly options: ProgramsOptions; readonly level: LogLevel }
  /** Ends when its processes have. */
  | { readonly kind: 'stop'; readonly drainMs: number };

export type FromPrograms =
  /** It answers requests. */
  | { readonly kind: 'started' }
  | { readonly kind: 'configured' }
  /** Could not start, or not be configured. */
  | { readonly kind: 'refused'; readonly problem: string }
  /** All process groups of now: who hears of the end of the thread ends them. */
  | { readonly kind: 'groups'; readonly pgids: readonly number[] }
  /** Lines for standard output, whole ones. */
  | { readonly kind: 'lines'; readonly text: string };
