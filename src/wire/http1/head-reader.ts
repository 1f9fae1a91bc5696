/** Collects the bytes of one head up to its empty line, whatever pieces they come in. RFC 9112 §2.1, §2.2. */

import { TCHAR } from './characters.ts';

const CR = 0x0d;
const RESPONSE_START = 'HTTP/1.';

/** `incomplete` asks for more bytes; the last three refuse the head for good. */
export type HeadProgress = 'incomplete' | 'complete' | 'malformed' | 'line_too_long' | 'too_large';

/** A whole head twice: to cut strings from, and to look at its bytes, which costs a third of `charCodeAt`. */
export interface HeadText {
  /** From the first line to the empty line, as latin1. */
  readonly text: string;
  /** `bytes[base + i]` is the byte of `text[i]`. */
  readonly bytes: Uint8Array;
  readonly base: number;
}

/** The same for a text that was put together from pieces. */
export function toHeadText(text: string): HeadText {
  return { text, bytes: Buffer.from(text, 'latin1'), base: 0 };
}

const NO_BYTES = new Uint8Array(0);

/** Sizes in bytes, each without the CRLF that ends it, respectively with it. */
export interface HeadLimits {
  readonly maxLineBytes: number;
  readonly maxHeadBytes: number;
}

/**
 * The verdict depends on the bytes alone, never on how they were cut: the first byte that makes the head unacceptable
 * decides, and no byte beyond the limits is looked at.
 */
export class HeadReader implements HeadText {
  /** After `complete`: the head from its first line to its empty line, as latin1. */
  text = '';
  bytes: Uint8Array = NO_BYTES;
  base = 0;
  /** After `complete`: where the bytes behind the head begin in the chunk fed last. */
  position = 0;

  readonly #kind: 'request' | 'response';
  /** What came so far of a head that is not complete. */
  #held = '';
  /** Where the line scan of `#held` goes on. */
  #scanned = 0;
  #lineComplete = false;

  constructor(kind: 'request' | 'response') {
    this.#kind = kind;
  }

  /** True when a head has begun and is not complete; an ignored empty line does not begin one. */
  get started(): boolean {
    return this.#held.length > this.#startOf(this.#held);
  }

  feed(chunk: Buffer, offset: number, limits: HeadLimits): HeadProgress {
    const before = this.#held.length;
    // Two bytes for the empty line that may come first; those beyond the limits could not change the verdict.
    const stop = Math.min(chunk.length, offset + limits.maxHeadBytes + 2 - before);
    const piece = chunk.toString('latin1', offset, stop);
    const text = before === 0 ? piece : this.#held + piece;
    const start = this.#startOf(text);
    if (!this.#beginsWell(text, start)) return 'malformed';
    const headEnd = text.indexOf('\r\n\r\n', Math.max(start, this.#scanned - 3)) + 4;
    if (headEnd < 4 || headEnd - start > limits.maxHeadBytes) return this.#hold(text, start, limits);
    // A first line that ends in a bare LF is left to the parser.
    if (!this.#lineComplete && text.indexOf('\n', start) - start > limits.maxLineBytes + 1) return 'line_too_long';
    this.text = start === 0 && headEnd === text.length ? text : text.slice(start, headEnd);
    this.bytes = before === 0 ? chunk : Buffer.from(this.text, 'latin1');
    this.base = before === 0 ? offset + start : 0;
    this.position = offset + headEnd - before;
    this.#held = '';
    this.#scanned = 0;
    this.#lineComplete = false;
    return 'complete';
  }

  /** §2.2: a server ignores one empty line before the request-line. */
  #startOf(text: string): number {
    return this.#kind === 'request' && text.startsWith('\r\n') ? 2 : 0;
  }

  /** Another protocol (a TLS ClientHello, an SSH banner) shows itself at once and need not wait for a deadline. */
  #beginsWell(text: string, start: number): boolean {
    if (this.#kind === 'response') return RESPONSE_START.startsWith(text.slice(0, RESPONSE_START.length));
    return text.length === start || TCHAR[text.charCodeAt(start)] === 1 || text === '\r';
  }

  /** Looks at the lines of an incomplete head, so that a bare LF or an endless line is refused before its end comes. */
  #hold(text: string, start: number, limits: HeadLimits): HeadProgress {
    const stop = Math.min(text.length, start + limits.maxHeadBytes);
    let lf = text.indexOf('\n', Math.max(start, this.#scanned));
    if (lf < 0) lf = stop;
    if (!this.#lineComplete && Math.min(lf, stop) - start > limits.maxLineBytes + 1) return 'line_too_long';
    while (lf < stop) {
      if (text.charCodeAt(lf - 1) !== CR) return 'malformed';
      this.#lineComplete = true;
      lf = text.indexOf('\n', lf + 1);
      if (lf < 0) lf = stop;
    }
    if (text.length - start >= limits.maxHeadBytes) return 'too_large';
    this.#held = text;
    this.#scanned = text.length;
    return 'incomplete';
  }
}
