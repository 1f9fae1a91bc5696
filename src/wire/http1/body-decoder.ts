/** Finds the bytes of a body inside the bytes of a connection. RFC 9112 §6. */

/** `data`: the range `dataStart`–`position` of the bytes is body; `more`: all bytes are used; `end`: the body is complete. */
export type BodyStep = 'data' | 'more' | 'end' | 'malformed' | 'too_large';

/** Pulled until it says something other than `data`; holds no bytes. */
export interface BodyDecoder {
  readonly dataStart: number;
  /** Where to go on, or where the bytes behind the body begin. */
  readonly position: number;
  next(bytes: Uint8Array, from: number): BodyStep;
}

/** §6.2: a body of known length; `Infinity` = until the connection closes. */
export class LengthDecoder implements BodyDecoder {
  dataStart = 0;
  position = 0;
  #remaining: number;

  constructor(length: number) {
    this.#remaining = length;
  }

  get remaining(): number {
    return this.#remaining;
  }

  next(bytes: Uint8Array, from: number): BodyStep {
    this.dataStart = from;
    this.position = Math.min(bytes.length, from + this.#remaining);
    if (this.#remaining === 0) return 'end';
    if (this.position === from) return 'more';
    this.#remaining -= this.position - from;
    return 'data';
  }
}
