/** Bodies in memory, from their first byte until a process has read them: bounded in all, and for one subject. */

/** One of four, so that no subject can keep all others out. */
const SHARE = 4;
/** So small a body always passes: whoever has more to say has to wait, and not for a ping. */
const SMALL_BYTES = 64 * 1024;

export class BodyBudget {
  readonly #max: number;
  readonly #heldBy = new Map<string, number>();
  #held = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get held(): number {
    return this.#held;
  }

  /** What is there already, and has to be counted; below zero: what is there no more. */
  hold(subjectKey: string, bytes: number): void {
    this.#held += bytes;
    const held = (this.#heldBy.get(subjectKey) ?? 0) + bytes;
    if (held === 0) this.#heldBy.delete(subjectKey);
    else this.#heldBy.set(subjectKey, held);
  }

  /** For a body that has `own` bytes already; one that is alone may have more than all together. */
  hasRoom(subjectKey: string, bytes: number, own: number): boolean {
    const held = this.#heldBy.get(subjectKey) ?? 0;
    return (
      own + bytes <= SMALL_BYTES ||
      ((held === own || held + bytes <= this.#max / SHARE) && (this.#held === own || this.#held + bytes <= this.#max))
    );
  }
}
