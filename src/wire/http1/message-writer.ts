/** The outgoing half of a connection: joins what is written in one turn of the event loop, counts it, notices a peer that does not read. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { contained } from '../contain.ts';
import type { Flushable, Outbox } from './outbox.ts';
import { tellOwnerOfBug } from './socket-owner.ts';

/** Chunks up to this size are copied behind their head or chunk-size, which costs less than a second buffer to write. */
const MAX_JOINED_BYTES = 8192;
/** Up to so much waits here while the kernel takes nothing: Node keeps every write apart, at the cost of 200 bytes. */
const MAX_WAITING_BYTES = 4096;

/** Who wrote what is to be flushed. */
export interface FlushReceiver {
  /** Everything written so far is in the kernel's hands. */
  onFlushed(): void;
}

/** RFC 9112 messages over one socket. Text is latin1, one byte a character. */
export class MessageWriter implements Flushable {
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  #pending = '';
  #scheduled = false;
  #waiting: FlushReceiver | undefined = undefined;
  /** What is pending is written when the kernel has taken what was written before. */
  #awaitsKernel = false;
  #handedOver = 0;
  #lastTaken = 0;
  #stalledSinceMs: number | undefined = undefined;

  constructor(socket: Socket, outbox: Outbox) {
    this.#socket = socket;
    this.#outbox = outbox;
  }

  /** True when nothing waits in this process: the kernel has it all. */
  get flushed(): boolean {
    return this.#pending === '' && this.#socket.writableLength === 0;
  }

  /** Bytes handed to the socket so far. */
  get handedOver(): number {
    return this.#handedOver;
  }

  /** Text leaves at the end of the turn of the event loop, or with the next `flush`. */
  text(latin1: string): void {
    this.#pending += latin1;
    this.#schedule();
  }

  /** Writes `before`, the chunk and `after`, in one piece. False when the writer should wait for the socket's `drain`. */
  bytes(chunk: Uint8Array, before: string, after: string): boolean {
    const buffer = asBuffer(chunk);
    if (buffer.length <= MAX_JOINED_BYTES) {
      this.text(before + buffer.toString('latin1') + after);
      if (this.#pending.length > 2 * MAX_JOINED_BYTES) this.flush();
      return !this.#socket.writableNeedDrain;
    }
    this.#socket.cork();
    this.#pending += before;
    this.flush();
    this.#handedOver += buffer.length;
    this.#socket.write(buffer);
    this.#pending = after;
    this.flush();
    this.#socket.uncork();
    return !this.#socket.writableNeedDrain;
  }

  onTurnEnd(): void {
    this.#scheduled = false;
    const isFew = this.#pending.length < MAX_WAITING_BYTES && this.#waiting === undefined;
    if (isFew && this.#socket.writableLength > 0 && !this.#socket.destroyed) this.#awaitKernel();
    else this.flush();
  }

  flush(): void {
    const text = this.#pending;
    this.#pending = '';
    if (text !== '' && !this.#socket.destroyed) {
      this.#handedOver += text.length;
      // As text it would stay in the pieces it was put together from, for as long as it waits.
      if (this.#awaitsKernel) this.#socket.write(Buffer.from(text, 'latin1'));
      else this.#socket.write(text, 'latin1');
    }
    if (this.#waiting !== undefined) this.#reportFlushed(this.#waiting);
  }

  onBug(error: unknown): void {
    tellOwnerOfBug(this.#socket, error);
  }

  /** Tells the receiver once. */
  whenFlushed(receiver: FlushReceiver): void {
    this.#waiting = receiver;
    this.#schedule();
  }

  #reportFlushed(receiver: FlushReceiver): void {
    this.#waiting = undefined;
    // What a socket does not take any more waits nowhere; its `close` says how the exchange ended.
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength === 0) receiver.onFlushed();
    else {
      this.#whenTaken((error) => {
        if (!error) receiver.onFlushed();
      });
    }
  }

  #awaitKernel(): void {
    if (this.#awaitsKernel) return;
    this.#awaitsKernel = true;
    this.#whenTaken((error) => {
      this.#awaitsKernel = false;
      if (!error) this.flush();
    });
  }

  /** Called when the kernel has taken what was written before, by the socket, which has nobody to throw to. */
  #whenTaken(run: (error: Error | null | undefined) => void): void {
    this.#socket.write('', 'latin1', contained(this, run));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#outbox.add(this);
  }

  /** True when bytes have waited for `limitMs` without the peer taking any. To be asked again and again. */
  isStalled(nowMs: number, limitMs: number): boolean {
    const waiting = this.#socket.writableLength;
    if (waiting === 0) {
      this.#stalledSinceMs = undefined;
      return false;
    }
    const taken = this.#handedOver - waiting;
    if (this.#stalledSinceMs === undefined || taken !== this.#lastTaken) {
      this.#stalledSinceMs = nowMs;
      this.#lastTaken = taken;
    }
    return nowMs - this.#stalledSinceMs >= limitMs;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
