/** A table that all threads of the process share: sets of slots that keys find by a fingerprint, a lock for each set. */

import { hash, randomBytes } from 'node:crypto';
import { readInt32 } from '../lib/digest-words.ts';

/** What the threads share; plain data that `postMessage` and `workerData` pass on. */
export interface SetsMemory {
  /** A power of two. */
  readonly sets: number;
  /** Keys the fingerprints, so that nobody can choose names that meet in one slot or one set. */
  readonly secret: string;
  readonly locks: SharedArrayBuffer;
  readonly fingerprints: SharedArrayBuffer;
}

export const SET_SIZE = 16;

const UNLOCKED = 0;
const LOCKED = 1;
/** Looks at a lock before a thread goes to sleep over it. */
const SPINS = 100;
/** A thread that let go of a lock wakes nobody, so sleepers look again. */
const NAP_MS = 1;

/** Zeroed pages, which the kernel hands out as they are written to. */
export function createSetsMemory(sets: number): SetsMemory {
  return {
    sets,
    secret: randomBytes(32).toString('hex'),
    locks: new SharedArrayBuffer((sets + 1) * Int32Array.BYTES_PER_ELEMENT),
    fingerprints: new SharedArrayBuffer(2 * sets * SET_SIZE * Int32Array.BYTES_PER_ELEMENT),
  };
}

/** Slots that a table of so many sets numbers, that for those who find no room included. */
export function countSlots(sets: number): number {
  return sets * SET_SIZE + 1;
}

/** Where a key belongs. */
export interface Place {
  readonly set: number;
  readonly high: number;
  readonly low: number;
}

/**
 * Where the slots of keys are; what they hold is the user's. A key has one set, and in it the slot that bears its fingerprint
 * of 64 bits. A set's lock is held for the few hundred nanoseconds of one operation and by nobody across a wait; a thread that
 * dies takes the process with it, so no lock outlives its holder.
 */
export class SharedSets {
  /** Behind all sets: the one slot for keys that find no room. */
  readonly overflow: number;
  readonly #memory: SetsMemory;
  readonly #locks: Int32Array;
  readonly #fingerprints: Int32Array;

  constructor(memory: SetsMemory) {
    this.overflow = memory.sets * SET_SIZE;
    this.#memory = memory;
    this.#locks = new Int32Array(memory.locks);
    this.#fingerprints = new Int32Array(memory.fingerprints);
  }

  /** A fingerprint of zeros means a slot that was never used, so none is. */
  locate(key: string): Place {
    // As a string of one character for each byte: half the price of a Buffer.
    const digest = hash('sha256', this.#memory.secret + key, 'latin1');
    const set = readInt32(digest, 0) & (this.#memory.sets - 1);
    return { set, high: readInt32(digest, 4) | 1, low: readInt32(digest, 8) };
  }

  /** The slot that bears the key's fingerprint. This and what follows: while the set is locked. */
  find({ set, high, low }: Place): number | undefined {
    for (let slot = set * SET_SIZE; slot < (set + 1) * SET_SIZE; slot += 1) {
      if (this.#fingerprints[2 * slot] === high && this.#fingerprints[2 * slot + 1] === low) return slot;
    }
    return undefined;
  }

  /** True of a slot that has never been taken. */
  isUnused(slot: number): boolean {
    return this.#fingerprints[2 * slot] === 0;
  }

  /** Makes a slot of the key's set the key's. */
  take({ high, low }: Place, slot: number): void {
    this.#fingerprints[2 * slot] = high;
    this.#fingerprints[2 * slot + 1] = low;
  }

  lock(set: number): void {
    for (let spins = 0; Atomics.compareExchange(this.#locks, set, UNLOCKED, LOCKED) !== UNLOCKED; spins += 1) {
      // The holder has lost its core; give it this one.
      if (spins >= SPINS) Atomics.wait(this.#locks, set, LOCKED, NAP_MS);
    }
  }

  unlock(set: number): void {
    Atomics.store(this.#locks, set, UNLOCKED);
  }
}

/** The set of a slot; the overflow slot has a set, and a lock, of its own. */
export function setOf(slot: number): number {
  return Math.floor(slot / SET_SIZE);
}
