/** Connections to one backend: opened when needed, kept when idle, the youngest used first. RFC 9112 §9.3, §9.4. */

import { VERSION } from '../../lib/version.ts';
import type {
  BackendCall,
  BackendClient,
  BackendFailure,
  BackendOptions,
  BackendReceiver,
  BackendRequest,
} from '../backend.ts';
import { NO_BODY, type RequestBody } from '../exchange.ts';
import { BackendConnection } from './backend-connection.ts';
import { BackendExchange } from './backend-exchange.ts';
import type { ChunkedLimits } from './chunked-decoder.ts';
import { type Connect, createConnect } from './connect.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { Outbox } from './outbox.ts';
import { Sweep, systemTiming, type Timing } from './timing.ts';

/**
 * How long an idle connection is trusted when the backend does not say. Several servers hang up after five seconds, and
 * a request that meets their FIN half-way cannot be repeated if it is a POST.
 */
const DEFAULT_IDLE_MS = 4000;
/** Hang up that much before the backend says it will. */
const IDLE_MARGIN_MS = 1000;
const LONGEST_IDLE_MS = 60_000;

/** Makes a pool; connections are opened by the first requests. */
export function createBackendPool(options: BackendOptions, timing: Timing = systemTiming): BackendClient {
  return new BackendPool(options, timing);
}

class BackendPool implements BackendClient, ConnectionPool<BackendConnection> {
  readonly outbox: Outbox;
  readonly onBug: (error: unknown) => void;
  readonly maxHeaderBytes: number;
  readonly bodyLimits: ChunkedLimits;
  readonly headTimeoutMs: number;
  readonly connect: Connect;
  readonly isTls: boolean;
  readonly connectTimeoutMs: number;
  readonly #probeRequest: BackendRequest;
  readonly #maxIdle: number;
  readonly #sweep: Sweep;
  readonly #idle: BackendConnection[] = [];
  /** Connections that are open or being opened. */
  #open = 0;
  #closed = false;

  constructor(options: BackendOptions, timing: Timing) {
    this.outbox = new Outbox(timing);
    this.onBug = options.onBug;
    this.maxHeaderBytes = options.maxHeaderBytes;
    this.bodyLimits = { maxBodyBytes: Number.POSITIVE_INFINITY, maxTrailerBytes: options.maxHeaderBytes };
    this.headTimeoutMs = options.headTimeoutMs;
    this.connectTimeoutMs = options.connectTimeoutMs;
    this.#maxIdle = options.maxIdleConnections;
    this.connect = createConnect(options);
    this.isTls = options.url.protocol === 'https:';
    // RFC 9110 §9.3.7: OPTIONS is safe, and unlike GET opens no event stream anywhere.
    this.#probeRequest = {
      method: 'OPTIONS',
      target: '/',
      fields: ['Host', options.host ?? options.url.host, 'User-Agent', `obex/${VERSION}`],
      commonLines: 'Connection: close\r\n',
    };
    this.#sweep = new Sweep(timing, Math.min(options.headTimeoutMs, options.connectTimeoutMs, DEFAULT_IDLE_MS));
  }

  get nowMs(): number {
    return this.#sweep.nowMs;
  }

  send(request: BackendRequest, body: RequestBody, receiver: BackendReceiver): BackendCall {
    const exchange = new BackendExchange(request, body, receiver);
    try {
      const connection = this.#takeIdle();
      if (connection === undefined) this.#startOnNew(exchange);
      else connection.start(exchange);
    } catch (error) {
      // Nobody else knows of a call that is not returned.
      exchange.cancel();
      throw error;
    }
    return exchange;
  }

  async probe(timeoutMs: number): Promise<void> {
    const answer = new ProbeAnswer();
    const exchange = new BackendExchange(this.#probeRequest, NO_BODY, answer);
    this.#startOnNew(exchange);
    const timer = setTimeout(() => answer.reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    try {
      await answer.begun;
    } finally {
      clearTimeout(timer);
      exchange.cancel();
    }
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
    this.#stopWhenDone();
  }

  release(connection: BackendConnection, keepAliveSeconds: number | undefined): void {
    const promisedMs = keepAliveSeconds === undefined ? DEFAULT_IDLE_MS : keepAliveSeconds * 1000 - IDLE_MARGIN_MS;
    const idleMs = Math.min(promisedMs, LONGEST_IDLE_MS);
    if (this.#closed || idleMs <= 0 || this.#idle.length >= this.#maxIdle) {
      connection.destroy();
      return;
    }
    connection.idleDeadlineMs = this.nowMs + idleMs;
    this.#idle.push(connection);
  }

  forget(connection: BackendConnection): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#sweep.delete(connection);
    this.#open -= 1;
    this.#stopWhenDone();
  }

  retry(exchange: BackendExchange): void {
    this.#startOnNew(exchange);
  }

  #takeIdle(): BackendConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.usable) return connection;
    }
  }

  #startOnNew(exchange: BackendExchange): void {
    this.#sweep.add(new BackendConnection(this, exchange));
    this.#open += 1;
  }

  #stopWhenDone(): void {
    if (this.#closed && this.#open === 0) this.#sweep.stop();
  }
}

/** Whether anything came back that is an answer. */
class ProbeAnswer implements BackendReceiver {
  readonly begun: Promise<void>;
  readonly reject: (error: Error) => void;
  readonly #resolve: () => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.begun = promise;
    this.reject = reject;
    this.#resolve = resolve;
  }

  onInformational(): void {
    // The final response is still to come.
  }

  onHead(): undefined {
    this.#resolve();
  }

  onFailure(failure: BackendFailure, cause: Error | undefined): void {
    this.reject(cause ?? new Error(failure));
  }
}
