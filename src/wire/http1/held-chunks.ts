/** Bytes kept for later, at the cost of their number and not of the number of pieces they came in. RFC 9112 §9.3.2. */
import { Buffer } from 'node:buffer';

/** A buffer of its own takes a few hundred bytes beside its content: smaller pieces are copied behind one another. */
const SMALL_BYTES = 4096;
const FIRST_ROOM_BYTES = 256;

export class HeldChunks {
  #length = 0;
  #chunks: Buffer[] = [];
  /** The last chunk, if pieces are copied into it: it has room for more. */
  #room: Buffer | undefined = undefined;
  #used = 0;

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  /** Keeps the chunk itself, or a copy. */
  add(chunk: Buffer): void {
    this.#length += chunk.length;
    if (chunk.length < SMALL_BYTES) this.#copy(chunk);
    else {
      this.#closeRoom();
      this.#chunks.push(chunk);
    }
  }

  /** All of it, in order; nothing is kept any more. */
  take(): readonly Buffer[] {
    this.#closeRoom();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#length = 0;
    return chunks;
  }

  #copy(piece: Buffer): void {
    const needed = this.#used + piece.length;
    if (this.#room === undefined || needed > this.#room.length) {
      // Not of Node's pool, of which one byte keeps a whole slab.
      const roomier = Buffer.allocUnsafeSlow(Math.max(FIRST_ROOM_BYTES, 2 * needed));
      this.#room?.copy(roomier, 0, 0, this.#used);
      this.#room = roomier;
    }
    piece.copy(this.#room, this.#used);
    this.#used = needed;
  }

  #closeRoom(): void {
    if (this.#room !== undefined) this.#chunks.push(this.#room.subarray(0, this.#used));
    this.#room = undefined;
    this.#used = 0;
  }
}
