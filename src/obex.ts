/** A running Obex: listeners, the configuration in force, reload and drain. */
import { randomUUID } from 'node:crypto';
import type { Config } from './config/schema.ts';
import { deny } from './oauth/denial.ts';
import type { Observers } from './observe/observers.ts';
import { processMetrics } from './observe/process-metrics.ts';
import { buildRuntime, type Phase, type Runtime } from './runtime.ts';
import { runtimeMetrics } from './runtime-metrics.ts';
import { createHandle } from './server/handle.ts';
import { formatWireRefusal } from './server/respond.ts';
import type { Service } from './server/service.ts';
import { VERSION } from './version.ts';
import type { ListenAddress, ServerHandlers, WireServer } from './wire/exchange.ts';
import { listenHttp } from './wire/node-http/server.ts';

export interface Obex {
  /** Where the main listener can be reached from this machine. */
  readonly url: string;
  readonly port: number;
  readonly phase: Phase;
  /** Puts a new configuration in force, or throws an error that says why not and leaves the old one. */
  reload(config: Config): void;
  /** Not ready, then not accepting, then cut: resolves when every connection is gone. */
  drain(): Promise<void>;
  /** Cuts everything at once. */
  stop(): void;
}

/** Starts to listen. Rejects with an error that a person can act on. */
export async function startObex(config: Config, observers: Observers): Promise<Obex> {
  const running = new RunningObex(config, observers);
  await running.listen();
  return running;
}

class RunningObex implements Obex {
  readonly #observers: Observers;
  #config: Config;
  #runtime: Runtime;
  #server: WireServer | undefined;
  #metricsServer: WireServer | undefined;
  #draining = false;
  #closing = false;

  constructor(config: Config, observers: Observers) {
    this.#observers = observers;
    this.#config = config;
    this.#runtime = this.#build(config, undefined);
    observers.metrics.register(
      ...runtimeMetrics(
        () => this.#runtime,
        () => this.#server?.connections ?? 0,
      ),
      ...processMetrics(VERSION, () => this.#runtime.phase),
    );
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  get phase(): Phase {
    return this.#runtime.phase;
  }

  get url(): string {
    const { listen, tls } = this.#config.obex;
    return formatListenUrl(listen, this.port, tls.enabled);
  }

  async listen(): Promise<void> {
    const { obex, metrics } = this.#config;
    try {
      this.#server = await this.#listenOn(obex.listen, () => this.#runtime.service, this.#runtime);
      if (metrics.listen !== undefined) {
        const service = (): Service => this.#runtime.metricsService ?? this.#runtime.service;
        this.#metricsServer = await this.#listenOn(metrics.listen, service, undefined);
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  reload(config: Config): void {
    refuseFixedChanges(this.#config, config);
    const previous = this.#runtime;
    const next = this.#build(config, previous);
    try {
      if (next.tls !== undefined) this.#server?.updateTls(next.tls);
    } catch (error) {
      next.release(previous);
      throw error;
    }
    this.#observers.log.setLevel(config.log.level);
    this.#runtime = next;
    this.#config = config;
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
    this.stop();
  }

  stop(): void {
    this.#draining = true;
    this.#server?.destroy();
    this.#metricsServer?.destroy();
    this.#runtime.release(undefined);
  }

  /** Streams end between two events where they can; a moment later the rest is cut. */
  #finish(): void {
    this.#runtime.service.forwarder.inFlight.finishEventStreams();
    setTimeout(() => this.#server?.destroy(), BOUNDARY_GRACE_MS);
  }

  #build(config: Config, previous: Runtime | undefined): Runtime {
    return buildRuntime({
      config,
      observers: this.#observers,
      isDraining: () => this.#draining,
      isClosing: () => this.#closing,
      previous,
    });
  }

  #listenOn(listen: ListenAddress, service: () => Service, runtime: Runtime | undefined): Promise<WireServer> {
    const { metrics, log } = this.#observers;
    const handlers: ServerHandlers = {
      onExchange: createHandle(service, this.#observers),
      onRefused: (refusal, detail, peerAddress) => {
        const requestId = randomUUID();
        const denial = deny(refusal, { detail });
        const answer = formatWireRefusal(denial, requestId);
        metrics.responded(answer.head.status, 0);
        metrics.denied(refusal);
        log.info('request_refused', { request_id: requestId, client: peerAddress, reason: refusal, detail });
        return answer;
      },
    };
    return listenHttp({ listen, tls: runtime?.tls, limits: () => service().limits }, handlers);
  }
}

/** How long an event stream may take to reach its next boundary once everything else has been waited for. */
const BOUNDARY_GRACE_MS = 500;

/** What a reload cannot change: the sockets and threads that stand, and how much is verified. */
function refuseFixedChanges(before: Config, after: Config): void {
  const fixed: readonly (readonly [string, unknown, unknown])[] = [
    ['obex.listen', before.obex.listen, after.obex.listen],
    ['obex.workers', before.obex.workers, after.obex.workers],
    ['obex.tls.enabled', before.obex.tls.enabled, after.obex.tls.enabled],
    ['metrics.listen', before.metrics.listen, after.metrics.listen],
    ['the phase', before.idp === undefined, after.idp === undefined],
  ];
  for (const [name, old, next] of fixed) {
    if (JSON.stringify(old) !== JSON.stringify(next)) {
      throw new Error(`a reload cannot change ${name}; restart Obex to change it`);
    }
  }
}

function formatListenUrl(listen: ListenAddress, port: number, isTls: boolean): string {
  if ('path' in listen) return `unix:${listen.path}`;
  const host = listen.host === undefined || listen.host === '0.0.0.0' ? 'localhost' : listen.host;
  return `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
