/** The listening side over node:http and node:https. RFC 9110 §10.1.1 (Expect), RFC 9112 §9 (connections). */
import type { IncomingMessage, ServerOptions as NodeServerOptions, Server } from 'node:http';
import { createServer, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { bind } from '../../src/wire/bind.ts';
import type { ServerHandlers, ServerLimits, ServerOptions, ServerTls, WireServer } from '../../src/wire/exchange.ts';
import { formatTlsOptions } from '../../src/wire/tls-options.ts';
import { Connection, type ConnectionContext } from './connection.ts';

/** Listens as `options.listen` says. Rejects with the system error as the cause when the address cannot be had. */
export async function listenHttp(options: ServerOptions, handlers: ServerHandlers): Promise<WireServer> {
  const limits = options.limits();
  const parserOptions = {
    insecureHTTPParser: false,
    requireHostHeader: false, // checked by us, so that the answer is ours
    noDelay: true,
    maxHeaderSize: parserHeadLimit(limits),
    requestTimeout: 0, // bodies have timers of their own
    headersTimeout: limits.readTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    keepAliveTimeoutBuffer: 0,
    connectionsCheckingInterval: Math.min(1_000, Math.max(10, Math.floor(limits.readTimeoutMs / 4))),
    shouldUpgradeCallback: () => false, // Upgrade is hop-by-hop and ignored
  };
  const server = options.tls === undefined ? createServer(parserOptions) : await createTls(parserOptions, options.tls);
  const listener = new NodeWireServer(server, options, handlers);
  await bind(server, options.listen);
  return listener;
}

async function createTls(options: NodeServerOptions, tls: ServerTls): Promise<HttpsServer> {
  const https = await import('node:https');
  return https.createServer({
    ...options,
    ...formatTlsOptions(tls),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: options.headersTimeout,
  });
}

/** The parser counts the request line among the fields; which of the two limits was broken is decided afterwards. */
function parserHeadLimit(limits: ServerLimits): number {
  return limits.maxHeaderBytes + limits.maxRequestLineBytes;
}

class NodeWireServer implements WireServer {
  readonly #server: Server | HttpsServer;
  readonly #options: ServerOptions;
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<object, Connection>();
  readonly #context: ConnectionContext;
  #draining = false;

  constructor(server: Server | HttpsServer, options: ServerOptions, handlers: ServerHandlers) {
    this.#server = server;
    this.#options = options;
    const isDraining = () => this.#draining;
    this.#context = {
      handlers,
      limits: () => options.limits(),
      get draining() {
        return isDraining();
      },
      resettable: options.tls === undefined && 'port' in options.listen,
    };
    this.#subscribe();
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  updateTls(tls: ServerTls): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(formatTlsOptions(tls));
  }

  drain(): Promise<void> {
    this.#draining = true;
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections.values()) {
        if (connection.untouched) connection.cut(false);
      }
    });
  }

  destroy(): void {
    this.#draining = true;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #subscribe(): void {
    const server = this.#server;
    // node:http drops fields beyond this number silently, framing fields included; the byte limit is enough.
    server.maxHeadersCount = 0;
    // Both before node:http's own listener, which reads the limits; the one prepended last runs first.
    server.prependListener(this.#options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) =>
      this.#onHttpConnection(socket),
    );
    server.prependListener('connection', (socket: Socket) => this.#onSocket(socket));
    server.on('request', (message, response) => this.#onRequest(message, response, false));
    server.on('checkContinue', (message, response) => this.#onRequest(message, response, true));
    server.on('checkExpectation', (message, response) => this.#onRequest(message, response, false));
    server.on('connect', (message) => this.#onConnectMethod(message));
    server.on('clientError', (error, socket) => this.#onClientError(error, socket));
  }

  #onSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const limits = this.#options.limits();
    this.#server.headersTimeout = limits.readTimeoutMs;
    this.#server.keepAliveTimeout = limits.idleTimeoutMs;
    Object.assign(this.#server, { maxHeaderSize: parserHeadLimit(limits) });
  }

  #onHttpConnection(socket: Socket): void {
    const overloaded = this.#sockets.size > this.#options.limits().maxConnections;
    this.#connections.set(socket, new Connection(socket, this.#context, overloaded));
    socket.once('close', () => this.#connections.delete(socket));
  }

  #onRequest(message: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    this.#connections.get(message.socket)?.receive(message, response, expectsContinue);
  }

  /** CONNECT: node:http hands over a bare socket; with a response put on it, it is a request like any other. */
  #onConnectMethod(message: IncomingMessage): void {
    const { socket } = message;
    const response = new ServerResponse(message);
    try {
      response.assignSocket(socket);
    } catch {
      // Pipelined behind a request that is still being answered: the socket is taken.
      socket.destroy();
      return;
    }
    response.once('finish', () => {
      response.detachSocket(socket);
      socket.destroySoon();
    });
    socket.resume();
    this.#onRequest(message, response, false);
  }

  #onClientError(error: Error, socket: { destroy(): void }): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) socket.destroy();
    else connection.onParserError(error);
  }
}
