/** Listens for HTTP/1.1 on TCP, TLS or a unix socket, and for HTTP/2 under TLS. RFC 9112 §9, RFC 9113 §3.2, RFC 9325. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import { Tally } from '../../lib/tally.ts';
import { bind } from '../bind.ts';
import type { ServerHandlers, ServerLimits, ServerOptions, ServerTls, WireServer } from '../exchange.ts';
import { Http2Connection, type Http2Context } from '../http2/connection.ts';
import { HeldBytes } from '../http2/held-bytes.ts';
import { ALPN_PROTOCOLS, formatTlsOptions } from '../tls-options.ts';
import type { Connection } from './connection-context.ts';
import { createDateField } from './format-head.ts';
import { Outbox } from './outbox.ts';
import { ServerConnection } from './server-connection.ts';
import { Sweep, systemTiming, type Timing } from './timing.ts';

/** A client that vanishes without a word is found by the kernel, so that a quiet stream does not outlive it for ever. */
const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
} as const;

/** What the HTTP/2 connections of a server may keep together. */
const MOST_FOR_STREAMS = 32 * 1024 * 1024;
const MOST_BYTES = 128 * 1024 * 1024;

/** Starts listening; rejects with the cause when the address cannot be had. */
export async function listenHttp1(
  options: ServerOptions,
  handlers: ServerHandlers,
  timing: Timing = systemTiming,
): Promise<WireServer> {
  const server = new Http1Server(options, handlers, timing);
  await server.listen();
  return server;
}

class Http1Server implements WireServer, Http2Context {
  readonly handlers: ServerHandlers;
  readonly sweep: Sweep;
  readonly outbox: Outbox;
  readonly heldStreams = new HeldBytes(MOST_FOR_STREAMS);
  readonly heldBytes = new HeldBytes(MOST_BYTES);
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #tlsServer: TlsServer | undefined;
  /** Every socket accepted, those in a TLS handshake included. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<Connection>();
  readonly #tally: Tally;
  readonly #dateField: () => string;
  readonly #allClosed = Promise.withResolvers<void>();
  #draining = false;

  constructor(options: ServerOptions, handlers: ServerHandlers, timing: Timing) {
    this.#options = options;
    this.#tally = options.connections ?? new Tally();
    this.handlers = handlers;
    this.outbox = new Outbox(timing);
    this.#dateField = createDateField(timing.clock);
    const { readTimeoutMs, bodyTimeoutMs, writeTimeoutMs, idleTimeoutMs } = options.limits();
    this.sweep = new Sweep(timing, Math.min(readTimeoutMs, bodyTimeoutMs, writeTimeoutMs, idleTimeoutMs));
    this.#tlsServer =
      options.tls === undefined
        ? undefined
        : process.getBuiltinModule('node:tls').createServer({
            ...SOCKET_OPTIONS,
            ...formatTlsOptions(options.tls),
            ...this.#ticketKeys,
            ALPNProtocols: ALPN_PROTOCOLS,
            handshakeTimeout: readTimeoutMs,
          });
    this.#server = this.#tlsServer ?? createServer(SOCKET_OPTIONS);
    this.#server.on('connection', (socket: Socket) => this.#onSocket(socket));
    this.#tlsServer?.on('secureConnection', (socket: Socket) => this.#onConnection(socket));
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get #ticketKeys(): { readonly ticketKeys?: Buffer } {
    const { ticketKeys } = this.#options;
    return ticketKeys === undefined ? {} : { ticketKeys };
  }

  get limits(): ServerLimits {
    return this.#options.limits();
  }

  get draining(): boolean {
    return this.#draining;
  }

  get date(): string {
    return this.#dateField();
  }

  async listen(): Promise<void> {
    try {
      await bind(this.#server, this.#options.listen);
    } catch (error) {
      this.sweep.stop();
      throw error;
    }
    // EMFILE and its like at accept time are not the end of the server; they pass.
    this.#server.on('error', () => undefined);
  }

  updateTls(tls: ServerTls): void {
    this.#tlsServer?.setSecureContext({ ...formatTlsOptions(tls), ...this.#ticketKeys });
  }

  async drain(): Promise<void> {
    this.#draining = true;
    this.#server.close();
    for (const connection of this.#connections) connection.drain();
    if (this.#sockets.size > 0) await this.#allClosed.promise;
    this.sweep.stop();
  }

  destroy(): void {
    this.#draining = true;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.sweep.stop();
  }

  connectionClosed(connection: Connection, socket: Socket): void {
    this.#connections.delete(connection);
    if (this.#tlsServer === undefined) this.#onSocketClosed(socket);
  }

  #onSocket(socket: Socket): void {
    // A peer that has reset already has no address any more: nobody to answer, and nobody to hold to account.
    if (socket.remoteAddress === undefined && 'port' in this.#options.listen) return void socket.destroy();
    this.#sockets.add(socket);
    this.#tally.add();
    // Without TLS the connection is there at once, and tells; a listener less for each.
    if (this.#tlsServer === undefined) this.#onConnection(socket);
    else socket.on('close', () => this.#onSocketClosed(socket));
  }

  #onSocketClosed(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#tally.remove();
    if (this.#draining && this.#sockets.size === 0) this.#allClosed.resolve();
  }

  #onConnection(socket: Socket): void {
    const overloaded = this.#tally.total > this.limits.maxConnections;
    const Protocol = isHttp2(socket) ? Http2Connection : ServerConnection;
    const connection = new Protocol(socket, this, overloaded);
    this.#connections.add(connection);
    if (this.#draining) connection.drain();
  }
}

/** RFC 9113 §3.2: chosen in the TLS handshake, never guessed from bytes. */
function isHttp2(socket: Socket): boolean {
  return 'alpnProtocol' in socket && socket.alpnProtocol === 'h2';
}
