/** What the programs thread is told of the configuration. Plain data, because it crosses to another thread. */

/** One MCP server that speaks stdio. Times in milliseconds, sizes in bytes. */
export interface ProgramOptions {
  /** Its name in the configuration, and its path on the socket. */
  readonly name: string;
  /** The command and its arguments; never empty. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Names of variables that are taken from the environment of Obex, where they are set. */
  readonly passEnv: readonly string[];
  /** Empty = that of Obex. */
  readonly cwd: string;
  /** `NAME`, `UID`, `NAME:GROUP` or `UID:GID`; empty = that of Obex. */
  readonly user: string;
  /** Until the first message of a process. */
  readonly startTimeoutMs: number;
  /** Without a message either way, and with nothing in flight that somebody waits for. */
  readonly idleTimeoutMs: number;
  /** Processes, from their start to their end. */
  readonly maxSessions: number;
  /** Longest line of a process that is read. */
  readonly maxMessageBytes: number;
}

export interface ProgramsOptions {
  readonly servers: readonly ProgramOptions[];
  /** Largest body of a request that is taken. */
  readonly maxBodyBytes: number;
  /** How long requests in flight may take when their server is removed or changed. */
  readonly drainMs: number;
}

/** Where the threads that serve find the programs, and how it knows them. */
export interface ProgramsPlace {
  /** In a folder that is this user's alone. */
  readonly socketPath: string;
  /** Goes with each request as `X-Obex-Hop`: a child of the same user can connect to the socket, too. */
  readonly hop: string;
}
