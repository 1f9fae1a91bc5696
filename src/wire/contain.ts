/** Where a bug ends: at the one connection whose callback threw. Nothing else of the process may notice. */

/** Who a callback belongs to. */
export interface Contained {
  /** A callback of it threw: ends its connection, so that whoever waits for it hears, and tells of the bug. Never throws. */
  onBug(error: unknown): void;
}

/** The listener `run`, with nothing getting out of it. */
export function contained<Args extends readonly unknown[]>(
  owner: Contained,
  run: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      run(...args);
    } catch (error) {
      owner.onBug(error);
    }
  };
}
