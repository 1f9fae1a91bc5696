/** The engine on real sockets: a listener that records its exchanges, and both sides plugged into each other. */
import type { TestContext } from 'node:test';
import type { BackendOptions } from '../../src/wire/backend.ts';
import type { EngineWatcher, Exchange, ExchangeOutcome, ServerLimits, ServerOptions } from '../../src/wire/exchange.ts';
import { createBackendPool } from '../../src/wire/http1/backend-pool.ts';
import { listenHttp1 } from '../../src/wire/http1/listen.ts';
import type { Timing } from '../../src/wire/http1/timing.ts';
import { type OnRequestBytes, openRaw, startRawBackend } from './raw-http.ts';
import { forwardTo, head, LIMITS, NO_FAULTS } from './wire-peers.ts';

export interface WireOptions extends Partial<ServerOptions> {
  readonly watcher?: Partial<EngineWatcher>;
  readonly timing?: Timing;
}

/** Listens on a free loopback port until the test is over. */
export async function startWire(
  context: TestContext,
  onExchange: (exchange: Exchange) => void,
  { watcher, timing, ...options }: WireOptions = {},
) {
  const refused: string[] = [];
  const closed: PromiseWithResolvers<ExchangeOutcome>[] = [];
  const server = await listenHttp1(
    { listen: { host: '127.0.0.1', port: 0 }, tls: undefined, limits: () => LIMITS, ...options },
    {
      ...NO_FAULTS,
      ...watcher,
      onExchange(exchange) {
        const outcome = Promise.withResolvers<ExchangeOutcome>();
        closed.push(outcome);
        onExchange(exchange);
        const { owner } = exchange;
        exchange.owner = {
          onClose: (how) => {
            owner?.onClose(how);
            outcome.resolve(how);
          },
        };
      },
      onRefused(refusal, detail) {
        refused.push(`${refusal}: ${detail}`);
        return { head: head(400), body: Buffer.from(refusal) };
      },
    },
    timing,
  );
  context.after(() => server.destroy());
  const open = async () => {
    const client = await openRaw(server.port);
    context.after(() => client.destroy());
    return client;
  };
  return { server, open, closed, refused };
}

export function backendOptions(port: number): BackendOptions {
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    connectTimeoutMs: 5_000,
    headTimeoutMs: 30_000,
    maxIdleConnections: 10,
    maxHeaderBytes: 4_096,
    ca: undefined,
    onBug: NO_FAULTS.onBug,
  };
}

/** The engine between a raw client and a raw backend. */
export async function startProxy(
  context: TestContext,
  onBytes: OnRequestBytes,
  limits: Partial<ServerLimits> = {},
  timing?: Timing,
) {
  const backend = await startRawBackend(onBytes);
  const pool = createBackendPool(backendOptions(backend.port));
  context.after(async () => {
    pool.close();
    await backend.close();
  });
  const options = { limits: () => ({ ...LIMITS, maxBodyBytes: 1e9, ...limits }), ...(timing && { timing }) };
  const proxy = await startWire(context, forwardTo(pool), options);
  return { backend, client: await proxy.open(), ...proxy };
}
