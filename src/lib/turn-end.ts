/** The end of a turn of the event loop: for work that costs less when that of many requests is done in one go. */

let ending: Promise<void> | undefined;

/**
 * Resolves when the events that have come so far have been dealt with, for all who asked in this turn one after the other.
 * Signatures wait for it: OpenSSL's code and tables then stay in the processor's caches from one to the next.
 */
export function turnEnd(): Promise<void> {
  ending ??= new Promise((resolve) => {
    setImmediate(() => {
      ending = undefined;
      resolve();
    });
  });
  return ending;
}
