/** Time as an argument: the one file that reads the system clock. */

// The global itself is a getter, which costs more than the clock.
const { performance } = globalThis;

/** Where time comes from; tests pass their own. */
export interface Clock {
  /** Milliseconds since the epoch, for comparison with NumericDate claims. */
  nowMs(): number;
  /** Milliseconds on a clock that never jumps, for durations and deadlines; the same one in all threads of the process. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
