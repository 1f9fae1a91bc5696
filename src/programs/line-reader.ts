/** Lines out of a stream of bytes, none longer than a limit. MCP 2025-11-25 transports, stdio. */
import type { ByteBudget } from './byte-budget.ts';

export interface LineReaderOptions {
  readonly maxBytes: number;
  /** What unfinished lines of all processes may hold together. */
  readonly budget: ByteBudget;
  /** Without its end; only lent. */
  onLine(line: Buffer): void;
  /** A line is too long, or there is no room for it: nothing more is read. */
  onTooLong(): void;
}

const LINE_END = 0x0a;
const NOTHING = Buffer.alloc(0);

export class LineReader {
  readonly #options: LineReaderOptions;
  /** Of the line that has begun; grows, since a program may write byte by byte. */
  #begun = NOTHING;
  #length = 0;
  #isClosed = false;

  constructor(options: LineReaderOptions) {
    this.#options = options;
  }

  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#isClosed) {
      const end = chunk.indexOf(LINE_END, at);
      const piece = chunk.subarray(at, end < 0 ? chunk.length : end);
      if (this.#length + piece.length > this.#options.maxBytes) return this.#refuse();
      if (end < 0) return this.#keep(piece);
      this.#finish(piece);
      at = end + 1;
    }
  }

  /** The last line may lack its end. */
  end(): void {
    if (!this.#isClosed && this.#length > 0) this.#finish(NOTHING);
    this.close();
  }

  /** Gives back what is held. */
  close(): void {
    this.#isClosed = true;
    this.#forget();
  }

  /** A copy: the chunk may be large, and the rest of the line may never come. */
  #keep(piece: Buffer): void {
    if (!this.#options.budget.take(piece.length)) return this.#refuse();
    const needed = this.#length + piece.length;
    if (needed > this.#begun.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#begun.length));
      this.#begun.copy(larger, 0, 0, this.#length);
      this.#begun = larger;
    }
    piece.copy(this.#begun, this.#length);
    this.#length = needed;
  }

  #finish(last: Buffer): void {
    const line = this.#length === 0 ? last : Buffer.concat([this.#begun.subarray(0, this.#length), last]);
    this.#forget();
    this.#options.onLine(line);
  }

  #refuse(): void {
    this.close();
    this.#options.onTooLong();
  }

  #forget(): void {
    this.#options.budget.give(this.#length);
    this.#begun = NOTHING;
    this.#length = 0;
  }
}
