/** A turnstile between sender and receiver: the sender may go on only after the receiver has said so. */

export interface Turnstile {
  /** Resolves once `admit` has been called as often as `wait`. */
  wait(): Promise<void>;
  admit(): void;
}

/** Starts closed. One waiter at a time. */
export function createTurnstile(): Turnstile {
  let admitted = 0;
  let waiter: (() => void) | undefined;
  return {
    async wait() {
      if (admitted === 0) await new Promise<void>((resolve) => (waiter = resolve));
      waiter = undefined;
      admitted -= 1;
    },
    admit() {
      admitted += 1;
      waiter?.();
    },
  };
}
