/** The way of a TLS connection from its first moment to the end of its handshake. RFC 8446 §4, RFC 9325, RFC 7301. */
import type { Socket } from 'node:net';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import { NOT_ASKED_FOR, TlsClientCertificate } from '../client-certificate.ts';
import type { HandshakeFailure, ServerTls } from '../exchange.ts';
import { ALPN_PROTOCOLS, formatTlsOptions } from '../tls-options.ts';
import type { Accepted, Connection, ConnectionContext } from './connection-context.ts';
import { own, readByEvents, type SocketOwner, stopReadingByEvents } from './socket-owner.ts';
import type { Watched } from './timing.ts';

/** RFC 8446 §5.1: the content type of the record that a ClientHello comes in. */
const HANDSHAKE_RECORD = 0x16;
/** How long a server that drains waits for a client that says nothing. */
const DRAIN_PATIENCE_MS = 1000;

/** Who goes on behind the entrance. */
export interface EntranceContext extends ConnectionContext {
  /** 48 bytes that seal sessions; another buffer = other keys from now on. Undefined = OpenSSL makes its own. */
  readonly ticketKeys: Buffer | undefined;
  onSecured(socket: TLSSocket, accepted: Accepted): void;
  /** The first bytes are those of a plain HTTP request; they have been read. `arrival` owned the socket so far. */
  onPlainHttp(arrival: Connection, socket: Socket, overloaded: boolean): void;
}

export class TlsEntrance {
  readonly #context: EntranceContext;
  #tls: ServerTls;
  #ordinary: Handshaker;
  /** For connections in the reserve, which are told apart by it once they are secured. Made when needed. */
  #reserve: Handshaker | undefined = undefined;

  constructor(context: EntranceContext, tls: ServerTls) {
    this.#context = context;
    this.#tls = tls;
    this.#ordinary = new Handshaker(context, tls, false);
  }

  /** Certificates, and the limits of the moment, for connections to come. Throws, and changes nothing, when OpenSSL refuses. */
  update(tls: ServerTls): void {
    this.#ordinary = new Handshaker(this.#context, tls, false);
    this.#reserve = undefined;
    this.#tls = tls;
  }

  /** Takes a socket that has just been accepted. */
  receive(raw: Socket, overloaded: boolean): Connection {
    return new Arrival(raw, overloaded, { context: this.#context, entrance: this });
  }

  handshaker(overloaded: boolean): Handshaker {
    if (!overloaded) return this.#ordinary;
    this.#reserve ??= new Handshaker(this.#context, this.#tls, true);
    return this.#reserve;
  }
}

/** `node:tls`, for its handshakes and its error events; it listens nowhere. */
class Handshaker {
  readonly #context: EntranceContext;
  readonly #server: TlsServer;
  #ticketKeys: Buffer | undefined = undefined;

  constructor(context: EntranceContext, tls: ServerTls, overloaded: boolean) {
    this.#context = context;
    this.#server = process.getBuiltinModule('node:tls').createServer({
      ...formatTlsOptions(tls),
      ALPNProtocols: ALPN_PROTOCOLS,
      handshakeTimeout: context.limits.readTimeoutMs,
    });
    const { clients } = tls;
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      const certificate = clients && new TlsClientCertificate(socket, clients.ca !== undefined);
      context.onSecured(socket, { overloaded, certificate: certificate ?? NOT_ASKED_FOR });
    });
    // Also when the time is up: `node:tls` itself only says so.
    this.#server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      socket.destroy();
      const code = 'code' in error ? String(error.code) : undefined;
      context.handlers.onHandshakeFailure(classifyFailure(code), code);
    });
  }

  /** `raw` has been read by nobody else, or what was read has been put back. */
  begin(raw: Socket): void {
    const { ticketKeys } = this.#context;
    if (ticketKeys !== undefined && ticketKeys !== this.#ticketKeys) this.#server.setTicketKeys(ticketKeys);
    this.#ticketKeys = ticketKeys;
    this.#server.emit('connection', raw);
  }
}

interface ArrivalParts {
  readonly context: EntranceContext;
  readonly entrance: TlsEntrance;
}

/**
 * Owns the raw socket for good, but watches it only until its first byte. OpenSSL's 30 KB for a connection are not spent on
 * a client that says nothing, and a load balancer that only looks whether somebody listens is no failed handshake.
 */
class Arrival implements SocketOwner, Watched, Connection {
  readonly #raw: Socket;
  readonly #overloaded: boolean;
  readonly #context: EntranceContext;
  readonly #entrance: TlsEntrance;
  #deadlineMs: number;

  constructor(raw: Socket, overloaded: boolean, { context, entrance }: ArrivalParts) {
    this.#raw = raw;
    this.#overloaded = overloaded;
    this.#context = context;
    this.#entrance = entrance;
    this.#deadlineMs = context.sweep.nowMs + context.limits.readTimeoutMs;
    own(raw, this);
    readByEvents(raw);
    context.sweep.add(this);
  }

  drain(): void {
    this.#deadlineMs = Math.min(this.#deadlineMs, this.#context.sweep.nowMs + DRAIN_PATIENCE_MS);
  }

  checkDeadlines(nowMs: number): void {
    if (nowMs < this.#deadlineMs) return;
    this.#raw.destroy();
    this.#context.handlers.onHandshakeFailure('timeout', undefined);
  }

  onBytes(bytes: Buffer): void {
    const raw = this.#raw;
    this.#context.sweep.delete(this);
    stopReadingByEvents(raw);
    const [first = 0] = bytes;
    if (first === HANDSHAKE_RECORD) {
      raw.pause();
      raw.unshift(bytes);
      // Until the handshake is over a client that has sent its FIN has gone.
      raw.allowHalfOpen = false;
      this.#entrance.handshaker(this.#overloaded).begin(raw);
    } else if (isUpperCase(first)) this.#context.onPlainHttp(this, raw, this.#overloaded);
    else {
      raw.destroy();
      this.#context.handlers.onHandshakeFailure('not_tls', undefined);
    }
  }

  onDrain(): void {
    // Nothing is written before the handshake.
  }

  onEnd(): void {
    this.#raw.destroy();
  }

  onError(): void {
    this.#raw.destroy();
  }

  onClose(): void {
    this.#context.sweep.delete(this);
    this.#context.connectionClosed(this, this.#raw);
  }

  onBug(error: unknown): void {
    this.#raw.destroy();
    this.#context.handlers.onBug(error);
  }
}

/** RFC 9110 §9.1: methods in use are of such letters; no record of TLS begins with one. */
function isUpperCase(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

/** Of OpenSSL's names those that an operator can do something about. */
const FAILURES: ReadonlyMap<string | undefined, HandshakeFailure> = new Map<string, HandshakeFailure>([
  ['ERR_TLS_HANDSHAKE_TIMEOUT', 'timeout'],
  ['ECONNRESET', 'closed'],
  ['EPIPE', 'closed'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'protocol_version'],
  ['ERR_SSL_VERSION_TOO_LOW', 'protocol_version'],
  ['ERR_SSL_NO_SHARED_CIPHER', 'no_shared_cipher'],
  ['ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM', 'no_shared_cipher'],
  ['ERR_SSL_NO_APPLICATION_PROTOCOL', 'no_shared_protocol'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'not_tls'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'not_tls'],
  ['ERR_SSL_BAD_RECORD_TYPE', 'not_tls'],
]);

function classifyFailure(code: string | undefined): HandshakeFailure {
  // The client's own word: it does not trust the certificate, or knows it under another name.
  if (code?.includes('_ALERT_') === true) return 'client_alert';
  return FAILURES.get(code) ?? 'other';
}
