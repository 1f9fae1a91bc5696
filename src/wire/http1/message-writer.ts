/** The outgoing half of a connection: joins what is written in one tick, counts it, notices a peer that does not read. */
import type { Socket } from 'node:net';

/** Chunks up to this size are copied behind their head or chunk-size, which costs less than a second buffer to write. */
const MAX_JOINED_BYTES = 8192;

/** Writers that were written to during the current socket event. */
const written: MessageWriter[] = [];
let inEvent = false;

/** Deals with a socket event; what is written meanwhile, to whatever connection, leaves when that is done. */
export function handleEvent<T>(handle: (argument: T) => void, argument: T): void {
  inEvent = true;
  try {
    handle(argument);
  } finally {
    inEvent = false;
    for (const writer of written) writer.flushAfterEvent();
    written.length = 0;
  }
}

/** RFC 9112 messages over one socket. Text is latin1, one byte a character. */
export class MessageWriter {
  readonly #socket: Socket;
  #pending = '';
  #scheduled = false;
  #handedOver = 0;
  #lastTaken = 0;
  #stalledSinceMs: number | undefined = undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** True when nothing waits in this process: the kernel has it all. */
  get flushed(): boolean {
    return this.#pending === '' && this.#socket.writableLength === 0;
  }

  /** Bytes handed to the socket so far. */
  get handedOver(): number {
    return this.#handedOver;
  }

  /** Text leaves at the end of the event or tick, or with the next `flush`. */
  text(latin1: string): void {
    this.#pending += latin1;
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (inEvent) written.push(this);
    else process.nextTick(() => this.flushAfterEvent());
  }

  flushAfterEvent(): void {
    this.#scheduled = false;
    this.flush();
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

  flush(): void {
    if (this.#pending === '') return;
    const text = this.#pending;
    this.#pending = '';
    this.#handedOver += text.length;
    this.#socket.write(text, 'latin1');
  }

  /** Calls back when everything written so far is in the kernel's hands. */
  whenFlushed(callback: () => void): void {
    this.flush();
    this.#socket.write('', 'latin1', (error) => {
      if (!error) callback();
    });
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
