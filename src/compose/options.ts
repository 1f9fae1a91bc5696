/** What parts are composed from: types alone, so that whoever builds one part needs to know none of the others. */
import type { Config, OneServer } from '../config/schema.ts';
import type { Observers } from '../observe/observers.ts';
import type { ProcessWide } from '../state/process-wide.ts';

/** The part of the configuration that is one server's own. */
export type ServerConfig = OneServer;

/** The part that all servers share. */
export type CommonConfig = Omit<Config, 'servers'>;

export interface ComposeOptions {
  readonly config: CommonConfig;
  readonly observers: Observers;
  readonly shared: ProcessWide;
}

export interface ServerOptions extends ComposeOptions {
  readonly own: ServerConfig;
  /** File descriptors for client connections and requests at backends together; Infinity where none are known to lack. */
  readonly spareDescriptors: number;
  /** How many a request at a backend takes at most. */
  readonly descriptorsOfRequest: number;
  /** There is no other server. */
  readonly isAlone: boolean;
  /** Bytes of a request body that the engine lets in for any of them. */
  readonly maxBodyBytes: number;
}
