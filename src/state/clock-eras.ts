/** What jumps of the wall clock leave behind, so that no proof that was used becomes good again. RFC 9449 §11.1. */
import type { Log } from '../observe/log.ts';

/** The unit of all times here. Their number stays within 31 bits until the year 2106. */
export const SLICE_MS = 2_000;

/** Eras that are told apart. Beyond, the two that lie nearest to each other become one. */
const MAX_ERAS = 16;

// What stands where in the memory: three numbers, then the eras.
const VERSION = 0;
const CURRENT = 1;
const COUNT = 2;
const ERAS = 3;

// What stands where in an era. An expiry of 0 is none.
const OFFSET = 0;
const FIRST_EXPIRY = 1;
const LAST_EXPIRY = 2;
const ERA_CELLS = 3;

/** For how long a thread sleeps while another one turns the era; nobody wakes it. */
const NAP_MS = 1;

export function createErasMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer((ERAS + MAX_ERAS * ERA_CELLS) * Int32Array.BYTES_PER_ELEMENT);
}

export function sliceOf(timeMs: number): number {
  return Math.floor(timeMs / SLICE_MS);
}

/**
 * Proofs expire by the wall clock, which may jump; what was used is remembered by the monotonic clock. An era is the time in
 * which the two keep their distance. A jump begins another era, or goes on with an earlier one of the same distance. Of each
 * the eras know the range of the expiries that were used in it: a proof in such a range may have been used, and forgotten
 * since, although it is good again because the wall clock went back. All other proofs are remembered for as long as they
 * are good, so only these need to be refused.
 *
 * The memory is shared by threads. The version is odd while one of them turns the era; whatever was read and noted while it
 * stood at the same even number fits together.
 */
export class ClockEras {
  readonly #cells: Int32Array;
  readonly #log: Log;

  constructor(memory: SharedArrayBuffer, log: Log) {
    this.#cells = new Int32Array(memory);
    this.#log = log;
  }

  get version(): number {
    return Atomics.load(this.#cells, VERSION);
  }

  /** Goes to the era in which the clocks show these times; returns the version. */
  follow(nowMs: number, monotonicMs: number): number {
    const distance = (nowMs - monotonicMs) / SLICE_MS;
    for (;;) {
      const version = Atomics.load(this.#cells, VERSION);
      if (version % 2 !== 0) Atomics.wait(this.#cells, VERSION, version, NAP_MS);
      else if (Math.abs(distance - this.#read(this.#current, OFFSET)) < 1) return version;
      else this.#turn(version, Math.round(distance));
    }
  }

  /** The slice by the monotonic clock to whose end a use in this era is to be remembered, of a proof with this expiry. */
  lastSlice(expiry: number): number {
    return lastSlice(expiry, this.#read(this.#current, OFFSET));
  }

  /** That a proof is used in this era; to be told before the use can be found. */
  note(expiry: number): void {
    const era = this.#current;
    const first = this.#read(era, FIRST_EXPIRY);
    if (first === 0 || expiry < first) this.#widen(era, FIRST_EXPIRY, expiry);
    if (expiry > this.#read(era, LAST_EXPIRY)) this.#widen(era, LAST_EXPIRY, expiry);
  }

  /**
   * That this era has lasted until now, and that any proof that was good in it may have been used, by others as well. From
   * its use to its expiry is `spanMs` at most.
   */
  noteTime(monotonicMs: number, spanMs: number): void {
    if (Atomics.load(this.#cells, COUNT) === 0) return;
    const now = sliceOf(monotonicMs) + this.#read(this.#current, OFFSET);
    this.note(now - 1);
    this.note(now + 2 + sliceOf(spanMs));
  }

  /**
   * 0 when the use of a proof with this expiry would be remembered in the slice `now` (by the monotonic clock); else the
   * last expiry of which that cannot be said.
   */
  forgottenUntil(expiry: number, now: number): number {
    const count = Atomics.load(this.#cells, COUNT);
    // While there is one era only, nothing that it has forgotten is good.
    if (count === 1) return 0;
    let until = 0;
    for (let era = 0; era < count; era += 1) {
      const last = this.#read(era, LAST_EXPIRY);
      const isIn = expiry >= this.#read(era, FIRST_EXPIRY) && expiry <= last;
      if (isIn && now > lastSlice(expiry, this.#read(era, OFFSET))) until = Math.max(until, last);
    }
    return until;
  }

  get #current(): number {
    return Atomics.load(this.#cells, CURRENT);
  }

  #turn(version: number, offset: number): void {
    const cells = this.#cells;
    if (Atomics.compareExchange(cells, VERSION, version, version + 1) !== version) return;
    const isFirst = Atomics.load(cells, COUNT) === 0;
    const before = this.#read(this.#current, OFFSET);
    Atomics.store(cells, CURRENT, this.#enter(offset));
    Atomics.store(cells, VERSION, (version + 2) | 0);
    if (!isFirst) this.#log.warn('clock_jumped', { by_seconds: ((offset - before) * SLICE_MS) / 1000 });
  }

  /** The number of the era with this offset; one in which nothing was used may become it. */
  #enter(offset: number): number {
    const count = Atomics.load(this.#cells, COUNT);
    let era = 0;
    while (era < count && this.#read(era, OFFSET) !== offset && this.#read(era, LAST_EXPIRY) !== 0) era += 1;
    if (era === MAX_ERAS) era = this.#makeRoom();
    if (era === count) Atomics.store(this.#cells, COUNT, count + 1);
    Atomics.store(this.#cells, cellOf(era, OFFSET), offset);
    return era;
  }

  /** Makes one era of two, which has forgotten what either has; returns the number of the other. */
  #makeRoom(): number {
    let [kept, freed, smallest] = [0, 1, Number.POSITIVE_INFINITY];
    for (let one = 0; one < MAX_ERAS; one += 1) {
      for (let other = one + 1; other < MAX_ERAS; other += 1) {
        const { first, last } = this.#union(one, other);
        if (last - first < smallest) [kept, freed, smallest] = [one, other, last - first];
      }
    }
    const { first, last } = this.#union(kept, freed);
    const offset = Math.max(this.#read(kept, OFFSET), this.#read(freed, OFFSET));
    this.#write(kept, { offset, first, last });
    this.#write(freed, { offset: 0, first: 0, last: 0 });
    return freed;
  }

  #union(one: number, other: number): { readonly first: number; readonly last: number } {
    return {
      first: Math.min(this.#read(one, FIRST_EXPIRY), this.#read(other, FIRST_EXPIRY)),
      last: Math.max(this.#read(one, LAST_EXPIRY), this.#read(other, LAST_EXPIRY)),
    };
  }

  #read(era: number, what: number): number {
    return Atomics.load(this.#cells, cellOf(era, what));
  }

  #write(era: number, { offset, first, last }: { offset: number; first: number; last: number }): void {
    Atomics.store(this.#cells, cellOf(era, OFFSET), offset);
    Atomics.store(this.#cells, cellOf(era, FIRST_EXPIRY), first);
    Atomics.store(this.#cells, cellOf(era, LAST_EXPIRY), last);
  }

  #widen(era: number, what: number, expiry: number): void {
    const cell = cellOf(era, what);
    const isBeyond = (known: number): boolean =>
      what === LAST_EXPIRY ? expiry > known : known === 0 || expiry < known;
    let known = Atomics.load(this.#cells, cell);
    while (isBeyond(known)) {
      const found = Atomics.compareExchange(this.#cells, cell, known, expiry);
      if (found === known) return;
      known = found;
    }
  }
}

function cellOf(era: number, what: number): number {
  return ERAS + era * ERA_CELLS + what;
}

/** One more: within an era the distance of the clocks may be smaller than its offset, by less than a slice. */
function lastSlice(expiry: number, offset: number): number {
  return expiry - offset + 1;
}
