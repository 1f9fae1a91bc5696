/** How often requests may make Obex fetch an issuer's keys: at most five times in any minute. RFC 8725 §3.10. */

const FETCHES = 5;
const WINDOW_MS = 60_000;

/** A sliding window over the last fetches that requests caused, shared by all their causes. */
export class RefetchBudget {
  readonly #spentAtMs: number[] = [];

  /** Takes one fetch from the budget; false when it is used up. `nowMs` is monotonic. */
  spend(nowMs: number): boolean {
    const oldest = this.#spentAtMs[0];
    if (this.#spentAtMs.length >= FETCHES && oldest !== undefined) {
      if (nowMs - oldest < WINDOW_MS) return false;
      this.#spentAtMs.shift();
    }
    this.#spentAtMs.push(nowMs);
    return true;
  }
}
