/** The chunked transfer coding, decoded. Extensions and trailers are checked, bounded and dropped. RFC 9112 §7.1. */
import type { BodyDecoder, BodyStep } from './body-decoder.ts';
import { FIELD_CHAR, HEX_VALUE } from './characters.ts';
import { parseFieldLines } from './field-lines.ts';
import { toHeadText } from './head-reader.ts';

const LF = 0x0a;
const CR = 0x0d;
const SEMICOLON = 0x3b;

/** More digits than any size below needs, so that leading zeros cannot go on for ever. */
const MAX_SIZE_DIGITS = 16;
const MAX_EXTENSION_BYTES = 256;
/** For a whole body: extensions multiply the bytes of a body that no body limit counts (CVE-2023-39326). */
const MAX_EXTENSION_BYTES_PER_BODY = 4096;

/**
 * §7.1.1: *( ";" chunk-ext-name [ "=" ( token / quoted-string ) ] ). The "bad whitespace" that the RFC would have a
 * recipient tolerate here is refused, since other parsers do not tolerate it.
 */
const EXTENSION = /^(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"(?:[^"\\]|\\.)*"))?)+$/;

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer';

/** Sizes in bytes: of the decoded body, and of the trailer section. */
export interface ChunkedLimits {
  readonly maxBodyBytes: number;
  readonly maxTrailerBytes: number;
}

export class ChunkedDecoder implements BodyDecoder {
  dataStart = 0;
  position = 0;

  readonly #limits: ChunkedLimits;
  #state: State = 'size';
  #size = 0;
  #digits = 0;
  #bodyBytes = 0;
  #extension = '';
  #extensionBytes = 0;
  #trailer = '';

  constructor(limits: ChunkedLimits) {
    this.#limits = limits;
  }

  next(bytes: Uint8Array, from: number): BodyStep {
    for (let at = from; at < bytes.length; at += 1) {
      if (this.#state === 'data') return this.#takeData(bytes, at);
      const step = this.#take(bytes[at] ?? 0);
      if (step === undefined) continue;
      this.position = at + 1;
      return step;
    }
    this.position = bytes.length;
    return 'more';
  }

  #takeData(bytes: Uint8Array, at: number): BodyStep {
    this.dataStart = at;
    this.position = Math.min(bytes.length, at + this.#size);
    this.#size -= this.position - at;
    if (this.#size === 0) this.#state = 'data-cr';
    return 'data';
  }

  #take(code: number): BodyStep | undefined {
    switch (this.#state) {
      case 'size':
        return this.#takeSize(code);
      case 'extension':
        return this.#takeExtension(code);
      case 'size-lf':
        return code === LF ? this.#beginChunk() : 'malformed';
      case 'data-cr':
        return this.#expect(code === CR, 'data-lf');
      case 'data-lf':
        return this.#expect(code === LF, 'size');
      case 'trailer':
        return this.#takeTrailer(code);
      case 'data':
        break;
    }
    return undefined;
  }

  #expect(met: boolean, next: State): BodyStep | undefined {
    this.#state = next;
    return met ? undefined : 'malformed';
  }

  #takeSize(code: number): BodyStep | undefined {
    const digit = HEX_VALUE[code] ?? 255;
    if (digit !== 255) {
      this.#size = this.#size * 16 + digit;
      this.#digits += 1;
      // §7.1: recipients must anticipate large numerals and prevent errors from integer overflow.
      return this.#digits > MAX_SIZE_DIGITS || !Number.isSafeInteger(this.#size) ? 'malformed' : undefined;
    }
    if (this.#digits === 0) return 'malformed';
    if (code === CR) return this.#expect(true, 'size-lf');
    this.#state = 'extension';
    return code === SEMICOLON ? this.#takeExtension(code) : 'malformed';
  }

  #takeExtension(code: number): BodyStep | undefined {
    if (code === CR) {
      const valid = EXTENSION.test(this.#extension);
      this.#extension = '';
      return this.#expect(valid, 'size-lf');
    }
    this.#extension += String.fromCharCode(code);
    this.#extensionBytes += 1;
    const bounded =
      this.#extension.length <= MAX_EXTENSION_BYTES && this.#extensionBytes <= MAX_EXTENSION_BYTES_PER_BODY;
    return bounded && FIELD_CHAR[code] === 1 ? undefined : 'malformed';
  }

  #beginChunk(): BodyStep | undefined {
    this.#bodyBytes += this.#size;
    this.#digits = 0;
    this.#state = this.#size === 0 ? 'trailer' : 'data';
    return this.#bodyBytes > this.#limits.maxBodyBytes ? 'too_large' : undefined;
  }

  /** §7.1.2, RFC 9110 §6.5.1: trailers are dropped, as they may be; a malformed section is still refused. */
  #takeTrailer(code: number): BodyStep | undefined {
    this.#trailer += String.fromCharCode(code);
    if (code !== LF) return this.#trailer.length < this.#limits.maxTrailerBytes ? undefined : 'malformed';
    if (this.#trailer === '\r\n') return 'end';
    if (!this.#trailer.endsWith('\r\n')) return 'malformed';
    if (!this.#trailer.endsWith('\r\n\r\n')) return undefined;
    const range = { start: 0, end: this.#trailer.length - 2 };
    return parseFieldLines(toHeadText(this.#trailer), range, { take: () => undefined }) === undefined
      ? 'end'
      : 'malformed';
  }
}
