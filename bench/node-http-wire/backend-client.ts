/** The backend side over node:http and node:https: a pool of kept connections. RFC 9112 §9.3. */
import { Agent, type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { BackendClient, BackendOptions, BackendReceiver, BackendRequest } from '../../src/wire/backend.ts';
import type { RequestBody } from '../../src/wire/exchange.ts';
import { BackendCall } from './backend-call.ts';

// A connection idle for longer is likely to be closed by the backend in the very moment of its next use.
const POOL_IDLE_MS = 60_000;

/** Makes the client; connects lazily. */
export function createBackendClient(options: BackendOptions): BackendClient {
  return new NodeBackendClient(options);
}

class NodeBackendClient implements BackendClient {
  readonly #options: BackendOptions;
  readonly #transport: Transport;
  readonly #pool: Agent;
  /** For the second attempt after a kept connection turned out dead: never a kept one. */
  readonly #unpooled: Agent;

  constructor(options: BackendOptions) {
    this.#options = options;
    this.#transport = options.url.protocol === 'https:' ? createTlsTransport(options) : createPlainTransport(options);
    this.#pool = this.#transport.createAgent(true);
    this.#pool.maxFreeSockets = options.maxIdleConnections;
    this.#unpooled = this.#transport.createAgent(false);
  }

  send(request: BackendRequest, body: RequestBody, receiver: BackendReceiver): BackendCall {
    const call = new BackendCall({ request, body, receiver }, this.#options, {
      readyEvent: this.#transport.readyEvent,
      open: (requestOptions, { pooled }) =>
        this.#transport.request({ ...requestOptions, agent: pooled ? this.#pool : this.#unpooled }),
    });
    call.start();
    return call;
  }

  probe(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#transport.connect();
      const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs);
      socket.once('error', reject);
      socket.once(this.#transport.readyEvent, () => {
        resolve();
        socket.destroy();
      });
      socket.once('close', () => clearTimeout(timer));
    });
  }

  close(): void {
    this.#pool.maxFreeSockets = 0;
    for (const sockets of Object.values(this.#pool.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }
}

/** What differs between http and https. */
interface Transport {
  /** The socket event after which bytes can be sent. */
  readonly readyEvent: 'connect' | 'secureConnect';
  createAgent(keepAlive: boolean): Agent;
  request(options: RequestOptions): ClientRequest;
  connect(): Socket;
}

function createPlainTransport({ url }: BackendOptions): Transport {
  const address = { host: hostOf(url), port: Number(url.port || 80) };
  return {
    readyEvent: 'connect',
    createAgent: (keepAlive) => new Agent({ keepAlive, scheduling: 'lifo', timeout: POOL_IDLE_MS }),
    request: (options) => httpRequest({ ...options, ...address }),
    connect: () => connect(address),
  };
}

function createTlsTransport({ url, ca }: BackendOptions): Transport {
  // Loaded here because TLS costs 12 MB that a sidecar beside a plain backend need not spend.
  const https = process.getBuiltinModule('node:https');
  const tls = process.getBuiltinModule('node:tls');
  const { isIP } = process.getBuiltinModule('node:net');
  const host = hostOf(url);
  const address = { host, port: Number(url.port || 443) };
  const trust = ca === undefined ? {} : { ca };
  const servername = isIP(host) === 0 ? { servername: host } : {}; // RFC 6066 §3: no IP literals in SNI
  return {
    readyEvent: 'secureConnect',
    createAgent: (keepAlive) => new https.Agent({ keepAlive, scheduling: 'lifo', timeout: POOL_IDLE_MS, ...trust }),
    request: (options) => https.request({ ...options, ...address }),
    connect: () => tls.connect({ ...address, ...trust, ...servername }),
  };
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
