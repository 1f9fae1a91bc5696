/** A clock that stands still until the test moves it. */
import type { Clock } from '../../src/lib/clock.ts';

/** 2026-03-01T12:00:00Z, and a monotonic clock that has been running for a while. */
const START_MS = Date.UTC(2026, 2, 1, 12);
const START_MONOTONIC_MS = 1_000_000;

export class FakeClock implements Clock {
  #elapsedMs = 0;
  #fault: Error | undefined;

  nowMs(): number {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) throw fault;
    return START_MS + this.#elapsedMs;
  }

  monotonicMs(): number {
    return START_MONOTONIC_MS + this.#elapsedMs;
  }

  get nowSeconds(): number {
    return (START_MS + this.#elapsedMs) / 1000;
  }

  advance(ms: number): void {
    this.#elapsedMs += ms;
  }

  /** The next `nowMs` throws: a bug in the middle of a request, made to order. */
  failOnce(error: Error): void {
    this.#fault = error;
  }
}
