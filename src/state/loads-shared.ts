/** What each principal has under way, counted by all threads of the process together. RFC 6585 §4. */
import type { Load, Loads } from '../lib/loads.ts';
import {
  countSlots,
  createSetsMemory,
  type Place,
  SET_SIZE,
  type SetsMemory,
  SharedSets,
  setOf,
} from './shared-sets.ts';

/** What the threads share; plain data that `workerData` passes on. */
export interface LoadMemory {
  readonly sets: SetsMemory;
  readonly counts: SharedArrayBuffer;
}

/** 260,000 principals with something under way at once: twenty-six times what `backend.max_requests` lets in by default. */
const SETS = 16_384;

// What stands where in the counts of a slot. A stream is a request too.
const REQUESTS = 0;
const STREAMS = 1;

/** 4 MB: zeroed pages, which the kernel hands out as they are written to. */
export function createLoadMemory(sets = SETS): LoadMemory {
  const counts = new SharedArrayBuffer(2 * countSlots(sets) * Int32Array.BYTES_PER_ELEMENT);
  return { sets: createSetsMemory(sets), counts };
}

/**
 * A slot for each principal that has something under way; a slot with nothing under way is free. Whoever finds no room in its
 * set counts in one slot with all others who find none, and under the same limit: nobody goes unbounded, and a slot is given
 * back by its number, so that nothing stays counted.
 */
export class SharedLoads implements Loads {
  readonly #sets: SharedSets;
  /** Requests and streams of each slot. */
  readonly #counts: Int32Array;

  constructor(memory: LoadMemory) {
    this.#sets = new SharedSets(memory.sets);
    this.#counts = new Int32Array(memory.counts);
  }

  begin(key: string, most: number): Load | undefined {
    const place = this.#sets.locate(key);
    this.#sets.lock(place.set);
    const slot = this.#sets.find(place) ?? this.#claim(place);
    const isCounted = slot !== undefined && this.#add(2 * slot + REQUESTS, most);
    this.#sets.unlock(place.set);
    if (slot !== undefined) return isCounted ? new SlotLoad(this, slot) : undefined;
    const { overflow } = this.#sets;
    return this.addTo(overflow, REQUESTS, most) ? new SlotLoad(this, overflow) : undefined;
  }

  /** One more in a count of a slot; false when it is at `most`. */
  addTo(slot: number, count: typeof REQUESTS | typeof STREAMS, most: number): boolean {
    this.#sets.lock(setOf(slot));
    const isAdded = this.#add(2 * slot + count, most);
    this.#sets.unlock(setOf(slot));
    return isAdded;
  }

  removeFrom(slot: number, count: typeof REQUESTS | typeof STREAMS): void {
    this.#sets.lock(setOf(slot));
    const cell = 2 * slot + count;
    this.#counts[cell] = (this.#counts[cell] ?? 0) - 1;
    this.#sets.unlock(setOf(slot));
  }

  /** Takes a free slot of the set for a key that has none. */
  #claim(place: Place): number | undefined {
    const first = place.set * SET_SIZE;
    for (let slot = first; slot < first + SET_SIZE; slot += 1) {
      if (this.#counts[2 * slot + REQUESTS] !== 0) continue;
      this.#sets.take(place, slot);
      return slot;
    }
    return undefined;
  }

  #add(cell: number, most: number): boolean {
    const count = this.#counts[cell] ?? 0;
    if (count >= most) return false;
    this.#counts[cell] = count + 1;
    return true;
  }
}

class SlotLoad implements Load {
  readonly #loads: SharedLoads;
  readonly #slot: number;

  constructor(loads: SharedLoads, slot: number) {
    this.#loads = loads;
    this.#slot = slot;
  }

  addStream(most: number): boolean {
    return this.#loads.addTo(this.#slot, STREAMS, most);
  }

  removeStream(): void {
    this.#loads.removeFrom(this.#slot, STREAMS);
  }

  end(): void {
    this.#loads.removeFrom(this.#slot, REQUESTS);
  }
}
