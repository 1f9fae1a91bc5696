/** The last steps of a process in Redis, to be made once more where Redis has forgotten them. RFC 9700 §4.14. */

/** More than a failover, or a crash between two flushes of an append-only file, takes away. */
const KEPT_MS = 60_000;
/** About 30 MB; of 40 refreshes a second. */
const MOST_STEPS = 10_000;

export class RedisJournal<Step> {
  #steps: { readonly step: Step; readonly atMs: number }[] = [];
  /** How many in front are given up. */
  #gone = 0;

  /** In the order in which they were made. */
  get steps(): readonly Step[] {
    return this.#steps.slice(this.#gone).map(({ step }) => step);
  }

  /** `nowMs`: of the monotonic clock. While Redis is away nothing is added, so nothing is given up. */
  add(step: Step, nowMs: number): void {
    this.#steps.push({ step, atMs: nowMs });
    while (this.#steps.length - this.#gone > MOST_STEPS || (this.#steps[this.#gone]?.atMs ?? nowMs) < nowMs - KEPT_MS) {
      this.#gone += 1;
    }
    if (2 * this.#gone < this.#steps.length) return;
    this.#steps = this.#steps.slice(this.#gone);
    this.#gone = 0;
  }
}
