/** Listens for HTTP/1.1 on TCP, TLS or a unix socket, and for HTTP/2 under TLS. RFC 9112 §9, RFC 9113 §3.2, RFC 9325. */
import { createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Tally } from '../../lib/tally.ts';
import { bind } from '../bind.ts';
import { NOT_ASKED_FOR } from '../client-certificate.ts';
import type { ServerHandlers, ServerLimits, ServerOptions, ServerTls, WireServer } from '../exchange.ts';
import { Http2Connection, type Http2Context } from '../http2/connection.ts';
import { HeldBytes } from '../http2/held-bytes.ts';
import { AcceptedSockets } from './accepted-sockets.ts';
import type { Accepted, Connection } from './connection-context.ts';
import { createDateField } from './format-head.ts';
import { Outbox } from './outbox.ts';
import { ServerConnection } from './server-connection.ts';
import { Sweep, systemTiming, type Timing } from './timing.ts';
import { type EntranceContext, TlsEntrance } from './tls-entrance.ts';

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

class Http1Server implements WireServer, EntranceContext, Http2Context {
  readonly handlers: ServerHandlers;
  readonly sweep: Sweep;
  readonly outbox: Outbox;
  readonly heldStreams = new HeldBytes(MOST_FOR_STREAMS);
  readonly heldBytes = new HeldBytes(MOST_BYTES);
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #entrance: TlsEntrance | undefined;
  readonly #accepted: AcceptedSockets;
  readonly #connections = new Set<Connection>();
  readonly #dateField: () => string;
  readonly #allClosed = Promise.withResolvers<void>();
  #draining = false;

  constructor(options: ServerOptions, handlers: ServerHandlers, timing: Timing) {
    this.#options = options;
    this.handlers = handlers;
    this.outbox = new Outbox(timing);
    this.#dateField = createDateField(timing.clock);
    const { readTimeoutMs, bodyTimeoutMs, writeTimeoutMs, idleTimeoutMs } = options.limits();
    this.sweep = new Sweep(timing, Math.min(readTimeoutMs, bodyTimeoutMs, writeTimeoutMs, idleTimeoutMs));
    this.#accepted = new AcceptedSockets({
      tally: options.connections ?? new Tally(),
      sweep: this.sweep,
      watcher: handlers,
      limits: () => options.limits(),
      hasDescriptors: () => options.hasDescriptors?.() ?? true,
    });
    this.#entrance = options.tls === undefined ? undefined : new TlsEntrance(this, options.tls);
    this.#server = createServer(SOCKET_OPTIONS);
    this.#server.on('connection', (socket: Socket) => this.#onSocket(socket));
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  get connections(): number {
    return this.#accepted.size;
  }

  get ticketKeys(): Buffer | undefined {
    return this.#options.ticketKeys?.();
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
    // ENOBUFS and its like at accept time are not the end of the server; they pass.
    this.#server.on('error', (error) => {
      this.handlers.onAcceptFailure('system', 'code' in error ? String(error.code) : undefined);
    });
  }

  updateTls(tls: ServerTls): void {
    this.#entrance?.update(tls);
  }

  async drain(): Promise<void> {
    this.#draining = true;
    this.#server.close();
    for (const connection of this.#connections) connection.drain();
    if (this.#accepted.size > 0) await this.#allClosed.promise;
    this.sweep.stop();
  }

  destroy(): void {
    this.#draining = true;
    this.#server.close();
    this.#accepted.destroyAll();
    this.sweep.stop();
  }

  connectionClosed(connection: Connection, socket: Socket): void {
    this.#connections.delete(connection);
    this.#onSocketClosed(socket);
  }

  /** A TLS socket has its raw socket counted, which closes with it. */
  #onSocketClosed(socket: Socket): void {
    if (this.#accepted.forget(socket) && this.#draining && this.#accepted.size === 0) this.#allClosed.resolve();
  }

  onSecured(socket: TLSSocket, accepted: Accepted): void {
    socket.allowHalfOpen = true;
    const Protocol = isHttp2(socket) ? Http2Connection : ServerConnection;
    this.#begin(socket, () => new Protocol(socket, this, accepted));
  }

  onPlainHttp(arrival: Connection, socket: Socket, overloaded: boolean): void {
    this.#connections.delete(arrival);
    const connection = new ServerConnection(socket, this, { overloaded, certificate: NOT_ASKED_FOR });
    this.#connections.add(connection);
    connection.onBadHead('https_required', 'plain HTTP on a port that speaks https');
  }

  #onSocket(socket: Socket): void {
    // A peer that has reset already has no address any more: nobody to answer, and nobody to hold to account.
    if (socket.remoteAddress === undefined && 'port' in this.#options.listen) return void socket.destroy();
    const admission = this.#accepted.admit(socket);
    if (admission === 'refused') return;
    const overloaded = admission === 'overloaded';
    this.#begin(
      socket,
      () =>
        this.#entrance?.receive(socket, overloaded) ??
        new ServerConnection(socket, this, { overloaded, certificate: NOT_ASKED_FOR }),
    );
  }

  /** Hands a socket to whom it belongs from now on; until that is done nobody else contains a bug. */
  #begin(socket: Socket, give: () => Connection): void {
    try {
      const connection = give();
      this.#connections.add(connection);
      if (this.#draining) connection.drain();
    } catch (error) {
      socket.destroy();
      this.#onSocketClosed(socket);
      this.handlers.onBug(error);
    }
  }
}

/** RFC 9113 §3.2: chosen in the TLS handshake, never guessed from bytes. */
function isHttp2(socket: Socket): boolean {
  return 'alpnProtocol' in socket && socket.alpnProtocol === 'h2';
}
