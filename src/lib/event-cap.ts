/** A cap on what a peer may do for nothing, such as resetting streams. RFC 9113 §10.5, CVE-2023-44487. */

export class EventCap {
  readonly #max: number;
  readonly #periodMs: number;
  #count = 0;
  #periodEndsMs = 0;

  /** At most `max` events in `periodMs`, counted anew when a period has passed. */
  constructor(max: number, periodMs: number) {
    this.#max = max;
    this.#periodMs = periodMs;
  }

  /** Counts one event; true when it is one too many. */
  isExceeded(nowMs: number): boolean {
    if (nowMs >= this.#periodEndsMs) {
      this.#periodEndsMs = nowMs + this.#periodMs;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count > this.#max;
  }
}
