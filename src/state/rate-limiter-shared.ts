/** Rate limits that all threads of the process count together, to the request. RFC 6585 §4. */
import { hash, randomBytes } from 'node:crypto';
import { type Bucket, BucketRule, type Limit, type RateLimiter } from './rate-limiter.ts';

/** What the threads share; plain data that `postMessage` and `workerData` pass on. */
export interface RateLimitMemory {
  readonly limit: Limit;
  /** Keys the fingerprints, so that nobody can choose addresses or subjects that meet in one bucket or one set. */
  readonly secret: string;
  readonly locks: SharedArrayBuffer;
  readonly fingerprints: SharedArrayBuffer;
  readonly buckets: SharedArrayBuffer;
}

/** Two hundred and fifty thousand buckets: 100,000 keys find room in their sets but for fewer than one in a thousand. */
const SETS = 16_384;
const SET_SIZE = 16;
/** Behind all sets: the one bucket for keys that find no room. */
const OVERFLOW = SETS * SET_SIZE;

const UNLOCKED = 0;
const LOCKED = 1;
/** Looks at a lock before a thread goes to sleep over it. */
const SPINS = 100;
/** A thread that let go of a lock wakes nobody, so sleepers look again. */
const NAP_MS = 1;

/** Makes the memory of one limiter, 6 MB: zeroed pages, which the kernel hands out as they are written to. */
export function createRateLimitMemory(limit: Limit): RateLimitMemory {
  return {
    limit,
    secret: randomBytes(32).toString('hex'),
    locks: new SharedArrayBuffer((SETS + 1) * Int32Array.BYTES_PER_ELEMENT),
    fingerprints: new SharedArrayBuffer(2 * SETS * SET_SIZE * Int32Array.BYTES_PER_ELEMENT),
    buckets: new SharedArrayBuffer(2 * (OVERFLOW + 1) * Float64Array.BYTES_PER_ELEMENT),
  };
}

/** Where a key belongs. */
interface Place {
  readonly set: number;
  readonly high: number;
  readonly low: number;
}

/**
 * A table of sets of 16 buckets. A key has one set, and in it the bucket that bears its fingerprint of 64 bits. A bucket that
 * has filled up again is free: forgetting it changes nothing. Each set has a lock, held for the few hundred nanoseconds of
 * one charge and by nobody across a wait; a thread that dies takes the process with it, so no lock outlives its holder.
 */
export class SharedRateLimiter implements RateLimiter {
  readonly #memory: RateLimitMemory;
  readonly #rule: BucketRule;
  readonly #locks: Int32Array;
  readonly #fingerprints: Int32Array;
  readonly #buckets: Float64Array;
  /** The bucket at hand, so that a charge allocates nothing. */
  readonly #bucket: Bucket = { allowance: 0, updatedAtMs: 0 };

  constructor(memory: RateLimitMemory) {
    this.#memory = memory;
    this.#rule = new BucketRule(memory.limit);
    this.#locks = new Int32Array(memory.locks);
    this.#fingerprints = new Int32Array(memory.fingerprints);
    this.#buckets = new Float64Array(memory.buckets);
  }

  charge(key: string, nowMs: number): number {
    const place = this.#locate(key);
    this.#lock(place.set);
    const slot = this.#find(place) ?? this.#claim(place, nowMs);
    const waitMs = slot === undefined ? undefined : this.#chargeSlot(slot, nowMs);
    this.#unlock(place.set);
    return waitMs ?? this.#chargeOverflow(nowMs);
  }

  refund(key: string): void {
    const place = this.#locate(key);
    this.#lock(place.set);
    const slot = this.#find(place);
    if (slot !== undefined) {
      this.#rule.refund(this.#load(slot));
      this.#store(slot);
    }
    this.#unlock(place.set);
  }

  #chargeSlot(slot: number, nowMs: number): number {
    const waitMs = this.#rule.charge(this.#load(slot), nowMs);
    this.#store(slot);
    return waitMs;
  }

  #chargeOverflow(nowMs: number): number {
    this.#lock(SETS);
    const waitMs = this.#chargeSlot(OVERFLOW, nowMs);
    this.#unlock(SETS);
    return waitMs;
  }

  /** A fingerprint of zeros means a bucket that was never used, so none is. */
  #locate(key: string): Place {
    // As a string of one character for each byte: half the price of a Buffer.
    const digest = hash('sha256', this.#memory.secret + key, 'latin1');
    return { set: readInt32(digest, 0) & (SETS - 1), high: readInt32(digest, 4) | 1, low: readInt32(digest, 8) };
  }

  #find({ set, high, low }: Place): number | undefined {
    for (let slot = set * SET_SIZE; slot < (set + 1) * SET_SIZE; slot += 1) {
      if (this.#fingerprints[2 * slot] === high && this.#fingerprints[2 * slot + 1] === low) return slot;
    }
    return undefined;
  }

  /** Takes a free bucket of the set for a key that has none. */
  #claim({ set, high, low }: Place, nowMs: number): number | undefined {
    for (let slot = set * SET_SIZE; slot < (set + 1) * SET_SIZE; slot += 1) {
      const bucket = this.#load(slot);
      const isUnused = this.#fingerprints[2 * slot] === 0;
      if (!isUnused && this.#rule.allowanceAt(bucket, nowMs) < this.#rule.burst) continue;
      this.#fingerprints[2 * slot] = high;
      this.#fingerprints[2 * slot + 1] = low;
      bucket.allowance = this.#rule.burst;
      bucket.updatedAtMs = nowMs;
      this.#store(slot);
      return slot;
    }
    return undefined;
  }

  #load(slot: number): Bucket {
    this.#bucket.allowance = this.#buckets[2 * slot] ?? 0;
    this.#bucket.updatedAtMs = this.#buckets[2 * slot + 1] ?? 0;
    return this.#bucket;
  }

  #store(slot: number): void {
    this.#buckets[2 * slot] = this.#bucket.allowance;
    this.#buckets[2 * slot + 1] = this.#bucket.updatedAtMs;
  }

  #lock(set: number): void {
    for (let spins = 0; Atomics.compareExchange(this.#locks, set, UNLOCKED, LOCKED) !== UNLOCKED; spins += 1) {
      // The holder has lost its core; give it this one.
      if (spins >= SPINS) Atomics.wait(this.#locks, set, LOCKED, NAP_MS);
    }
  }

  #unlock(set: number): void {
    Atomics.store(this.#locks, set, UNLOCKED);
  }
}

function readInt32(bytes: string, at: number): number {
  let value = 0;
  for (let index = at; index < at + 4; index += 1) value = (value << 8) | bytes.charCodeAt(index);
  return value;
}
