/** Flows that are over although a browser may still carry them; the last ones, so that no flood takes room. RFC 9700 §4.7. */

const MOST_IN_A_GENERATION = 5_000;

/** Of this process. What was granted is known in the store too, to all. */
export class EndedFlows {
  #young = new Set<string>();
  #old: ReadonlySet<string> = new Set();

  has(flowId: string): boolean {
    return this.#young.has(flowId) || this.#old.has(flowId);
  }

  /** True for the first one. */
  end(flowId: string): boolean {
    if (this.has(flowId)) return false;
    if (this.#young.size >= MOST_IN_A_GENERATION) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(flowId);
    return true;
  }
}
