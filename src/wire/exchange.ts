/** The boundary of the HTTP engine: all that gate, proxy and server may know of a request. RFC 9110, RFC 9112. */

import type { ClientCertificate } from '../lib/client-certificate.ts';
import type { Tally } from '../lib/tally.ts';

/** Field lines as alternating name, value; names as received, values without surrounding whitespace, latin1. */
export type FieldLines = readonly string[];

/** A request head that has passed every syntax and framing check of the engine. */
export interface RequestHead {
  /** RFC 9110 §9.1: case-sensitive token, as received. */
  readonly method: string;
  /** Origin-form target, byte for byte as received (absolute-form is reduced to origin-form). Begins with "/". */
  readonly target: string;
  /** The Host field's value, or `:authority` over HTTP/2; empty only for an HTTP/1.0 request without Host. */
  readonly authority: string;
  /**
   * Every field line but the framing ones (Content-Length, Transfer-Encoding, Expect), in order, Host included. Connection
   * is still there, for the reader to remove the fields that it names.
   */
  readonly fields: FieldLines;
}

/** A response head without framing, which the engine adds. */
export interface ResponseHead {
  readonly status: number;
  /** RFC 9112 §4 reason-phrase; empty means the standard one of the status. */
  readonly reason: string;
  /**
   * Field lines without Content-Length, Transfer-Encoding, Connection, Keep-Alive and Trailer; the engine drops them if
   * they are given.
   */
  readonly fields: FieldLines;
  /** Body bytes announced by Content-Length (kept for HEAD and 304 too); undefined = unknown, so chunked or until close. */
  readonly length: number | undefined;
}

/** RFC 9110 §7.6.3: the version of HTTP that a request came in. */
export type ReceivedProtocol = '1.0' | '1.1' | '2';

/** Why a request body ended badly. The engine's own vocabulary; `server/respond` maps it to an answer. */
export type BodyFailure = 'payload_too_large' | 'request_timeout' | 'malformed_request' | 'client_closed';

/** Where body bytes go. Whoever writes owns the sink: exactly one of `end` or `abort` is called, once. */
export interface BodySink {
  /** Takes a chunk, which the writer must not touch again. Returns false when the writer should wait for `onDrain`. */
  write(chunk: Uint8Array): boolean;
  /** The body is complete. */
  end(): void;
  /** The body will never be complete; the receiver must make that visible to its peer (RFC 9112 §8). */
  abort(failure: BodyFailure | 'backend_closed'): void;
  /** Set by the writer: called when writing may go on after `write` returned false. */
  onDrain: (() => void) | undefined;
}

/** The request body. Nobody reading it is fine: the engine then drains or cuts it by itself once the answer is out. */
export interface RequestBody {
  /** Bytes announced by Content-Length; 0 = there is no body; undefined = chunked (or an HTTP/2 stream of unknown length). */
  readonly length: number | undefined;
  /** Starts delivery, at most once; a waiting `Expect: 100-continue` is answered now. Limits end in `sink.abort`. */
  deliverTo(sink: BodySink): void;
}

/** The body of a request that has none. */
export const NO_BODY: RequestBody = { length: 0, deliverTo: (sink) => sink.end() };

/** Who deals with an exchange. */
export interface ExchangeOwner {
  /**
   * Called exactly once, when the exchange is over: 'complete' when the whole answer was handed to the kernel, 'aborted'
   * when the client went away or the answer was cut.
   */
  onClose(outcome: ExchangeOutcome): void;
}

/** One request and the place for its answer. */
export interface Exchange {
  /** Loses authority and field lines to an answer of unknown length: a stream may go on for days, and they would stay. */
  readonly head: RequestHead;
  readonly body: RequestBody;
  readonly receivedProtocol: ReceivedProtocol;
  /** IP address of the socket's peer ("" on a unix socket); never from a header. */
  readonly peerAddress: string;
  /** Of the TLS connection; never from a header. */
  readonly clientCertificate: ClientCertificate;
  /** True when this connection is beyond `maxConnections`: only the health endpoints may be served. */
  readonly overloaded: boolean;
  /** Sends an interim (1xx) response; ignored over HTTP/1.0. */
  inform(status: number, fields: FieldLines): void;
  /**
   * Sends the response head, at most once, and returns the sink for the body. The head leaves at once, or together with
   * what is written in the same tick. For HEAD, 204 and 304 body bytes are discarded.
   */
  respond(head: ResponseHead): BodySink;
  /** Set before the first `respond`. */
  owner: ExchangeOwner | undefined;
  /** Response body bytes handed over so far, and whether a response head was sent. */
  readonly bytesSent: number;
  readonly responded: boolean;
}

export type ExchangeOutcome = 'complete' | 'aborted';

/** What the engine refuses by itself, before there is an exchange. */
export type WireRefusal =
  | 'malformed_request'
  | 'uri_too_long'
  | 'headers_too_large'
  | 'request_timeout'
  | 'https_required';

/** Why a connection was not accepted: there are too many, no file descriptor is left for it, or the system said so. */
export type AcceptFailure = 'max_connections' | 'descriptors' | 'system';

/** Why a TLS handshake failed. */
export type HandshakeFailure =
  | 'timeout'
  | 'closed'
  | 'not_tls'
  | 'protocol_version'
  | 'no_shared_cipher'
  | 'no_shared_protocol'
  | 'client_alert'
  | 'other';

/** Hears of what goes wrong beside requests. Nothing it is told holds bytes of a client. */
export interface EngineWatcher {
  /** A callback of one connection threw; that connection has been ended. */
  onBug(error: unknown): void;
  /** `code`: the system's word, such as EMFILE. */
  onAcceptFailure(failure: AcceptFailure, code: string | undefined): void;
  /** `code`: Node's or OpenSSL's name of the error. */
  onHandshakeFailure(failure: HandshakeFailure, code: string | undefined): void;
  /** RFC 9113 §10.5: a connection that asked for too much has been ended. `why` is for the log, a fixed phrase. */
  onCalmed(why: string, peerAddress: string): void;
}

/** The server side of the engine calls these. */
export interface ServerHandlers extends EngineWatcher {
  onExchange(exchange: Exchange): void;
  /**
   * A connection's bytes were refused before there was an exchange. Returns the answer that the engine writes, with
   * `Connection: close`, before it closes. `detail` is for the log and holds no client bytes.
   */
  onRefused(refusal: WireRefusal, detail: string, peerAddress: string): { head: ResponseHead; body: Uint8Array };
}

/** Times in milliseconds, sizes in bytes. Read afresh for every connection and request, so they may be swapped. */
export interface ServerLimits {
  readonly maxHeaderBytes: number;
  readonly maxRequestLineBytes: number;
  readonly maxBodyBytes: number;
  /** Longest time for a whole request head, and longest pause inside a body. */
  readonly readTimeoutMs: number;
  /** Longest time for a whole request body. */
  readonly bodyTimeoutMs: number;
  /** Longest time that a client may refuse to read while bytes are waiting for it. */
  readonly writeTimeoutMs: number;
  /** Longest time without a request on a kept connection. */
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
}

/** PEM texts, already read. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Clients are asked for a certificate, and it counts if one of `ca` vouches for it; undefined there = whatever it is. */
  readonly clients: { readonly ca: string | undefined } | undefined;
}

/**
 * `reusePort`: other threads, or processes of the same user, may listen there too; the kernel spreads the connections.
 * `isPrivate`: only this user, and root, can connect; for the main thread alone.
 */
export type ListenAddress =
  | { readonly host: string | undefined; readonly port: number; readonly reusePort?: boolean }
  | { readonly path: string; readonly isPrivate?: boolean };

export interface ServerOptions {
  readonly listen: ListenAddress;
  readonly tls: ServerTls | undefined;
  limits(): ServerLimits;
  /** Counts the connections; given when several servers count together, and `maxConnections` holds for all of them. */
  readonly connections?: Tally;
  /** Seals TLS sessions, 48 bytes; asked for each connection, so they may change. Without it OpenSSL makes its own. */
  ticketKeys?(): Buffer;
  /** Asked for each connection: false = the process has no file descriptors left for it and for its request at the backend. */
  hasDescriptors?(): boolean;
}

/** A listening server. */
export interface WireServer {
  /** Where it listens: the bound port (0 on a unix socket). */
  readonly port: number;
  readonly connections: number;
  /** Swaps certificates for connections to come. */
  updateTls(tls: ServerTls): void;
  /**
   * Stops accepting, closes idle connections; every answer from now on carries `Connection: close`. Resolves when the
   * last connection is gone.
   */
  drain(): Promise<void>;
  /** Cuts every connection at once. */
  destroy(): void;
}
