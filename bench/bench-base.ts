/** What the bench has before anything has been started: cores, options, a folder. */
import type { Cpus } from './cpus.ts';
import type { Options } from './options.ts';

export interface BenchBase {
  readonly options: Options;
  readonly cpus: Cpus;
  /** Where programs write to stderr. */
  readonly errorsTo: string;
  /** Writes a file into the bench's folder and returns its path. */
  write(name: string, content: string): string;
  /** A folder in the bench's folder. */
  folder(name: string): string;
}
