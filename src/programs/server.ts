/** All programs of one process of Obex, behind one unix socket. */
import type { Clock } from '../lib/clock.ts';
import { errorField, type Log } from '../observe/log.ts';
import type { ProgramMetrics } from '../observe/program-metrics.ts';
import { listen } from '../wire/engine.ts';
import type { ServerHandlers, ServerLimits, WireServer } from '../wire/exchange.ts';
import { BodyBudget } from './body-budget.ts';
import { ByteBudget } from './byte-budget.ts';
import { Front } from './front.ts';
import { KeepAlive } from './keep-alive.ts';
import type { ProgramsOptions, ProgramsPlace } from './options.ts';
import { OrphanWatch } from './orphan-watch.ts';
import { ProgramServer } from './program-server.ts';

export interface ProgramsServer {
  /** Throws, and leaves all as it was, when a server cannot be had. Those that are removed or changed drain. */
  configure(options: ProgramsOptions): void;
  /** Resolves when no process and no connection is left. */
  stop(drainMs: number): Promise<void>;
}

export interface ProgramsHooks {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: ProgramMetrics;
  /** All process groups of now, whenever one begins or ends. */
  onGroups(pgids: readonly number[]): void;
}

const LIMITS: Omit<ServerLimits, 'maxBodyBytes'> = {
  // What the threads that serve have let in is not judged again.
  maxHeaderBytes: 256 * 1024,
  maxRequestLineBytes: 64 * 1024,
  readTimeoutMs: 120_000,
  bodyTimeoutMs: 600_000,
  writeTimeoutMs: 600_000,
  idleTimeoutMs: 120_000,
  maxConnections: 1_000_000,
};
/** Bodies that are read, or wait for a process to read them. */
const BODY_BYTES = 128 * 1024 * 1024;
/** Lines that processes have begun. */
const LINE_BYTES = 128 * 1024 * 1024;

export async function startPrograms(
  options: ProgramsOptions,
  place: ProgramsPlace,
  hooks: ProgramsHooks,
): Promise<ProgramsServer> {
  const programs = new RunningPrograms(options, hooks);
  await programs.listen(place);
  return programs;
}

class RunningPrograms implements ProgramsServer {
  readonly #hooks: ProgramsHooks;
  readonly #bodyBudget = new BodyBudget(BODY_BYTES);
  readonly #lineBudget = new ByteBudget(LINE_BYTES);
  readonly #keepAlive = new KeepAlive();
  readonly #groups = new Set<number>();
  readonly #watch: OrphanWatch;
  /** Removed or changed ones. */
  readonly #draining = new Set<Promise<void>>();
  #options: ProgramsOptions;
  #servers: ReadonlyMap<string, ProgramServer>;
  #wire: WireServer | undefined;

  constructor(options: ProgramsOptions, hooks: ProgramsHooks) {
    this.#hooks = hooks;
    this.#watch = new OrphanWatch((error) => hooks.log.info('program_watch_missing', { error: errorField(error) }));
    this.#options = options;
    this.#servers = this.#build(options, new Map());
  }

  async listen({ socketPath, hop }: ProgramsPlace): Promise<void> {
    const front = new Front({
      hop,
      bodyBudget: this.#bodyBudget,
      maxBodyBytes: () => this.#options.maxBodyBytes,
      findServer: (name) => this.#servers.get(name),
      onBug: (error) => this.#onBug(error),
    });
    const limits = (): ServerLimits => ({ ...LIMITS, maxBodyBytes: this.#options.maxBodyBytes });
    const options = { listen: { path: socketPath }, tls: undefined, limits };
    this.#wire = await listen(
      options,
      createHandlers(front, (error) => this.#onBug(error)),
    );
  }

  configure(options: ProgramsOptions): void {
    const before = this.#servers;
    this.#servers = this.#build(options, before);
    this.#options = options;
    const kept = new Set(this.#servers.values());
    for (const server of before.values()) if (!kept.has(server)) this.#drain(server, options.drainMs);
  }

  async stop(drainMs: number): Promise<void> {
    for (const server of this.#servers.values()) this.#drain(server, drainMs);
    await Promise.all(this.#draining);
    this.#wire?.destroy();
    this.#watch.stop();
  }

  /** All are made before any is put in force, since one of them may not be possible. */
  #build(options: ProgramsOptions, before: ReadonlyMap<string, ProgramServer>): ReadonlyMap<string, ProgramServer> {
    const built = options.servers.map((each) => {
      try {
        const kept = before.get(each.name);
        const isSame = kept?.isSame(each) === true;
        return { each, server: isSame ? kept : new ProgramServer(each, this.#partsOf()) };
      } catch (error) {
        throw new Error(`${each.name}: ${errorField(error)}`, { cause: error });
      }
    });
    for (const { each, server } of built) server.update(each);
    return new Map(built.map(({ each, server }) => [each.name, server]));
  }

  #partsOf(): ConstructorParameters<typeof ProgramServer>[1] {
    return {
      ...this.#hooks,
      keepAlive: this.#keepAlive,
      bodyBudget: this.#bodyBudget,
      lineBudget: this.#lineBudget,
      onBug: (error) => this.#onBug(error),
      onGroup: (pgid, isThere) => {
        if (isThere) this.#groups.add(pgid);
        else this.#groups.delete(pgid);
        if (isThere) this.#watch.add(pgid);
        else this.#watch.delete(pgid);
        this.#hooks.onGroups([...this.#groups]);
      },
    };
  }

  #drain(server: ProgramServer, drainMs: number): void {
    const drained = server.drain(drainMs).finally(() => this.#draining.delete(drained));
    this.#draining.add(drained);
  }

  #onBug(error: unknown): void {
    const stack = error instanceof Error ? error.stack : undefined;
    this.#hooks.log.error('internal_error', { error: errorField(error), stack });
  }
}

function createHandlers(front: Front, onBug: (error: unknown) => void): ServerHandlers {
  const ignore = (): void => undefined;
  return {
    onBug,
    onAcceptFailure: ignore,
    onHandshakeFailure: ignore,
    onCalmed: ignore,
    onExchange: (exchange) => front.answer(exchange),
    onRefused: () => ({ head: { status: 400, reason: '', fields: [], length: 0 }, body: new Uint8Array(0) }),
  };
}
