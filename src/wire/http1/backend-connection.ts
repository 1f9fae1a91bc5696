/** One connection to the backend: a request out, its answer in, then idle. RFC 9112 §6.3, §9. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { BackendFailure } from '../backend.ts';
import type { BodySink } from '../exchange.ts';
import type { BackendExchange } from './backend-exchange.ts';
import { type BodyDecoder, LengthDecoder } from './body-decoder.ts';
import { ChunkedDecoder, type ChunkedLimits } from './chunked-decoder.ts';
import type { Connect, SocketReceiver } from './connect.ts';
import { HeadReader } from './head-reader.ts';
import { MessageWriter } from './message-writer.ts';
import type { Outbox } from './outbox.ts';
import { type ParsedResponse, parseResponseHead, type ResponseEnd } from './response-head.ts';
import { own, type SocketOwner } from './socket-owner.ts';
import type { Watched } from './timing.ts';

/** What connections share: their pool. */
export interface ConnectionPool {
  readonly nowMs: number;
  readonly outbox: Outbox;
  readonly connect: Connect;
  readonly connectTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly bodyLimits: ChunkedLimits;
  readonly headTimeoutMs: number;
  /** The connection is idle and may serve another request. */
  release(connection: BackendConnection, keepAliveSeconds: number | undefined): void;
  /** The connection is closed, or was never made. */
  forget(connection: BackendConnection): void;
  onBug(error: unknown): void;
  /** The exchange met a connection that the backend had already closed, and may be sent again. */
  retry(exchange: BackendExchange): void;
}

/** RFC 9110 §15.2: interim responses before the final one; more of them is nobody's honest answer. */
const MAX_INTERIM_RESPONSES = 64;
const NEVER = Number.POSITIVE_INFINITY;

export class BackendConnection implements SocketOwner, SocketReceiver, Watched {
  /** When an idle connection is closed. */
  idleDeadlineMs = NEVER;
  readonly #socket: Socket;
  readonly #pool: ConnectionPool;
  readonly #writer: MessageWriter;
  /** While a head is not complete. */
  #head: HeadReader | undefined = undefined;
  #exchange: BackendExchange | undefined = undefined;
  #reused = false;
  #answerBegun = false;
  /** `handedOver` of the writer when the exchange began. */
  #handedOverBefore = 0;
  #interimResponses = 0;
  /** For the connection to be made, then for each response head (counted from the last byte of the request). */
  #deadlineMs: number;
  #decoder: BodyDecoder | undefined = undefined;
  #sink: BodySink | undefined = undefined;
  #responseEnd: ResponseEnd | undefined = undefined;

  /** Opens a connection for an exchange, which starts when it is connected. */
  constructor(pool: ConnectionPool, exchange: BackendExchange) {
    this.#pool = pool;
    this.#exchange = exchange;
    this.#deadlineMs = pool.nowMs + pool.connectTimeoutMs;
    this.#socket = pool.connect(this);
    this.#writer = new MessageWriter(this.#socket, pool.outbox);
    own(this.#socket, this);
  }

  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  onConnected(): void {
    if (this.#exchange?.over === false) this.start(this.#exchange);
    // Cancelled meanwhile: the connection serves the next one.
    else this.giveBack();
  }

  /** Begins an exchange on a connection that is connected and idle. */
  start(exchange: BackendExchange): void {
    this.#exchange = exchange;
    this.#answerBegun = false;
    this.#handedOverBefore = this.#writer.handedOver;
    this.#interimResponses = 0;
    this.idleDeadlineMs = NEVER;
    this.#deadlineMs = NEVER;
    exchange.start(this);
  }

  send(text: string): void {
    if (text !== '') this.#writer.text(text);
  }

  sendBytes(chunk: Uint8Array, before: string, after: string): boolean {
    const takesMore = this.#writer.bytes(chunk, before, after);
    if (!takesMore) this.#awaitBackend();
    return takesMore;
  }

  requestSent(): void {
    this.#awaitBackend();
  }

  /** The exchange ended before anything of it was sent. */
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
    if (nowMs >= this.#deadlineMs) this.#fail('backend_timeout', undefined);
    else if (nowMs >= this.idleDeadlineMs) this.#socket.destroy();
  }

  onBytes(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const exchange = this.#exchange;
      // RFC 9112 §9.2: bytes that no request asked for must not become the answer to the next one.
      if (exchange === undefined) return void this.#socket.destroy();
      if (!this.#answerBegun && this.#writer.handedOver === this.#handedOverBefore) {
        return this.#fail('backend_unavailable', new Error('bytes that no request asked for'));
      }
      at = this.#decoder === undefined ? this.#readHead(exchange, chunk, at) : this.#readBody(this.#decoder, chunk, at);
    }
  }

  /** From now on it is the backend's turn: to answer, or to take more of the request. */
  #awaitBackend(): void {
    if (this.#responseEnd === undefined) this.#deadlineMs = this.#pool.nowMs + this.#pool.headTimeoutMs;
  }

  onDrain(): void {
    if (this.#exchange?.requestComplete === false) this.#deadlineMs = NEVER;
    this.#exchange?.onDrain?.();
  }

  #readHead(exchange: BackendExchange, chunk: Buffer, from: number): number {
    this.#answerBegun = true;
    const { maxHeaderBytes } = this.#pool;
    const reader = this.#head ?? new HeadReader('response');
    const progress = reader.feed(chunk, from, { maxLineBytes: maxHeaderBytes, maxHeadBytes: maxHeaderBytes });
    this.#head = progress === 'incomplete' ? reader : undefined;
    if (progress === 'incomplete') return chunk.length;
    const response = progress === 'complete' ? parseResponseHead(reader, exchange.method) : progress;
    if (typeof response === 'string') {
      this.#failProtocol(response);
      return chunk.length;
    }
    if (response.head.status < 200) this.#takeInterim(exchange, response);
    else this.#takeHead(exchange, response, reader.position === chunk.length);
    return reader.position;
  }

  #takeInterim(exchange: BackendExchange, { head }: ParsedResponse): void {
    this.#interimResponses += 1;
    // RFC 9110 §15.2.2: nobody asked for another protocol.
    if (head.status === 101) this.#failProtocol('101 without Upgrade');
    else if (this.#interimResponses > MAX_INTERIM_RESPONSES) this.#failProtocol('too many interim responses');
    // RFC 9110 §10.1.1: the engine has answered the client's expectation itself.
    else if (head.status !== 100) exchange.onInformational(head.status, head.fields);
  }

  #takeHead(exchange: BackendExchange, { head, end }: ParsedResponse, nothingBehind: boolean): void {
    const { framing } = end;
    this.#deadlineMs = NEVER;
    this.#responseEnd = end;
    if (framing === 'chunked') this.#decoder = new ChunkedDecoder(this.#pool.bodyLimits);
    else if (framing !== 'none') this.#decoder = new LengthDecoder(framing === 'length' ? (head.length ?? 0) : NEVER);
    this.#sink = exchange.onHead(head);
    if (framing === 'none') this.#complete(nothingBehind);
  }

  #readBody(decoder: BodyDecoder, chunk: Buffer, from: number): number {
    for (let at = from; ; at = decoder.position) {
      const step = decoder.next(chunk, at);
      if (step === 'data') this.#deliver(chunk.subarray(decoder.dataStart, decoder.position));
      else {
        if (step === 'end') this.#complete(decoder.position === chunk.length);
        else if (step !== 'more') this.#failProtocol('malformed chunked body');
        return decoder.position;
      }
    }
  }

  #deliver(chunk: Buffer): void {
    const sink = this.#sink;
    // The bytes are lent by the socket's read buffer: what is passed on is a copy.
    if (sink === undefined || sink.write(Buffer.from(chunk))) return;
    sink.onDrain ??= () => this.#socket.resume();
    this.#socket.pause();
  }

  #complete(nothingBehind: boolean): void {
    const exchange = this.#exchange;
    const responseEnd = this.#responseEnd;
    if (this.#sink !== undefined) this.#sink.onDrain = undefined;
    this.#exchange = undefined;
    this.#decoder = undefined;
    this.#responseEnd = undefined;
    this.#sink = undefined;
    this.#reused = true;
    const requestLeft = exchange?.requestComplete === true && this.#writer.flushed;
    if (responseEnd?.persistent === true && requestLeft && nothingBehind) {
      if (this.#socket.isPaused()) this.#socket.resume();
      this.#pool.release(this, responseEnd.keepAliveSeconds);
    } else this.#socket.destroy();
    exchange?.onResponseEnd();
  }

  onEnd(): void {
    if (this.#responseEnd?.framing === 'close') this.#complete(false);
    else this.#fail(this.#answerBegun ? 'backend_protocol_error' : 'backend_unavailable', undefined);
  }

  onError(error: Error): void {
    this.#fail('backend_unavailable', error);
  }

  onClose(): void {
    this.#pool.forget(this);
    this.#fail(this.#answerBegun ? 'backend_protocol_error' : 'backend_unavailable', undefined);
  }

  onBug(error: unknown): void {
    this.#socket.destroy();
    this.#pool.onBug(error);
  }

  #failProtocol(problem: string): void {
    this.#fail('backend_protocol_error', new Error(problem));
  }

  #fail(failure: BackendFailure, cause: Error | undefined): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#deadlineMs = NEVER;
    this.#socket.destroy();
    if (exchange === undefined) return;
    const stale = this.#reused && !this.#answerBegun && failure === 'backend_unavailable';
    if (stale && exchange.repeatable) this.#pool.retry(exchange);
    else exchange.fail(failure, cause);
  }
}
