/** What parts are composed from: types alone, so that whoever builds one part needs to know none of the others. */
import type { Config } from '../config/schema.ts';
import type { Observers } from '../observe/observers.ts';
import type { ProcessWide } from '../state/process-wide.ts';

type OwnLimit = 'rate_limit' | 'max_requests_per_principal' | 'max_streams_per_principal';

/** The part of the configuration that is one server's own. */
export interface ServerConfig extends Pick<Config, 'backend' | 'resource' | 'authz'> {
  readonly limits: Pick<Config['limits'], OwnLimit>;
}

/** The part that all servers share. */
export type CommonConfig = Omit<Config, 'backend' | 'resource' | 'authz'>;

export interface ComposeOptions {
  readonly config: CommonConfig;
  readonly observers: Observers;
  readonly shared: ProcessWide;
}

export interface ServerOptions extends ComposeOptions {
  readonly own: ServerConfig;
  /** File descriptors for client connections and requests at backends together; Infinity where none are known to lack. */
  readonly spareDescriptors: number;
}
