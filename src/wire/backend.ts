/** The backend side of the HTTP engine: what `proxy/` asks of it. RFC 9110 §7.6, RFC 9112 §9. */
import type { Socket } from 'node:net';
import type { BodyFailure, BodySink, FieldLines, RequestBody, ResponseHead } from './exchange.ts';

/** A request head for the backend. The engine adds framing and `Connection`, nothing else. */
export interface BackendRequest {
  readonly method: string;
  /** Origin-form, written as it is. */
  readonly target: string;
  /** Field lines without framing fields and Connection (the engine drops them if they are given), Host included. */
  readonly fields: FieldLines;
  /** More field lines, as `formatFieldLines` writes them: those that many requests have in common are formatted once. */
  readonly commonLines: string;
  /** True when the answer may begin at any time, however late: `headTimeoutMs` does not hold for a request without a body. */
  readonly mayWait?: boolean;
}

/** Why no usable response came. Request-body failures are the client's fault and keep their name. */
export type BackendFailure = 'backend_unavailable' | 'backend_timeout' | 'backend_protocol_error' | BodyFailure;

/** The cause of `backend_timeout`: which of the limits has passed. */
export class BackendTimeout extends Error {
  override readonly name = 'BackendTimeout';
  readonly limit: 'connectTimeoutMs' | 'headTimeoutMs';

  constructor(limit: BackendTimeout['limit'], limitMs: number) {
    super(`${limit === 'connectTimeoutMs' ? 'no connection' : 'no response head'} within ${limitMs} ms`);
    this.limit = limit;
  }
}

/** The cause of `backend_unavailable`: other authorities than those trusted here have signed the certificate. RFC 5280 §6. */
export class UntrustedCertificate extends Error {
  override readonly name = 'UntrustedCertificate';

  /** `code`: OpenSSL's word, such as SELF_SIGNED_CERT_IN_CHAIN. Node's own words advise a flag of Node. */
  constructor(code: string) {
    super(`its certificate is of an authority unknown here (${code})`);
  }
}

/**
 * Hears of one request's answer. Exactly one of `onHead` and `onFailure` is called, once; but when `onHead` throws,
 * `onFailure` is called too, since whoever waits for the answer must hear that none comes.
 */
export interface BackendReceiver {
  /** An interim (1xx) response other than 100 and 101. */
  onInformational(status: number, fields: FieldLines): void;
  /**
   * The response head. Framing, Connection, Keep-Alive, Trailer and the fields named by Connection are gone (RFC 9110
   * §7.6.1), other hop-by-hop fields are still there. Returns the sink for the body, or undefined to discard it. If the
   * body breaks off, `sink.abort` is called.
   */
  onHead(head: ResponseHead): BodySink | undefined;
  onFailure(failure: BackendFailure, cause: Error | undefined): void;
}

export interface BackendOptions {
  /** `http:` or `https:`; its authority alone counts. */
  readonly url: URL;
  /** What Obex's own probe says as Host, if not the authority of `url`. */
  readonly host?: string;
  /** IP address that is connected to in the place of those of the name; TLS goes by the name all the same. */
  readonly address?: string | undefined;
  /** A unix socket that is connected to in the place of any address, for an `http:` URL. */
  readonly socketPath?: string | undefined;
  readonly connectTimeoutMs: number;
  /**
   * Longest time for the backend to take queued body bytes, and from the last of them, or from an interim response, to the
   * next response head.
   */
  readonly headTimeoutMs: number;
  readonly maxIdleConnections: number;
  /** Largest response head accepted. */
  readonly maxHeaderBytes: number;
  /** PEM bundle that replaces the default roots for an https backend. */
  readonly ca: string | undefined;
  /** Already connected to `url`, for one request: made by `openTunnel`. Absent = connections are opened when needed. */
  readonly tunnel?: Socket | undefined;
  /** A callback of one connection threw; that connection has been ended, and its request has failed. */
  readonly onBug: (error: unknown) => void;
}

/** A request that was sent, or waits to be. */
export interface BackendCall {
  /** Aborts it at once (the client is gone) and silences the receiver; nothing, when it is over. */
  cancel(): void;
}

/** A pool of connections to one backend. */
export interface BackendClient {
  /** Sends a request. Of the receiver's methods only `onFailure` may be called before `send` has returned. */
  send(request: BackendRequest, body: RequestBody, receiver: BackendReceiver): BackendCall;
  /**
   * Asks for something that changes nothing, on a connection of its own, for readiness: any answer that is valid HTTP/1.1
   * will do. Rejects with the cause.
   */
  probe(timeoutMs: number): Promise<void>;
  /** Closes idle connections now and busy ones when their answer is through. */
  close(): void;
}
