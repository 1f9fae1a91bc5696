/** Clocks that stand still until the test moves them, for all threads at once. */
import type { Clock } from '../../src/lib/clock.ts';

/** 2026-03-01T12:00:00Z, and a monotonic clock that has been running for a while. */
const START_MS = Date.UTC(2026, 2, 1, 12);
const START_MONOTONIC_MS = 1_000_000;

/** What `failNextReading` makes a reading throw. */
export const CLOCK_FAULT = 'a detail of the implementation';

export class FakeClock implements Clock {
  /** What the clocks of several threads have in common. */
  readonly memory: SharedArrayBuffer;
  readonly #elapsedMs: Float64Array;
  /** How far the wall clock has jumped. */
  readonly #jumpedMs: Float64Array;
  readonly #faults: Int32Array;

  constructor(memory = new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#elapsedMs = new Float64Array(memory, 0, 1);
    this.#faults = new Int32Array(memory, Float64Array.BYTES_PER_ELEMENT, 1);
    this.#jumpedMs = new Float64Array(memory, 2 * Float64Array.BYTES_PER_ELEMENT, 1);
  }

  nowMs(): number {
    if (Atomics.exchange(this.#faults, 0, 0) > 0) throw new Error(CLOCK_FAULT);
    return this.#wallMs;
  }

  monotonicMs(): number {
    return START_MONOTONIC_MS + this.#elapsed;
  }

  get nowSeconds(): number {
    return this.#wallMs / 1000;
  }

  advance(ms: number): void {
    this.#elapsedMs[0] = this.#elapsed + ms;
  }

  /** Sets the wall clock forward, or back; the monotonic one takes no notice. */
  jump(ms: number): void {
    this.#jumpedMs[0] = (this.#jumpedMs[0] ?? 0) + ms;
  }

  /** The next `nowMs` throws: a bug in the middle of a request, made to order. */
  failNextReading(): void {
    Atomics.store(this.#faults, 0, 1);
  }

  get #wallMs(): number {
    return START_MS + this.#elapsed + (this.#jumpedMs[0] ?? 0);
  }

  get #elapsed(): number {
    return this.#elapsedMs[0] ?? 0;
  }
}
