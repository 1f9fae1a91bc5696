/** Rate limits that all threads of the process count together, to the request. RFC 6585 §4. */
import { type Bucket, BucketRule, type Limit, type RateLimiter } from './rate-limiter.ts';
import {
  countSlots,
  createSetsMemory,
  type Place,
  SET_SIZE,
  type SetsMemory,
  SharedSets,
  setOf,
} from './shared-sets.ts';

/** What the threads share; plain data that `postMessage` and `workerData` pass on. */
export interface RateLimitMemory {
  readonly limit: Limit;
  readonly sets: SetsMemory;
  readonly buckets: SharedArrayBuffer;
}

/** Two hundred and fifty thousand buckets: 100,000 keys find room in their sets but for fewer than one in a thousand. */
const SETS = 16_384;

/** Makes the memory of one limiter, 6 MB: zeroed pages, which the kernel hands out as they are written to. */
export function createRateLimitMemory(limit: Limit): RateLimitMemory {
  const buckets = new SharedArrayBuffer(2 * countSlots(SETS) * Float64Array.BYTES_PER_ELEMENT);
  return { limit, sets: createSetsMemory(SETS), buckets };
}

/** A bucket for each key. A bucket that has filled up again is free: forgetting it changes nothing. */
export class SharedRateLimiter implements RateLimiter {
  readonly #sets: SharedSets;
  readonly #rule: BucketRule;
  readonly #buckets: Float64Array;
  /** The bucket at hand, so that a charge allocates nothing. */
  readonly #bucket: Bucket = { allowance: 0, updatedAtMs: 0 };

  constructor(memory: RateLimitMemory) {
    this.#sets = new SharedSets(memory.sets);
    this.#rule = new BucketRule(memory.limit);
    this.#buckets = new Float64Array(memory.buckets);
  }

  charge(key: string, nowMs: number): number {
    const place = this.#sets.locate(key);
    this.#sets.lock(place.set);
    const slot = this.#sets.find(place) ?? this.#claim(place, nowMs);
    const waitMs = slot === undefined ? undefined : this.#chargeSlot(slot, nowMs);
    this.#sets.unlock(place.set);
    return waitMs ?? this.#chargeOverflow(nowMs);
  }

  look(key: string, nowMs: number): number {
    const place = this.#sets.locate(key);
    this.#sets.lock(place.set);
    const slot = this.#sets.find(place);
    const hasRoom = slot !== undefined || this.#findFree(place.set, nowMs) !== undefined;
    const waitMs = slot === undefined ? 0 : this.#rule.look(this.#load(slot), nowMs);
    this.#sets.unlock(place.set);
    return hasRoom ? waitMs : this.#lookAtOverflow(nowMs);
  }

  refund(key: string): void {
    const place = this.#sets.locate(key);
    this.#sets.lock(place.set);
    const slot = this.#sets.find(place);
    if (slot !== undefined) {
      this.#rule.refund(this.#load(slot));
      this.#store(slot);
    }
    this.#sets.unlock(place.set);
  }

  #chargeSlot(slot: number, nowMs: number): number {
    const waitMs = this.#rule.charge(this.#load(slot), nowMs);
    this.#store(slot);
    return waitMs;
  }

  #chargeOverflow(nowMs: number): number {
    const { overflow } = this.#sets;
    const set = setOf(overflow);
    this.#sets.lock(set);
    const waitMs = this.#chargeSlot(overflow, nowMs);
    this.#sets.unlock(set);
    return waitMs;
  }

  #lookAtOverflow(nowMs: number): number {
    const { overflow } = this.#sets;
    const set = setOf(overflow);
    this.#sets.lock(set);
    const waitMs = this.#rule.look(this.#load(overflow), nowMs);
    this.#sets.unlock(set);
    return waitMs;
  }

  /** Takes a free bucket of the set for a key that has none. */
  #claim(place: Place, nowMs: number): number | undefined {
    const slot = this.#findFree(place.set, nowMs);
    if (slot === undefined) return undefined;
    this.#sets.take(place, slot);
    this.#bucket.allowance = this.#rule.burst;
    this.#bucket.updatedAtMs = nowMs;
    this.#store(slot);
    return slot;
  }

  #findFree(set: number, nowMs: number): number | undefined {
    for (let slot = set * SET_SIZE; slot < (set + 1) * SET_SIZE; slot += 1) {
      const isFull = this.#rule.allowanceAt(this.#load(slot), nowMs) >= this.#rule.burst;
      if (isFull || this.#sets.isUnused(slot)) return slot;
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
}
