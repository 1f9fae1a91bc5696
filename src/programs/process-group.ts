/** A program with all that it has started: a group of its own, ended as a whole. setpgid(2), kill(2). */

import { signalGroup } from '../lib/signal-group.ts';

/** How long a program may take to end once its standard input is closed, before it is told to. */
const BEFORE_TERM_MS = 1_000;
/** From then on nobody asks. */
const BEFORE_KILL_MS = 5_000;
/** Nobody tells when the last of a group has gone. */
const LOOK_MS = 25;

/** Ends a group: SIGTERM after a moment, SIGKILL after five seconds. */
export class ProcessGroup {
  readonly pgid: number;
  readonly #onGone: () => void;
  #timers: NodeJS.Timeout[] = [];
  #look: NodeJS.Timeout | undefined;
  #isTold = false;
  #isKilled = false;
  #isWithoutLeader = false;
  #isGone = false;

  /** `onGone` is called once, when its leader is gone, and none of the others is left or SIGKILL is on its way to them. */
  constructor(pgid: number, onGone: () => void) {
    this.pgid = pgid;
    this.#onGone = onGone;
  }

  /** Its leader has been asked to end. */
  beginEnd(): void {
    if (this.#timers.length > 0 || this.#isGone) return;
    this.#timers = [setTimeout(() => this.#tell(), BEFORE_TERM_MS), setTimeout(() => this.#kill(), BEFORE_KILL_MS)];
  }

  /** Who is left behind is told at once: while there is somebody the number means no other group. */
  onLeaderExit(): void {
    this.#isWithoutLeader = true;
    if (this.#isKilled) return this.#finish();
    this.beginEnd();
    if (!this.#isTold) this.#tell();
    this.#lookAround();
    if (!this.#isGone) this.#look = setInterval(() => this.#lookAround(), LOOK_MS);
  }

  #tell(): void {
    this.#isTold = true;
    signalGroup(this.pgid, 'SIGTERM');
  }

  #kill(): void {
    this.#isKilled = true;
    signalGroup(this.pgid, 'SIGKILL');
    if (this.#isWithoutLeader) this.#finish();
  }

  #lookAround(): void {
    if (!signalGroup(this.pgid, 0)) this.#finish();
  }

  #finish(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearInterval(this.#look);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#onGone();
  }
}
