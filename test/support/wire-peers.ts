/** Peers for tests of the HTTP engine that need no network: a clock by hand, a socket in memory, a sink that remembers. */
import { Socket } from 'node:net';
import type { BackendClient, BackendFailure, BackendReceiver } from '../../src/wire/backend.ts';
import { NOT_ASKED_FOR } from '../../src/wire/client-certificate.ts';
import type {
  BodyFailure,
  BodySink,
  EngineWatcher,
  Exchange,
  RequestBody,
  ResponseHead,
  ServerLimits,
} from '../../src/wire/exchange.ts';
import type { ConnectionContext } from '../../src/wire/http1/connection-context.ts';
import { Outbox } from '../../src/wire/http1/outbox.ts';
import { ServerConnection } from '../../src/wire/http1/server-connection.ts';
import { Sweep, type Timing } from '../../src/wire/http1/timing.ts';

/** Time that passes only when the test says so. */
export class FakeTiming implements Timing {
  readonly clock = { nowMs: (): number => this.#nowMs, monotonicMs: (): number => this.#nowMs };
  #nowMs = 1_000_000;
  readonly #runs = new Set<() => void>();
  #events: (() => void)[] | undefined = undefined;

  repeat(run: () => void): () => void {
    this.#runs.add(run);
    return () => this.#runs.delete(run);
  }

  /** Sockets in memory have no events of their own: each call of the test is one, unless it says when one is over. */
  afterEvents(run: () => void): void {
    if (this.#events === undefined) run();
    else this.#events.push(run);
  }

  /** All that `act` does is one turn of the event loop. */
  turn(act: () => void): void {
    const runs: (() => void)[] = [];
    this.#events = runs;
    act();
    this.#events = undefined;
    for (const run of runs) run();
  }

  /** Lets time pass in one step, then lets every sweep run once. */
  advance(ms: number): void {
    this.#nowMs += ms;
    for (const run of this.#runs) run();
  }
}

/** A socket whose peer is the test: `receive` is what the peer sends, `sent` what it gets. */
export class MemorySocket extends Socket {
  sent = '';
  ended = false;
  paused = false;
  override destroyed = false;
  /** Bytes that the kernel does not take. */
  override writableLength = 0;
  readonly #waiting: (() => void)[] = [];

  /** The kernel takes all that waits. */
  takeAll(): void {
    this.writableLength = 0;
    for (const callback of this.#waiting.splice(0)) callback();
  }

  constructor() {
    super({ allowHalfOpen: true });
  }

  receive(bytes: string | Uint8Array): void {
    if (!this.destroyed)
      this.emit('data', typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes));
  }

  /** The peer's FIN. */
  receiveEnd(): void {
    this.emit('end');
    if (this.ended) this.destroy();
  }

  override write(chunk: string | Uint8Array, ...rest: unknown[]): boolean {
    this.sent += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
    const callback = rest.at(-1);
    // The kernel takes things in order: what waits is called back by `takeAll`.
    if (typeof callback === 'function') {
      if (this.writableLength > 0) this.#waiting.push(() => callback());
      else callback();
    }
    return true;
  }

  override end(): this {
    this.ended = true;
    return this;
  }

  override destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.emit('close');
    return this;
  }

  override resetAndDestroy(): this {
    return this.destroy();
  }

  override pause(): this {
    this.paused = true;
    return this;
  }

  override resume(): this {
    this.paused = false;
    return this;
  }

  override isPaused(): boolean {
    return this.paused;
  }
}

/** A sink that keeps what it gets. */
export class RecordingSink implements BodySink {
  onDrain: (() => void) | undefined = undefined;
  text = '';
  /** Undefined while the body goes on. */
  outcome: 'end' | BodyFailure | 'backend_closed' | undefined = undefined;
  /** While true, `write` asks the writer to wait. */
  full = false;
  onOutcome: (() => void) | undefined = undefined;

  write(chunk: Uint8Array): boolean {
    if (this.outcome !== undefined) throw new Error(`write after ${this.outcome}`);
    this.text += Buffer.from(chunk).toString('latin1');
    return !this.full;
  }

  end(): void {
    this.#settle('end');
  }

  abort(failure: BodyFailure | 'backend_closed'): void {
    this.#settle(failure);
  }

  #settle(outcome: 'end' | BodyFailure | 'backend_closed'): void {
    if (this.outcome !== undefined) throw new Error(`${outcome} after ${this.outcome}`);
    this.outcome = outcome;
    this.onOutcome?.();
  }
}

export const LIMITS: ServerLimits = {
  maxHeaderBytes: 4096,
  maxRequestLineBytes: 1024,
  maxBodyBytes: 100_000,
  readTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  writeTimeoutMs: 30_000,
  idleTimeoutMs: 120_000,
  maxConnections: 100,
};

/** Of whoever expects that nothing goes wrong: a bug ends the test. */
export const NO_FAULTS: EngineWatcher = {
  onBug: (error) => {
    throw error;
  },
  onAcceptFailure: () => undefined,
  onHandshakeFailure: () => undefined,
  onCalmed: () => undefined,
};

/** What came of the bytes of one connection. */
export interface MemoryConnection {
  readonly engine: ServerConnection;
  readonly socket: MemorySocket;
  readonly timing: FakeTiming;
  readonly exchanges: Exchange[];
  /** Method, target, field lines, body and its end, for each exchange; then each refusal. */
  readonly events: unknown[];
  /** One entry for each `onClose`. */
  readonly outcomes: string[];
}

export interface MemoryOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly overloaded?: boolean;
  readonly draining?: () => boolean;
  readonly watcher?: Partial<EngineWatcher>;
  /** Default: takes the body and answers 200 "ok" when it is complete, 400 when it is not. */
  onExchange?(exchange: Exchange): void;
}

/** A server connection over a memory socket. */
export function openMemoryConnection(options: MemoryOptions = {}): MemoryConnection {
  const socket = new MemorySocket();
  const timing = new FakeTiming();
  const connection: Omit<MemoryConnection, 'engine'> = { socket, timing, exchanges: [], events: [], outcomes: [] };
  const context: ConnectionContext = {
    limits: { ...LIMITS, ...options.limits },
    sweep: new Sweep(timing, 1000),
    outbox: new Outbox(timing),
    date: 'Thu, 01 Jan 1970 00:16:40 GMT',
    get draining() {
      return options.draining?.() ?? false;
    },
    connectionClosed: () => undefined,
    handlers: {
      ...NO_FAULTS,
      ...options.watcher,
      onExchange(exchange) {
        connection.exchanges.push(exchange);
        exchange.owner = { onClose: (outcome) => void connection.outcomes.push(outcome) };
        (options.onExchange ?? ((each: Exchange) => recordAndAnswer(each, connection.events)))(exchange);
      },
      onRefused(refusal, detail) {
        connection.events.push({ refusal, detail });
        return { head: head(400), body: Buffer.from(refusal) };
      },
    },
  };
  const engine = new ServerConnection(socket, context, {
    overloaded: options.overloaded ?? false,
    certificate: NOT_ASKED_FOR,
  });
  return { ...connection, engine };
}

function recordAndAnswer(exchange: Exchange, events: unknown[]): void {
  const { method, target, authority, fields } = exchange.head;
  const sink = new RecordingSink();
  sink.onOutcome = () => {
    events.push({ method, target, authority, fields, body: sink.text, outcome: sink.outcome });
    if (sink.outcome !== 'client_closed') respondText(exchange, 'ok', sink.outcome === 'end' ? 200 : 400);
  };
  exchange.body.deliverTo(sink);
}

export function head(status: number, fields: readonly string[] = [], length?: number): ResponseHead {
  return { status, reason: '', fields, length };
}

export function respondText(exchange: Exchange, text: string, status = 200): void {
  const sink = exchange.respond(head(status, [], text.length));
  sink.write(Buffer.from(text));
  sink.end();
}

/** What a backend's answer looked like to its receiver, which must hear of it exactly once. */
export class RecordedAnswer implements BackendReceiver {
  readonly informational: (readonly [status: number, fields: readonly string[]])[] = [];
  readonly sink = new RecordingSink();
  head: ResponseHead | undefined = undefined;
  failure: BackendFailure | undefined = undefined;
  cause: Error | undefined = undefined;
  cancel: () => void = () => undefined;
  readonly #headed = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();

  constructor() {
    this.sink.onOutcome = () => this.#over.resolve();
  }

  /** Resolves with the head or the failure. */
  get headed(): Promise<void> {
    return this.#headed.promise;
  }

  /** Resolves with the end of the body, or the failure. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  onInformational(status: number, fields: readonly string[]): void {
    this.informational.push([status, fields]);
  }

  onHead(responseHead: ResponseHead): BodySink {
    this.#checkFirst();
    this.head = responseHead;
    this.#headed.resolve();
    return this.sink;
  }

  onFailure(failure: BackendFailure, cause: Error | undefined): void {
    this.#checkFirst();
    this.failure = failure;
    this.cause = cause;
    this.#headed.resolve();
    this.#over.resolve();
  }

  #checkFirst(): void {
    if (this.head !== undefined || this.failure !== undefined) throw new Error('told twice');
  }
}

/** A request body whose writer is the test. */
export class ScriptedBody implements RequestBody {
  readonly length: number | undefined;
  readonly #requested = Promise.withResolvers<BodySink>();

  constructor(length: number | undefined) {
    this.length = length;
  }

  /** The sink, as soon as it has been asked for. */
  get requested(): Promise<BodySink> {
    return this.#requested.promise;
  }

  deliverTo(sink: BodySink): void {
    this.#requested.resolve(sink);
  }
}

export const NO_BODY: RequestBody = { length: 0, deliverTo: (sink) => sink.end() };

/** Both sides of the engine plugged into each other, without any rule of `proxy/`. */
export function forwardTo(client: BackendClient): (exchange: Exchange) => void {
  return (exchange) => {
    const { method, target, fields } = exchange.head;
    const call = client.send({ method, target, fields, commonLines: '' }, exchange.body, {
      onInformational: (status, lines) => exchange.inform(status, lines),
      onHead: (responseHead) => exchange.respond(responseHead),
      onFailure: (failure) => respondText(exchange, failure, 502),
    });
    exchange.owner = {
      onClose: (outcome) => {
        if (outcome === 'aborted') call.cancel();
      },
    };
  };
}
