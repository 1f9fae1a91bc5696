/** A running Obex: listeners, the configuration in force, reload and drain. */
import { readDescriptorLimit, spareDescriptors } from './compose/descriptors.ts';
import type { RuntimeFiles } from './compose/files.ts';
import { runtimeMetrics } from './compose/metrics.ts';
import { refuseFixedChanges } from './compose/reload.ts';
import { buildRuntime, type Runtime } from './compose/runtime.ts';
import type { Phase } from './config/phase.ts';
import type { Config } from './config/schema.ts';
import { VERSION } from './lib/version.ts';
import type { Observers } from './observe/observers.ts';
import { processMetrics } from './observe/process-metrics.ts';
import { underKey } from './observe/under-key.ts';
import { createHandlers } from './server/handlers.ts';
import type { Service } from './server/service.ts';
import type { CommandLogin } from './state/login-control.ts';
import { createOwnTruth, type ProcessWide } from './state/process-wide.ts';
import { listen } from './wire/engine.ts';
import type { ListenAddress, WireServer } from './wire/exchange.ts';
import { formatListenUrl } from './wire/listen-url.ts';
import { hireStaff, type Staff } from './workers/staff.ts';

export interface Obex {
  /** Where the main listener can be reached from this machine. */
  readonly url: string;
  readonly port: number;
  readonly phase: Phase;
  /** Undefined where this thread has no login of its own. */
  readonly commandLogin: CommandLogin | undefined;
  /** Puts a new configuration in force, or rejects with an error that says why not and leaves the old one. */
  reload(config: Config): Promise<void>;
  /** The first half of a reload of this thread: all that can fail. Throws such an error. */
  prepare(config: Config, files?: RuntimeFiles): PreparedReload;
  /** Not ready, then not accepting, then cut: resolves when every connection is gone. */
  drain(): Promise<void>;
  /** Cuts everything at once. */
  stop(): void;
}

/** A configuration that is ready to be put in force. Exactly one of the two is called. */
export interface PreparedReload {
  commit(): void;
  discard(): void;
}

/** What a thread that serves together with others is given. */
export interface Seat {
  readonly shared: ProcessWide;
  readonly files: RuntimeFiles;
  /** Listens there and lets the other threads listen there too; 0 = the kernel chooses. */
  readonly port: number;
  /** One thread alone listens on `metrics.listen`; what it shows is the whole. */
  readonly listensForMetrics: boolean;
}

/** Starts to listen. Rejects with an error that a person can act on. Without a seat this thread is the whole process. */
export async function startObex(config: Config, observers: Observers, seat?: Seat): Promise<Obex> {
  // Who has a seat is served by those of the main thread.
  const staff = seat === undefined ? await hireStaff(config, observers) : undefined;
  try {
    const running = new RunningObex(config, observers, { seat, staff });
    await running.listen();
    return running;
  } catch (error) {
    void staff?.stop();
    throw error;
  }
}

interface ObexParts {
  readonly seat: Seat | undefined;
  readonly staff: Staff | undefined;
}

class RunningObex implements Obex {
  readonly #observers: Observers;
  readonly #parts: ObexParts;
  readonly #shared: ProcessWide;
  readonly #descriptorLimit = readDescriptorLimit();
  #config: Config;
  #runtime: Runtime;
  #server: WireServer | undefined;
  #metricsServer: WireServer | undefined;
  #draining = false;
  #closing = false;

  constructor(config: Config, observers: Observers, parts: ObexParts) {
    this.#observers = observers;
    this.#parts = parts;
    const { login, programs } = parts.staff ?? {};
    this.#shared = parts.seat?.shared ?? createOwnTruth(observers, { login: login?.desk, programs: programs?.door });
    this.#config = config;
    this.#runtime = this.#build(config, undefined, parts.seat?.files);
    this.#runtime.begin(undefined);
    observers.metrics.register(
      ...runtimeMetrics(() => this.#runtime, this.#shared, observers.metrics),
      ...processMetrics(VERSION, () => this.#runtime.phase),
    );
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  get phase(): Phase {
    return this.#runtime.phase;
  }

  get commandLogin(): CommandLogin | undefined {
    return this.#parts.staff?.login?.desk.command;
  }

  get url(): string {
    const { listen, tls } = this.#config.obex;
    return formatListenUrl(listen, this.port, tls.enabled);
  }

  async listen(): Promise<void> {
    const { obex, metrics } = this.#config;
    try {
      const place = this.#place(obex.listen);
      this.#server = await underKey(
        'obex.listen',
        this.#listenOn(place, () => this.#runtime.service, this.#runtime),
      );
      if (metrics.listen !== undefined && this.#parts.seat?.listensForMetrics !== false) {
        const listening = this.#listenOn(metrics.listen, () => this.#runtime.metricsService, undefined);
        this.#metricsServer = await underKey('metrics.listen', listening);
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  async reload(config: Config): Promise<void> {
    const prepared = this.prepare(config);
    try {
      await this.#parts.staff?.prepare(config)();
    } catch (error) {
      prepared.discard();
      throw error;
    }
    prepared.commit();
  }

  prepare(config: Config, files?: RuntimeFiles): PreparedReload {
    refuseFixedChanges(this.#config, config);
    const previous = this.#runtime;
    const next = this.#build(config, previous, files);
    const discard = (): void => next.release(previous);
    const commit = (): void => {
      // First, since the limits of a handshake are asked of it.
      this.#runtime = next;
      try {
        // It has been tried by `prepare`, as far as it can be without doing it.
        if (next.tls !== undefined) this.#server?.updateTls(next.tls);
      } catch (error) {
        this.#runtime = previous;
        discard();
        throw error;
      }
      this.#putInForce(config, previous);
    };
    return { discard, commit };
  }

  #putInForce(config: Config, previous: Runtime): void {
    const next = this.#runtime;
    this.#observers.log.setLevel(config.log.level);
    this.#config = config;
    next.begin(previous);
    previous.release(next);
  }

  async drain(): Promise<void> {
    this.#draining = true;
    const { drain_delay: delayMs, drain_timeout: timeoutMs } = this.#config.limits;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    this.#closing = true;
    const drained = this.#server?.drain();
    const cut = setTimeout(() => this.#finish(), timeoutMs);
    await drained;
    clearTimeout(cut);
    await this.#parts.staff?.stop();
    this.stop();
  }

  stop(): void {
    this.#draining = true;
    this.#server?.destroy();
    this.#metricsServer?.destroy();
    this.#runtime.release(undefined);
    void this.#parts.staff?.stop();
  }

  /** Streams end between two events where they can; a moment later the rest is cut. */
  #finish(): void {
    this.#runtime.finishStreams();
    setTimeout(() => this.#server?.destroy(), BOUNDARY_GRACE_MS);
  }

  #place(configured: ListenAddress): ListenAddress {
    if (this.#parts.seat === undefined || 'path' in configured) return configured;
    return { ...configured, port: this.#parts.seat.port, reusePort: true };
  }

  #build(config: Config, previous: Runtime | undefined, files: RuntimeFiles | undefined): Runtime {
    const options = {
      config,
      observers: this.#observers,
      shared: this.#shared,
      isDraining: () => this.#draining,
      isClosing: () => this.#closing,
    };
    return buildRuntime(options, { previous, files, descriptorLimit: this.#descriptorLimit });
  }

  #listenOn(address: ListenAddress, service: () => Service, runtime: Runtime | undefined): Promise<WireServer> {
    const handlers = createHandlers(service, this.#observers);
    const options = { listen: address, tls: runtime?.tls, limits: () => service().limits };
    // What the metrics listener accepts is not counted with the rest, nor is what it refuses.
    if (runtime === undefined) return listen(options, { ...handlers, onAcceptFailure: () => undefined });
    const { connections, backendRequests } = this.#shared;
    const shared = {
      connections,
      ticketKeys: () => this.#shared.ticketKeys(),
      hasDescriptors: () => {
        const spare = spareDescriptors(this.#config, this.#descriptorLimit);
        // One for the connection that is counted in already, one for its request.
        return connections.total + backendRequests.total + 1 <= spare;
      },
    };
    return listen({ ...options, ...shared }, handlers);
  }
}

/** How long an event stream may take to reach its next boundary once everything else has been waited for. */
const BOUNDARY_GRACE_MS = 500;
