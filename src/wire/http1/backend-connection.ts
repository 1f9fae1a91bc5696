/** One connection to the backend: a request out, its answer in, then idle. RFC 9112 §6.3, §9. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { type BackendFailure, BackendTimeout } from '../backend.ts';
import type { BodySink, ResponseHead } from '../exchange.ts';
import type { BackendExchange, RequestCarrier } from './backend-exchange.ts';
import type { SocketReceiver } from './connect.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { nameForeignBytes } from './foreign-bytes.ts';
import { explainHandshakeError } from './handshake-error.ts';
import { MessageWriter } from './message-writer.ts';
import type { ResponseEnd } from './response-head.ts';
import { ResponseReader, type ResponseReceiver } from './response-reader.ts';
import { own, type SocketOwner } from './socket-owner.ts';
import type { Watched } from './timing.ts';

/** How long is waited for what the backend said before it took no more; the kernel knows that already. */
const LAST_WORDS_MS = 1000;
const NEVER = Number.POSITIVE_INFINITY;

export class BackendConnection implements SocketOwner, SocketReceiver, ResponseReceiver, RequestCarrier, Watched {
  /** When an idle connection is closed. */
  idleDeadlineMs = NEVER;
  readonly #socket: Socket;
  readonly #pool: ConnectionPool<BackendConnection>;
  readonly #writer: MessageWriter;
  readonly #reader: ResponseReader;
  #exchange: BackendExchange | undefined = undefined;
  #connected = false;
  #reused = false;
  /** `handedOver` of the writer when the exchange began. */
  #handedOverBefore = 0;
  /** The kernel has taken something of the exchange. */
  #requestBegun = false;
  /** Why the backend takes no more. */
  #writeError: Error | undefined = undefined;
  /** For the connection to be made, then for each response head (counted from the last byte of the request). */
  #deadlineMs: number;
  #sink: BodySink | undefined = undefined;
  #hasBug = false;

  /** Opens a connection for an exchange, which starts when it is connected. */
  constructor(pool: ConnectionPool<BackendConnection>, exchange: BackendExchange) {
    this.#pool = pool;
    this.#exchange = exchange;
    this.#deadlineMs = pool.nowMs + pool.connectTimeoutMs;
    this.#reader = new ResponseReader(this, pool);
    this.#socket = pool.connect(this);
    this.#writer = new MessageWriter(this.#socket, pool.outbox);
    own(this.#socket, this);
    exchange.awaitConnection(this);
  }

  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  onConnected(): void {
    this.#connected = true;
    if (this.#exchange !== undefined) this.start(this.#exchange);
  }

  /** Begins an exchange on a connection that is connected and idle. */
  start(exchange: BackendExchange): void {
    this.#exchange = exchange;
    this.#reader.expect(exchange.method);
    this.#handedOverBefore = this.#writer.handedOver;
    this.#requestBegun = false;
    this.idleDeadlineMs = NEVER;
    this.#deadlineMs = NEVER;
    exchange.start(this);
  }

  send(text: string): void {
    if (text !== '' && this.#writeError === undefined) this.#writer.text(text);
  }

  sendBytes(chunk: Uint8Array, before: string, after: string): boolean {
    // Nobody reads them, and the answer may be on its way all the same.
    if (this.#writeError !== undefined) return true;
    const takesMore = this.#writer.bytes(chunk, before, after);
    if (!takesMore) this.#awaitBackend();
    return takesMore;
  }

  requestSent(): void {
    if (this.#exchange?.mayWait !== true) this.#awaitBackend();
  }

  giveBack(): void {
    this.#exchange = undefined;
    this.#deadlineMs = NEVER;
    this.#pool.release(this, undefined);
  }

  destroy(): void {
    this.#exchange = undefined;
    this.#socket.destroy();
  }

  checkDeadlines(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) this.#failTimeout();
    else if (nowMs >= this.idleDeadlineMs) this.#socket.destroy();
  }

  onBytes(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      // RFC 9112 §9.2: bytes that no request asked for must not become the answer to the next one.
      if (this.#exchange === undefined) return void this.#socket.destroy();
      if (!this.#reader.begun && this.#writer.handedOver === this.#handedOverBefore) {
        const unasked = `${nameForeignBytes(chunk) ?? 'bytes'} that no request asked for`;
        return this.#fail('backend_unavailable', new Error(unasked));
      }
      at = this.#reader.read(chunk, at);
    }
  }

  /** From now on it is the backend's turn: to answer, or to take more of the request. */
  #awaitBackend(): void {
    if (!this.#reader.inBody && this.#writeError === undefined) {
      this.#deadlineMs = this.#pool.nowMs + this.#pool.headTimeoutMs;
    }
  }

  onDrain(): void {
    if (this.#exchange?.requestComplete === false && this.#writeError === undefined) this.#deadlineMs = NEVER;
    this.#exchange?.onDrain?.();
  }

  /** RFC 9112 §9.5: the backend takes no more, but may have answered before it closed. */
  onWritten(error: Error | null | undefined, tookSome: boolean): void {
    if (tookSome) this.#requestBegun = true;
    if (!error || this.#writeError !== undefined) return;
    this.#writeError = error;
    // Whatever lies there is no answer to a request of which nothing has arrived.
    if (!this.#requestBegun && !this.#reader.begun) this.#fail('backend_unavailable', error);
    else if (!this.#reader.inBody) this.#deadlineMs = this.#pool.nowMs + LAST_WORDS_MS;
  }

  onHeadStarted(): void {
    // The first bytes have come: the others need no event to happen first.
    if (this.#deadlineMs === NEVER) this.#awaitBackend();
  }

  onInterim(head: ResponseHead): void {
    // RFC 9110 §15.2: the backend says that it is at work.
    if (this.#deadlineMs !== NEVER) this.#awaitBackend();
    // RFC 9110 §10.1.1: the engine has answered the client's expectation itself.
    if (head.status !== 100) this.#exchange?.onInformational(head.status, head.fields);
  }

  onHead(head: ResponseHead): void {
    this.#deadlineMs = NEVER;
    this.#sink = this.#exchange?.onHead(head);
  }

  onData(bytes: Buffer): void {
    const sink = this.#sink;
    // The bytes are lent by the socket's read buffer: what is passed on is a copy.
    if (sink === undefined || sink.write(Buffer.from(bytes))) return;
    sink.onDrain ??= () => this.#socket.resume();
    this.#socket.pause();
  }

  onComplete(end: ResponseEnd, nothingBehind: boolean): void {
    const exchange = this.#exchange;
    if (this.#sink !== undefined) this.#sink.onDrain = undefined;
    this.#exchange = undefined;
    this.#sink = undefined;
    this.#reused = true;
    const requestLeft = exchange?.requestComplete === true && this.#writer.flushed && this.#writeError === undefined;
    if (end.persistent && requestLeft && nothingBehind) {
      if (this.#socket.isPaused()) this.#socket.resume();
      this.#pool.release(this, end.keepAliveSeconds);
    } else this.#socket.destroy();
    exchange?.onResponseEnd();
  }

  onProblem(problem: string): void {
    this.#fail('backend_protocol_error', new Error(`the answer is not valid HTTP/1.1: ${problem}`));
  }

  onEnd(): void {
    // RFC 9112 §8: an answer that ends with the connection is complete only when the connection ended well.
    if (this.#writeError === undefined && this.#reader.finish()) return;
    this.#failClosed();
  }

  onError(error: Error): void {
    this.#fail('backend_unavailable', this.#connected ? error : explainHandshakeError(error));
  }

  onClose(): void {
    // First, since a bug in whoever hears of the failure must not leave it counted.
    this.#pool.forget(this);
    if (this.#exchange !== undefined) this.#failClosed();
  }

  onBug(error: unknown): void {
    this.#hasBug = true;
    this.#socket.destroy();
    this.#pool.onBug(error);
  }

  #failClosed(): void {
    if (this.#hasBug) this.#fail('backend_unavailable', new Error('a bug has ended the connection'));
    else if (this.#reader.begun) this.onProblem('it ends within its head');
    else this.#fail('backend_unavailable', this.#writeError ?? this.#closedUnanswered());
  }

  #closedUnanswered(): Error {
    // Most TLS servers hang up on a request in the clear, without an alert.
    const cure = this.#pool.isTls || this.#reused ? '' : '; is it https?';
    return new Error(`the connection was closed without an answer${cure}`);
  }

  #failTimeout(): void {
    const { connectTimeoutMs, headTimeoutMs } = this.#pool;
    if (this.#writeError !== undefined) this.#failClosed();
    else if (!this.#connected) this.#fail('backend_timeout', new BackendTimeout('connectTimeoutMs', connectTimeoutMs));
    else this.#fail('backend_timeout', new BackendTimeout('headTimeoutMs', headTimeoutMs));
  }

  #fail(failure: BackendFailure, cause: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#deadlineMs = NEVER;
    this.#socket.destroy();
    if (exchange === undefined) return;
    const stale = this.#reused && !this.#reader.begun && failure === 'backend_unavailable';
    if (stale && exchange.repeatable) this.#pool.retry(exchange);
    else exchange.fail(failure, cause);
  }
}
