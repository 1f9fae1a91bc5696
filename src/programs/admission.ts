/** How many processes a server may have, in all and for one subject; its own that has been idle longest makes room. */
import type { ProgramEndReason } from '../observe/program-metrics.ts';
import type { ProgramIdentity } from './identity.ts';
import type { Program } from './program.ts';

/** A session, or what several requests share. */
export interface Occupant {
  readonly identity: ProgramIdentity;
  readonly program: Program;
  readonly isBusy: boolean;
  end(reason: ProgramEndReason): void;
  closeStreams(): void;
}

/** One of four, so that no subject can keep all others out. */
const SHARE = 4;

export interface Applicant<T extends Occupant> {
  /** Asked first, and again whenever there is room. */
  find(): T | undefined;
  /** Whether its client is still there. */
  isWanted(): boolean;
  create(): T;
}

export class Admission {
  #max: number;
  readonly #occupants = new Map<Program, Occupant>();
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(max: number) {
    this.#max = max;
  }

  set max(max: number) {
    this.#max = max;
  }

  get occupants(): readonly Occupant[] {
    return [...this.#occupants.values()];
  }

  /** Undefined when there is no room, and none can be made, or when nobody wants it any more. */
  async admit<T extends Occupant>(
    { subjectKey }: ProgramIdentity,
    { find, isWanted, create }: Applicant<T>,
  ): Promise<T | undefined> {
    for (;;) {
      const found = find();
      if (found !== undefined || this.#isClosed || !isWanted()) return found;
      const own = this.occupants.filter(({ identity }) => identity.subjectKey === subjectKey);
      if (this.#occupants.size < this.#max && own.length < Math.max(1, Math.floor(this.#max / SHARE))) {
        const occupant = create();
        this.#occupants.set(occupant.program, occupant);
        return occupant;
      }
      if (!own.some(({ program }) => program.isEnding) && !this.#evict(own)) return undefined;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Nobody is admitted any more. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** None of its group is left. */
  leave(program: Program): void {
    this.#occupants.delete(program);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #evict(own: readonly Occupant[]): boolean {
    const idle = own.filter(({ isBusy }) => !isBusy);
    const [longest] = idle.toSorted((a, b) => a.program.lastMessageMs - b.program.lastMessageMs);
    longest?.end('evicted');
    return longest !== undefined;
  }
}
