/** When a peer asks and does not read: many answers wait, and it has not taken a byte of any for a while. RFC 9113 §5.2, §10.5. */

/** So many a peer may leave unread until the time for writing is over. */
const MAX_UNREAD = 16;

export class UnreadAnswers {
  #taken: number | undefined = undefined;
  #movedMs = 0;

  /**
   * To be asked again and again. `waiting` answers have bytes left; of all answers of the connection the peer has `taken`
   * so many bytes. True when there are many and nothing has moved for a quarter of the time that a single one is given.
   */
  areTooMany(waiting: number, taken: number, { nowMs, writeTimeoutMs }: { nowMs: number; writeTimeoutMs: number }) {
    if (waiting <= MAX_UNREAD || taken !== this.#taken) {
      this.#taken = taken;
      this.#movedMs = nowMs;
      return false;
    }
    return nowMs - this.#movedMs >= writeTimeoutMs / 4;
  }
}
