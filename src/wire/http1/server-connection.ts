/** One client connection: requests in, answers out, one exchange at a time, in order. RFC 9112 §9. */
import type { Socket } from 'node:net';
import { unmapIpv4 } from '../../lib/unmap-ipv4.ts';
import type { ServerLimits, WireRefusal } from '../exchange.ts';
import type { Accepted, ConnectionContext } from './connection-context.ts';
import { ConnectionInput, type InputReceiver } from './connection-input.ts';
import { formatResponseHead } from './format-head.ts';
import type { HeadText } from './head-reader.ts';
import { type BodyConnection, IncomingBody } from './incoming-body.ts';
import { type FlushReceiver, MessageWriter } from './message-writer.ts';
import { PresenceCheck } from './presence-check.ts';
import { parseRequestHead } from './request-head.ts';
import { resetAndDestroy } from './reset.ts';
import { type ExchangeConnection, ServerExchange } from './server-exchange.ts';
import { own, readByEvents, type SocketOwner } from './socket-owner.ts';
import type { Watched } from './timing.ts';

/** More field lines than any client sends; each costs more than its bytes. */
const MAX_FIELD_LINES = 256;
/** RFC 9112 §9.6: how long a closing connection goes on reading, so that the client gets to read the answer. */
const LINGER_MS = 5000;
/** How long a server that drains waits for a client that says nothing: a request may have been on its way. */
const DRAIN_PATIENCE_MS = 1000;
const NEVER = Number.POSITIVE_INFINITY;

type Roles = BodyConnection & ExchangeConnection & FlushReceiver & InputReceiver & SocketOwner & Watched;

export class ServerConnection implements Roles {
  readonly peerAddress: string;
  readonly accepted: Accepted;
  readonly writer: MessageWriter;
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #input: ConnectionInput;
  readonly #presence: PresenceCheck;
  #exchange: ServerExchange | undefined = undefined;
  /** The last request's body, if it has one. */
  #body: IncomingBody | undefined = undefined;
  /** A request has come. */
  #used = false;
  #lingering = false;
  #clientEnded = false;
  #closeWhenFlushed = false;
  #deadlineMs: number;

  constructor(socket: Socket, context: ConnectionContext, accepted: Accepted) {
    this.#socket = socket;
    this.#context = context;
    this.accepted = accepted;
    this.peerAddress = unmapIpv4(socket.remoteAddress ?? '');
    this.writer = new MessageWriter(socket, context.outbox);
    this.#input = new ConnectionInput(socket, this);
    this.#presence = new PresenceCheck(this.writer, this);
    this.#deadlineMs = this.nowMs + Math.min(this.limits.readTimeoutMs, this.limits.idleTimeoutMs);
    own(socket, this);
    readByEvents(socket);
    context.sweep.add(this);
  }

  get nowMs(): number {
    return this.#context.sweep.nowMs;
  }

  get limits(): ServerLimits {
    return this.#context.limits;
  }

  get date(): string {
    return this.#context.date;
  }

  get takesHeads(): boolean {
    return this.#exchange === undefined;
  }

  /** The server drains: hang up if nothing is going on, but not on a client that has just been accepted. */
  drain(): void {
    if (this.#exchange !== undefined || this.#input.headStarted || this.#lingering) return;
    if (this.#used) this.#linger();
    this.#deadlineMs = Math.min(this.#deadlineMs, this.nowMs + DRAIN_PATIENCE_MS);
  }

  onHead(head: HeadText): void {
    const request = parseRequestHead(head);
    if (typeof request === 'string') return this.onBadHead('malformed_request', request);
    if (request.fieldCount > MAX_FIELD_LINES) return this.onBadHead('headers_too_large', 'too many field lines');
    this.#used = true;
    this.#deadlineMs = NEVER;
    this.#body = request.length === 0 ? undefined : new IncomingBody(this, request.length, request.expectsContinue);
    this.#input.expect(this.#body);
    this.#exchange = new ServerExchange(this, request, this.#body);
    this.#context.handlers.onExchange(this.#exchange);
    if (this.#clientEnded && this.#exchange !== undefined) this.#presence.doubt(this.#exchange);
  }

  onHeadStarted(): void {
    this.#deadlineMs = this.nowMs + this.limits.readTimeoutMs;
  }

  /** Answers what never became an exchange, and closes. */
  onBadHead(refusal: WireRefusal, detail: string): void {
    const { head, body } = this.#context.handlers.onRefused(refusal, detail, this.peerAddress);
    const framing = { framing: 'length', connection: 'close', date: this.date } as const;
    this.writer.text(formatResponseHead({ ...head, length: body.length }, framing));
    this.writer.bytes(body, '', '');
    this.#linger();
  }

  onBodyComplete(): void {
    if (this.#exchange === undefined) this.#becomeIdle();
  }

  bodyFailed(): void {
    this.#input.stop();
    if (this.#exchange === undefined) this.#linger();
  }

  sendContinue(): void {
    // RFC 9110 §10.1.1: not when the client has already begun to send.
    if (!this.#input.holdsBytes) this.#exchange?.inform(100, []);
  }

  pauseBody(): void {
    this.#input.pause();
  }

  resumeBody(): void {
    this.#input.proceed();
    if (this.#lacksBody()) this.#giveUp();
  }

  mustClose(): boolean {
    if (this.accepted.overloaded || this.#context.draining || this.#input.stopped) return true;
    if (this.#clientEnded && !this.#input.pending) return true;
    const body = this.#body;
    return this.#exchange?.head.method === 'CONNECT' || (body?.discardable === false && !body.delivered);
  }

  answered(close: boolean): void {
    this.#closeWhenFlushed = close;
    this.writer.whenFlushed(this);
  }

  cut(closeDelimited: boolean): void {
    this.#input.stop();
    this.writer.flush();
    // RFC 9112 §8: where the end of the connection is the end of the body, only a reset shows that something is missing.
    if (closeDelimited) resetAndDestroy(this.#socket);
    else this.#socket.destroy();
    this.#abortExchange();
  }

  checkDeadlines(nowMs: number): void {
    if (this.writer.isStalled(nowMs, this.limits.writeTimeoutMs)) return void this.#socket.destroy();
    this.#body?.checkDeadlines(nowMs);
    if (this.#exchange !== undefined) this.#checkPresence(this.#exchange, nowMs);
    else if (nowMs < this.#deadlineMs) return;
    else if (this.#lingering || (!this.#used && !this.#input.headStarted)) this.#socket.destroy();
    else if (this.#input.headStarted) this.onBadHead('request_timeout', 'request head not complete in time');
    // RFC 9112 §9.5: graceful, since a request may be on its way.
    else this.#linger();
  }

  onBytes(bytes: Buffer): void {
    this.#input.push(bytes);
  }

  onDrain(): void {
    this.#exchange?.onDrain?.();
  }

  /** The whole answer is in the kernel's hands. */
  onFlushed(): void {
    const exchange = this.#exchange;
    const body = this.#body;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    this.#presence.trust();
    exchange.close('complete');
    if (this.#closeWhenFlushed || this.#input.stopped || body?.discardable === false) this.#linger();
    else if (body?.complete === false) body.discard();
    else this.#becomeIdle();
  }

  #becomeIdle(): void {
    // While the server drains, what has already come is still answered, and nobody waits for more.
    this.#deadlineMs = this.nowMs + (this.#context.draining ? 0 : this.limits.idleTimeoutMs);
    this.resumeBody();
    if (this.#exchange !== undefined || this.#input.pending) return;
    if (this.#clientEnded || (this.#context.draining && !this.#input.headStarted)) this.#linger();
  }

  /** RFC 9112 §9.6: sends our FIN behind the answer and reads on until the client's comes. */
  #linger(): void {
    if (this.#lingering || this.#socket.destroyed) return;
    this.#lingering = true;
    this.writer.flush();
    this.#socket.end();
    this.#input.stop();
    this.#deadlineMs = this.nowMs + LINGER_MS;
  }

  onEnd(): void {
    this.#clientEnded = true;
    if (this.#lacksBody()) this.#giveUp();
    else if (this.#exchange === undefined) this.#linger();
    else this.#presence.doubt(this.#exchange);
  }

  /** The rest of a body will not come. An answer that is complete leaves all the same, and lets the connection linger. */
  #giveUp(): void {
    this.writer.flush();
    if (this.#exchange === undefined) this.#linger();
    else this.#socket.destroy();
  }

  /** True when the client's FIN stands where more of the body should. */
  #lacksBody(): boolean {
    return this.#clientEnded && this.#body?.complete === false && !this.#input.pending;
  }

  #checkPresence(exchange: ServerExchange, nowMs: number): void {
    if (this.#input.isBlocked(nowMs)) this.#presence.doubt(exchange);
    else if (!this.#clientEnded) this.#presence.trust();
    if (this.#presence.isGone(nowMs)) this.#socket.destroy();
  }

  /** A TLS socket that could not read a record stays open by itself, and reads no more. */
  onError(): void {
    this.#socket.destroy();
  }

  onBug(error: unknown): void {
    this.#socket.destroy();
    this.#context.handlers.onBug(error);
  }

  onClose(): void {
    this.#context.sweep.delete(this);
    this.#presence.trust();
    this.#context.connectionClosed(this, this.#socket);
    this.#abortExchange();
  }

  #abortExchange(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.close('aborted');
  }
}
