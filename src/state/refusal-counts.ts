/** How often the same refusal came within a minute, counted by all threads of the process together. RFC 6585 §4. */
import { createSetsMemory, type Place, SET_SIZE, type SetsMemory, SharedSets } from './shared-sets.ts';

/** What the threads share; plain data that `workerData` passes on. */
export interface RefusalMemory {
  readonly sets: SetsMemory;
  readonly cells: SharedArrayBuffer;
}

export interface CountedRefusal {
  /** 0, or the milliseconds until the window has room again. */
  readonly waitMs: number;
  /** When the loop is to be told of, which is once in a window: its refusals since it was last; else 0. */
  readonly toTell: number;
}

/** Refusals in any window that are none too many. */
const MOST = 30;
const WINDOW_MS = 60_000;

/** 8,192 keys; fewer than one in a thousand of the first 4,000 meets a full set. */
const SETS = 512;

// What stands where in the cells of a key: when each of its last refusals leaves the window, in a ring; whose turn
// it is in the ring; refusals that no event has told of, when the next event may, and when the loop is over if no more come.
const NEXT = MOST;
const UNTOLD = MOST + 1;
const QUIET_UNTIL = MOST + 2;
const OVER_AT = MOST + 3;
const STRIDE = MOST + 4;

/** 2.3 MB: zeroed pages, which the kernel hands out as they are written to. */
export function createRefusalMemory(sets = SETS): RefusalMemory {
  const cells = new SharedArrayBuffer(sets * SET_SIZE * STRIDE * Float64Array.BYTES_PER_ELEMENT);
  return { sets: createSetsMemory(sets), cells };
}

/**
 * The times of the last 30 refusals of each key, so that no minute holds more, whatever moment it begins at. Refusals beyond
 * are not counted: they would keep a patient client out as long as an impatient one. In a full set the key with the fewest
 * refusals makes room, of several the one that was refused longest ago: names that are made up, one a refusal, push out
 * each other, and never one that comes again.
 */
export class RefusalCounts {
  readonly #sets: SharedSets;
  readonly #cells: Float64Array;

  constructor(memory: RefusalMemory) {
    this.#sets = new SharedSets(memory.sets);
    this.#cells = new Float64Array(memory.cells);
  }

  /** `nowMs` is monotonic. */
  count(key: string, nowMs: number): CountedRefusal {
    const place = this.#sets.locate(key);
    this.#sets.lock(place.set);
    const counted = this.#countSlot(this.#sets.find(place) ?? this.#claim(place, nowMs), nowMs);
    this.#sets.unlock(place.set);
    return counted;
  }

  #countSlot(slot: number, nowMs: number): CountedRefusal {
    const first = slot * STRIDE;
    const untold = 1 + (this.#read(first + OVER_AT) > nowMs ? this.#read(first + UNTOLD) : 0);
    this.#write(first + UNTOLD, untold);
    this.#write(first + OVER_AT, nowMs + WINDOW_MS);
    const next = this.#read(first + NEXT);
    const waitMs = Math.max(0, this.#read(first + next) - nowMs);
    if (waitMs === 0) {
      this.#write(first + next, nowMs + WINDOW_MS);
      this.#write(first + NEXT, (next + 1) % MOST);
      return { waitMs, toTell: 0 };
    }
    if (nowMs < this.#read(first + QUIET_UNTIL)) return { waitMs, toTell: 0 };
    this.#write(first + UNTOLD, 0);
    this.#write(first + QUIET_UNTIL, nowMs + WINDOW_MS);
    return { waitMs, toTell: untold };
  }

  /** A slot of the set for a key that has none. */
  #claim(place: Place, nowMs: number): number {
    const first = place.set * SET_SIZE;
    let slot = first;
    for (let candidate = first + 1; candidate < first + SET_SIZE; candidate += 1) {
      const difference = this.#live(candidate, nowMs) - this.#live(slot, nowMs);
      if (difference < 0 || (difference === 0 && this.#newest(candidate) < this.#newest(slot))) slot = candidate;
    }
    this.#sets.take(place, slot);
    this.#cells.fill(0, slot * STRIDE, (slot + 1) * STRIDE);
    return slot;
  }

  /** Refusals that are still in the window. */
  #live(slot: number, nowMs: number): number {
    let live = 0;
    for (let cell = slot * STRIDE; cell < slot * STRIDE + MOST; cell += 1) if (this.#read(cell) > nowMs) live += 1;
    return live;
  }

  /** When the last refusal leaves the window; 0 = there was none. */
  #newest(slot: number): number {
    const first = slot * STRIDE;
    return this.#read(first + ((this.#read(first + NEXT) + MOST - 1) % MOST));
  }

  #read(cell: number): number {
    return this.#cells[cell] ?? 0;
  }

  #write(cell: number, value: number): void {
    this.#cells[cell] = value;
  }
}
