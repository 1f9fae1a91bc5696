/** One HTTP/2 connection: streams in, exchanges out, and a cap on all that a peer may ask for. RFC 9113 §5, §9.1, §10.5. */
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { EventCap } from '../../lib/event-cap.ts';
import { unmapIpv4 } from '../../lib/unmap-ipv4.ts';
import { contained } from '../contain.ts';
import type { ServerLimits } from '../exchange.ts';
import type { Accepted, ConnectionContext } from '../http1/connection-context.ts';
import type { Watched } from '../http1/timing.ts';
import { CANCEL, ENHANCE_YOUR_CALM, REFUSED_STREAM } from './error-codes.ts';
import type { HeldBytes, Holder, Share } from './held-bytes.ts';
import { parseRequestFields, REFUSED_REQUEST, type RefusedRequest } from './request-fields.ts';
import { startSession } from './session.ts';
import { type StreamConnection, StreamExchange } from './stream-exchange.ts';
import { UnreadAnswers } from './unread-answers.ts';

/** Streams that the peer resets, or makes us reset or refuse (CVE-2023-44487, CVE-2025-8671). */
const MAX_RESETS = 100;
/** PING and SETTINGS frames, each of which wants an answer (CVE-2019-9512, CVE-2019-9515). */
const MAX_CONTROL_FRAMES = 1000;
const CAP_PERIOD_MS = 10_000;
/** How long a connection that we closed waits for the peer to close it too, so that it gets to read the GOAWAY. */
const LINGER_MS = 5000;

/** What the HTTP/2 connections of a server share. */
export interface Http2Context extends ConnectionContext {
  /** Streams that have been answered and cannot end: who asks and does not read. */
  readonly heldStreams: HeldBytes;
  /** Bytes that wait: heads for an answer, bodies for somebody to take them, answers for their peer. */
  readonly heldBytes: HeldBytes;
}

export class Http2Connection implements StreamConnection, Holder, Watched {
  readonly peerAddress: string;
  readonly accepted: Accepted;
  readonly heldStreams: Share;
  readonly heldBytes: Share;
  readonly #socket: Socket;
  readonly #context: Http2Context;
  readonly #session: ServerHttp2Session;
  readonly #exchanges = new Set<StreamExchange>();
  readonly #resets = new EventCap(MAX_RESETS, CAP_PERIOD_MS);
  readonly #controlFrames = new EventCap(MAX_CONTROL_FRAMES, CAP_PERIOD_MS);
  readonly #unread = new UnreadAnswers();
  /** Bytes that the peer has taken of answers that are over. */
  #taken = 0;
  #greeted = false;
  #closing = false;
  /** Holds while there is no exchange. */
  #deadlineMs: number;

  constructor(socket: Socket, context: Http2Context, accepted: Accepted) {
    this.#socket = socket;
    this.#context = context;
    this.accepted = accepted;
    this.peerAddress = unmapIpv4(socket.remoteAddress ?? '');
    this.heldStreams = context.heldStreams.open(this);
    this.heldBytes = context.heldBytes.open(this);
    this.#deadlineMs = this.nowMs + Math.min(this.limits.readTimeoutMs, this.limits.idleTimeoutMs);
    // A client that has sent its FIN can neither open the window nor acknowledge: unlike in HTTP/1.1 it has gone.
    socket.allowHalfOpen = false;
    socket.on('error', () => socket.destroy());
    socket.on(
      'close',
      contained(this, () => this.#onClose()),
    );
    this.#session = startSession(socket, this.limits);
    this.#session.on('error', () => undefined);
    this.#listen();
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

  onBug(error: unknown): void {
    this.#socket.destroy();
    this.#context.handlers.onBug(error);
  }

  #listen(): void {
    const onControlFrame = contained(this, () => this.#onControlFrame());
    const onSettings = contained(this, () => this.#onSettings());
    const onStream = contained(this, (stream: ServerHttp2Stream, rawHeaders: readonly string[]) =>
      this.#onStream(stream, rawHeaders),
    );
    this.#session.on('ping', onControlFrame);
    this.#session.on('remoteSettings', onSettings);
    this.#session.on('stream', (stream, ...[, , rawHeaders]) => onStream(stream, rawHeaders));
  }

  /** The server drains. §6.8: streams that are open may finish, no others are taken. */
  drain(): void {
    this.#closing = true;
    this.#deadlineMs = this.nowMs + LINGER_MS;
    this.#session.close();
  }

  exchangeOver(exchange: StreamExchange, byPeer: boolean): void {
    this.#exchanges.delete(exchange);
    this.#taken += exchange.taken;
    if (this.#exchanges.size === 0) {
      this.#deadlineMs = this.nowMs + (this.#closing ? LINGER_MS : this.limits.idleTimeoutMs);
    }
    if (byPeer) this.#countReset();
  }

  checkDeadlines(nowMs: number): void {
    this.#checkExchanges(nowMs);
    if (this.#exchanges.size > 0 || nowMs < this.#deadlineMs) return;
    if (this.#closing) this.#socket.destroy();
    else this.drain();
  }

  giveWay(): void {
    // It may be in the middle of a request of its own.
    setImmediate(contained(this, () => this.#calm('too much held')));
  }

  #checkExchanges(nowMs: number): void {
    const { writeTimeoutMs } = this.limits;
    let waiting = 0;
    let taken = this.#taken;
    for (const exchange of this.#exchanges) {
      exchange.body.checkDeadlines(nowMs);
      exchange.count();
      taken += exchange.taken;
      if (exchange.isUnread) waiting += 1;
      if (exchange.isStalled(nowMs, writeTimeoutMs)) this.#onStalled(exchange);
    }
    if (this.#unread.areTooMany(waiting, taken, { nowMs, writeTimeoutMs })) this.#calm('answers not read');
  }

  #onStream(stream: ServerHttp2Stream, rawHeaders: readonly string[]): void {
    stream.on('error', () => undefined);
    // Reset in the same packet that opened it.
    if (stream.closed) return this.#countReset();
    if (this.#closing) return stream.close(REFUSED_STREAM);
    const request = parseRequestFields(rawHeaders, this.limits);
    if ('refusal' in request) return this.#refuse(stream, request);
    const exchange = new StreamExchange(this, stream, request);
    this.#exchanges.add(exchange);
    this.#context.handlers.onExchange(exchange);
    exchange.count();
    if (this.accepted.overloaded) this.drain();
  }

  /** §8.1.1: a malformed request is a stream error, before which an answer may be sent. */
  #refuse(stream: ServerHttp2Stream, { refusal, detail }: RefusedRequest): void {
    const { head, body } = this.#context.handlers.onRefused(refusal, detail, this.peerAddress);
    const exchange = new StreamExchange(this, stream, REFUSED_REQUEST);
    this.#exchanges.add(exchange);
    exchange.respond({ ...head, length: body.length });
    exchange.write(body);
    exchange.end();
    this.#countReset();
  }

  #countReset(): void {
    if (this.#resets.isExceeded(this.nowMs)) this.#calm('too many resets');
  }

  #onControlFrame(): void {
    if (this.#controlFrames.isExceeded(this.nowMs)) this.#calm('too many pings or settings');
  }

  /** The first SETTINGS frame ends the preface (§3.4): from now on the connection may be quiet. */
  #onSettings(): void {
    this.#onControlFrame();
    if (this.#greeted || this.#closing || this.#exchanges.size > 0) return;
    this.#greeted = true;
    this.#deadlineMs = this.nowMs + this.limits.idleTimeoutMs;
  }

  /** §10.5: `why` is a fixed phrase. */
  #calm(why: string): void {
    if (this.#session.destroyed) return;
    this.#context.handlers.onCalmed(why, this.peerAddress);
    this.#closing = true;
    this.#deadlineMs = this.nowMs + LINGER_MS;
    this.#session.destroy(new Error(why), ENHANCE_YOUR_CALM);
  }

  /** A peer that takes nothing at all loses its connection; one that reads other streams loses this one. */
  #onStalled(exchange: StreamExchange): void {
    if (this.#exchanges.size === 1) this.#socket.destroy();
    else exchange.cut(CANCEL);
  }

  #onClose(): void {
    this.#context.sweep.delete(this);
    this.#closing = true;
    this.heldStreams.close();
    this.heldBytes.close();
    this.#context.connectionClosed(this, this.#socket);
    for (const exchange of this.#exchanges) exchange.close('aborted', false);
  }
}
