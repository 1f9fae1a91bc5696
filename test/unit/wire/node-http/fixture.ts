/** A node:http wire server with short limits, and a bare proxy over both sides of the wire. */
import type { TestContext } from 'node:test';
import type { BackendFailure, BackendOptions } from '../../../../src/wire/backend.ts';
import type {
  BodyFailure,
  BodySink,
  Exchange,
  ExchangeOutcome,
  RequestBody,
  ResponseHead,
  ServerLimits,
  ServerOptions,
  WireServer,
} from '../../../../src/wire/exchange.ts';
import { createBackendClient } from '../../../../src/wire/node-http/backend-client.ts';
import { listenHttp } from '../../../../src/wire/node-http/server.ts';
import { openRaw, type RawClient } from '../../../support/raw-http.ts';

export const LIMITS: ServerLimits = {
  maxHeaderBytes: 4_096,
  maxRequestLineBytes: 1_024,
  maxBodyBytes: 100_000,
  readTimeoutMs: 20_000,
  bodyTimeoutMs: 20_000,
  writeTimeoutMs: 20_000,
  idleTimeoutMs: 20_000,
  maxConnections: 1_000,
};

export interface Fixture {
  readonly server: WireServer;
  readonly exchanges: Exchange[];
  /** "refusal: detail" of each onRefused. */
  readonly refused: string[];
  /** One entry for each onClose. */
  readonly outcomes: ExchangeOutcome[];
  /** Resolves when so many outcomes are there. */
  outcome(count: number): Promise<void>;
  open(): Promise<RawClient>;
}

export interface FixtureOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly server?: Partial<ServerOptions>;
  onExchange?(exchange: Exchange): void;
}

/** Starts a server on a free loopback port; without `onExchange` each request is answered 200 "ok". */
export async function startFixture(context: TestContext, options: FixtureOptions = {}): Promise<Fixture> {
  const limits = { ...LIMITS, ...options.limits };
  const exchanges: Exchange[] = [];
  const refused: string[] = [];
  const outcomes: ExchangeOutcome[] = [];
  const counted = createSignal();
  const server = await listenHttp(
    { listen: { host: '127.0.0.1', port: 0 }, tls: undefined, limits: () => limits, ...options.server },
    {
      onExchange(exchange) {
        exchanges.push(exchange);
        exchange.onClose = (outcome) => {
          outcomes.push(outcome);
          counted.fire();
        };
        if (options.onExchange === undefined) respondText(exchange, 'ok');
        else options.onExchange(exchange);
      },
      onRefused(refusal, detail) {
        refused.push(`${refusal}: ${detail}`);
        return { head: head(400, ['X-Refused', refusal]), body: Buffer.from(refusal) };
      },
    },
  );
  context.after(() => server.destroy());
  return {
    server,
    exchanges,
    refused,
    outcomes,
    outcome: (count) => counted.until(() => outcomes.length >= count),
    async open() {
      const client = await openRaw(server.port);
      context.after(() => client.destroy());
      return client;
    },
  };
}

/** Something to wait on that is fired by an event, not by time. */
export function createSignal() {
  const waiting = new Set<() => void>();
  return {
    fire(): void {
      for (const resolve of waiting) resolve();
      waiting.clear();
    },
    async until(holds: () => boolean): Promise<void> {
      while (!holds()) await new Promise<void>((resolve) => waiting.add(resolve));
    },
  };
}

export function head(status: number, fields: readonly string[] = [], length?: number): ResponseHead {
  return { status, reason: '', fields, length };
}

export function respondText(exchange: Exchange, text: string, status = 200): void {
  const sink = exchange.respond(head(status, ['Content-Type', 'text/plain'], Buffer.byteLength(text)));
  sink.write(Buffer.from(text));
  sink.end();
}

/** A sink that keeps what it gets. */
export class RecordingSink implements BodySink {
  onDrain: (() => void) | undefined;
  readonly chunks: Uint8Array[] = [];
  outcome: 'end' | BodyFailure | 'backend_closed' | undefined;
  /** While true, `write` asks the writer to wait. */
  full = false;
  readonly #signal = createSignal();

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  get bytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  write(chunk: Uint8Array): boolean {
    this.chunks.push(chunk);
    this.#signal.fire();
    return !this.full;
  }

  end(): void {
    this.#settle('end');
  }

  abort(failure: BodyFailure | 'backend_closed'): void {
    this.#settle(failure);
  }

  until(holds: () => boolean): Promise<void> {
    return this.#signal.until(holds);
  }

  async over(): Promise<'end' | BodyFailure | 'backend_closed' | undefined> {
    await this.#signal.until(() => this.outcome !== undefined);
    return this.outcome;
  }

  #settle(outcome: 'end' | BodyFailure | 'backend_closed'): void {
    if (this.outcome !== undefined) throw new Error(`sink was told ${outcome} after ${this.outcome}`);
    this.outcome = outcome;
    this.#signal.fire();
  }
}

/** A request body whose writer is the test. */
export class ScriptedBody implements RequestBody {
  readonly length: number | undefined;
  sink: BodySink | undefined;
  readonly #signal = createSignal();

  constructor(length: number | undefined) {
    this.length = length;
  }

  deliverTo(sink: BodySink): void {
    if (this.sink !== undefined) throw new Error('delivered twice');
    this.sink = sink;
    this.#signal.fire();
  }

  async requested(): Promise<BodySink> {
    await this.#signal.until(() => this.sink !== undefined);
    if (this.sink === undefined) throw new Error('unreachable');
    return this.sink;
  }
}

export const NO_BODY: RequestBody = { length: 0, deliverTo: (sink) => sink.end() };

export function backendOptions(port: number, overrides: Partial<BackendOptions> = {}): BackendOptions {
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    connectTimeoutMs: 20_000,
    headTimeoutMs: 20_000,
    maxIdleConnections: 10,
    maxHeaderBytes: 4_096,
    ca: undefined,
    ...overrides,
  };
}

/** What `proxy/forward` does, without its rules: both sides of the wire plugged into each other. */
export function createForwarder(context: TestContext, options: BackendOptions) {
  const client = createBackendClient(options);
  context.after(() => client.close());
  const failures: BackendFailure[] = [];
  const forward = (exchange: Exchange): void => {
    const { method, target, fields } = exchange.head;
    const { onClose } = exchange;
    const cancel = client.send({ method, target, fields }, exchange.body, {
      onInformational: (status, informational) => exchange.inform(status, informational),
      onHead: (responseHead) => exchange.respond(responseHead),
      onFailure: (failure) => {
        failures.push(failure);
        respondText(exchange, failure, 502);
      },
    });
    exchange.onClose = (outcome) => {
      if (outcome === 'aborted') cancel();
      onClose?.(outcome);
    };
  };
  return { forward, failures };
}
