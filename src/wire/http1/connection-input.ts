/** The incoming half of a client connection: heads and bodies in turn; what is not its turn yet is held. RFC 9112 §9.3.2. */
import type { Socket } from 'node:net';
import type { ServerLimits, WireRefusal } from '../exchange.ts';
import { HeadReader, type HeadText } from './head-reader.ts';
import { HeldChunks } from './held-chunks.ts';
import type { IncomingBody } from './incoming-body.ts';

/** Who makes something of what comes in. */
export interface InputReceiver {
  readonly limits: ServerLimits;
  /** False while a request waits for its answer. */
  readonly takesHeads: boolean;
  onHead(head: HeadText): void;
  onBadHead(refusal: WireRefusal, detail: string): void;
  /** The first bytes of a head have come, but not all of it. */
  onHeadStarted(): void;
  onBodyComplete(): void;
}

/** How long a socket may stay paused behind an answer before it is asked whether its client is still there. */
const PATIENCE_MS = 5000;
/** Bytes held for later (pipelined requests, a body that nobody takes yet) before the socket is paused. */
const MAX_HELD_BYTES = 65536;

/** RFC 8446 §5.1: the first byte of a ClientHello. */
const TLS_HANDSHAKE = 0x16;

const REFUSALS = {
  malformed: { refusal: 'malformed_request', detail: 'bare LF in the request head, or not HTTP' },
  line_too_long: { refusal: 'uri_too_long', detail: 'request line too long' },
  too_large: { refusal: 'headers_too_large', detail: 'request head too large' },
} as const;

export class ConnectionInput {
  readonly #socket: Socket;
  readonly #receiver: InputReceiver;
  /** While a head is not complete. */
  #head: HeadReader | undefined = undefined;
  #body: IncomingBody | undefined = undefined;
  readonly #held = new HeldChunks();
  #heldSinceMs: number | undefined = undefined;
  #consuming = false;
  #stopped = false;
  #behindHead = false;
  #blockedSinceMs: number | undefined = undefined;
  /** Bytes behind the pause of the socket that are in one piece. */
  #gatheredBytes = 0;
  #gathering = false;

  constructor(socket: Socket, receiver: InputReceiver) {
    this.#socket = socket;
    this.#receiver = receiver;
  }

  get headStarted(): boolean {
    return this.#head?.started === true;
  }

  /** True when bytes are held, or are being looked at right now. */
  get pending(): boolean {
    return this.#held.length > 0 || this.#consuming;
  }

  /** True when more has come than the head just read. */
  get holdsBytes(): boolean {
    return this.#held.length > 0 || this.#behindHead;
  }

  /** The bytes behind the head just read belong to this body, or to the next head. */
  expect(body: IncomingBody | undefined): void {
    this.#body = body;
  }

  /** Takes bytes from the socket. */
  push(chunk: Buffer): void {
    if (this.#stopped || this.#gathering) return;
    if (this.#held.length > 0) this.#hold(chunk);
    else this.#consume(chunk);
  }

  /** Goes on with what is held, after a wait. */
  proceed(): void {
    // Whoever calls from within a chunk is followed by the rest of that chunk.
    if (this.#consuming) return;
    this.#heldSinceMs = undefined;
    for (const chunk of this.#held.take()) this.push(chunk);
    const bodyWaits = this.#body !== undefined && !this.#body.flowing;
    const mayRead = this.#held.length < MAX_HELD_BYTES && !bodyWaits;
    if (mayRead && this.#socket.isPaused()) this.#socket.resume();
  }

  pause(): void {
    this.#gatheredBytes = 0;
    this.#socket.pause();
  }

  /** Nothing that comes is looked at any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /**
   * True when the socket has not been read for long, so that neither a FIN nor a reset would show, and cannot be: the
   * rest of a body has no place to go. Requests that wait behind an answer are dropped instead (RFC 9112 §9.3.2: a client
   * repeats those that were not answered), and the socket is read again; few of them, which leave it readable, not before
   * `idleTimeoutMs`. To be asked every now and then.
   */
  isBlocked(nowMs: number): boolean {
    const isPaused = this.#socket.isPaused();
    if (isPaused) this.#gather();
    this.#blockedSinceMs = isPaused ? (this.#blockedSinceMs ?? nowMs) : undefined;
    this.#heldSinceMs = this.#held.length > 0 ? (this.#heldSinceMs ?? nowMs) : undefined;
    const isBlocked = nowMs - (this.#blockedSinceMs ?? nowMs) >= PATIENCE_MS;
    if (this.#body !== undefined) return isBlocked;
    if (isBlocked || nowMs - (this.#heldSinceMs ?? nowMs) >= this.#receiver.limits.idleTimeoutMs) this.stop();
    return false;
  }

  /** Nothing that comes from now on is looked at, but it is read, so that the peer is not reset (RFC 9112 §9.6). */
  stop(): void {
    this.#stopped = true;
    this.#held.take();
    this.#socket.resume();
  }

  /** Uses a chunk as far as its turn has come, and holds the rest. */
  #consume(chunk: Buffer): void {
    this.#consuming = true;
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      const body = this.#body;
      if (body !== undefined) {
        if (!body.flowing) break;
        at = this.#readBody(body, chunk, at);
      } else if (this.#receiver.takesHeads) at = this.#readHead(chunk, at);
      else break;
    }
    this.#consuming = false;
    if (at < chunk.length && !this.#stopped) this.#hold(at === 0 ? chunk : chunk.subarray(at));
  }

  #hold(chunk: Buffer): void {
    this.#held.add(chunk);
    if (this.#held.length >= MAX_HELD_BYTES) this.pause();
  }

  /** A paused socket goes on reading for a while, and Node keeps what comes in as many pieces as it came in. */
  #gather(): void {
    const socket = this.#socket;
    if (socket.readableLength <= this.#gatheredBytes) return;
    const parts: Buffer[] = [];
    this.#gathering = true;
    // With its size, since without one Node gives a single piece; and no more than that, since it would make room for it.
    while (socket.readableLength > 0) {
      const part: Buffer | null = socket.read(Math.min(socket.readableLength, socket.readableHighWaterMark));
      if (part === null) break;
      parts.push(part);
    }
    this.#gathering = false;
    socket.unshift(Buffer.concat(parts));
    this.#gatheredBytes = socket.readableLength;
  }

  #readBody(body: IncomingBody, chunk: Buffer, from: number): number {
    const at = body.read(chunk, from);
    if (body.complete) {
      this.#body = undefined;
      this.#receiver.onBodyComplete();
    }
    return at;
  }

  #readHead(chunk: Buffer, from: number): number {
    const { maxRequestLineBytes, maxHeaderBytes } = this.#receiver.limits;
    const head = this.#head ?? new HeadReader('request');
    const { started } = head;
    const progress = head.feed(chunk, from, {
      maxLineBytes: maxRequestLineBytes,
      maxHeadBytes: maxHeaderBytes,
    });
    this.#head = progress === 'incomplete' ? head : undefined;
    if (progress === 'complete') {
      this.#behindHead = head.position < chunk.length;
      this.#receiver.onHead(head);
      this.#behindHead = false;
      return head.position;
    }
    if (progress !== 'incomplete') {
      const { refusal, detail } = REFUSALS[progress];
      const isTls = progress === 'malformed' && !started && chunk[from] === TLS_HANDSHAKE;
      this.#receiver.onBadHead(refusal, isTls ? 'a TLS handshake, where obex.tls.enabled is false' : detail);
    }
    if (progress === 'incomplete' && !started && head.started) this.#receiver.onHeadStarted();
    return chunk.length;
  }
}
