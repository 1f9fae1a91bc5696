/** Back pressure from clients to one program: what waits for clients that read slowly is bounded, then the program has to wait. */

/** Enough that a client may read its answers in any order, as long as they are of common size. */
const MAX_WAITING_BYTES = 1024 * 1024;

export class Flow {
  readonly #set: (isFlowing: boolean) => void;
  #waiting = 0;
  #isStopped = false;
  #isOpen = false;

  /** `set` pauses and resumes what the program writes. */
  constructor(set: (isFlowing: boolean) => void) {
    this.#set = set;
  }

  /** So many bytes more (or, below zero, fewer) wait for a client. */
  add(bytes: number): void {
    this.#waiting += bytes;
    if (this.#isOpen) return;
    const isTooMuch = this.#waiting > MAX_WAITING_BYTES;
    if (isTooMuch === this.#isStopped) return;
    this.#isStopped = isTooMuch;
    this.#set(!isTooMuch);
  }

  /** For good: the program has ended, and what is left of it is little. */
  open(): void {
    this.#isOpen = true;
    this.#set(true);
  }
}
