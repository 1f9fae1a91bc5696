/** Replay cache in memory that all threads of the process share, exact without a lock. RFC 9449 §11.1. */
import { hash, randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { readInt32 } from '../lib/digest-words.ts';
import type { Log } from '../observe/log.ts';
import { ClockEras, createErasMemory, sliceOf } from './clock-eras.ts';
import { type ClaimOutcome, type ProofTimes, type ReplayCache, ReplayCacheUnavailable } from './replay-cache.ts';
import { UnsettledAnnouncement, unsettledUntilMs, WENT_BACK } from './unsettled-announcement.ts';

/** What the threads share; plain data that `postMessage` and `workerData` pass on. */
export interface ReplayMemory {
  /** Entries that may live at once; a claim beyond is `full`. */
  readonly maxEntries: number;
  /** Keys the fingerprints, so that nobody can make two proofs collide on purpose. */
  readonly secret: string;
  readonly counters: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  /** Of `ClockEras`. */
  readonly eras: SharedArrayBuffer;
}

export interface MemoryReplayCacheOptions extends ProofTimes {
  readonly clock: Clock;
  readonly log: Log;
}

/** Slices that can have live entries: more than two hours, beyond any proof lifetime and skew that can be configured. */
const RING = 4096;
const SLOTS_PER_BUCKET = 16;
const SMALLEST_LEVEL_SLOTS = 4096;
/** Slots for each entry: enough that a key finds room in one of its buckets until `maxEntries` are there. */
const SPARE = 1.5;

// What stands where in `counters`: the latest slice by the monotonic clock that any thread has seen, the entries that live, and those by slice.
const NOW = 0;
const LIVE = 1;
const BY_SLICE = 2;

// The high half of a slot: 20 bits of the last slice in which the entry lives, 12 bits of fingerprint, neither 0 (never used)
// nor all ones (blotted out).
const FINGERPRINT_BITS = 12;
const FINGERPRINT_MASK = 0xfff;
const BLOT = 0xfff;
const SLICE_MASK = 0xf_ffff;

/** What a look at a key's slots ends in, where it is not the number of the first free one. */
const REPLAYED = -1;
const FULL = -2;

/** Makes the memory of one cache: zeroed pages, which the kernel hands out as they are written to. */
export function createReplayMemory(maxEntries: number): ReplayMemory {
  let slots = SMALLEST_LEVEL_SLOTS;
  while (slots < SPARE * maxEntries) slots = 2 * slots + SMALLEST_LEVEL_SLOTS;
  return {
    maxEntries,
    secret: randomBytes(32).toString('hex'),
    counters: new SharedArrayBuffer((BY_SLICE + RING) * Int32Array.BYTES_PER_ELEMENT),
    slots: new SharedArrayBuffer(slots * BigInt64Array.BYTES_PER_ELEMENT),
    eras: createErasMemory(),
  };
}

/** A key on its way into the table. */
interface Claim {
  /** The last one, by the monotonic clock, in which it is remembered. */
  readonly slice: number;
  /** The 44 bits of the fingerprint that a slot holds. */
  readonly high: number;
  readonly low: number;
  /** Choose the key's bucket in each level, by double hashing. */
  readonly bucket: number;
  readonly stride: number;
}

/**
 * A table of 64-bit slots: 20 bits of slice, 44 bits of a keyed SHA-256. Its levels, each twice the size of the one before,
 * fill from the smallest on. A key has one bucket of 16 slots in each level, looked at always in the same order; so the
 * cost of a claim is bounded, full or not.
 *
 * Why at most one claim of a key succeeds: a slot is free when its slice is over, and is taken by one compare-and-exchange.
 * As long as `NOW` stands still no slot becomes free. So of several threads that claim one key each finds the same first
 * free slot, and whoever loses it looks again and finds the winner. A thread that finds `NOW` changed at its end cannot know
 * whether another has started from a slot that was still occupied for itself: it blots out what it wrote, which leaves the
 * slot occupied, and begins again. So it does when the era has turned, in which it would not have known its own claim. No thread waits for another, so one that is terminated midway holds nobody up.
 *
 * Two keys with equal fingerprints make a false `replayed`: fewer than one claim in 10¹¹, and never a false `claimed`.
 */
export class MemoryReplayCache implements ReplayCache {
  readonly #memory: ReplayMemory;
  readonly #options: MemoryReplayCacheOptions;
  readonly #eras: ClockEras;
  readonly #announcement: UnsettledAnnouncement;
  readonly #counters: Int32Array;
  readonly #slots: BigInt64Array;
  /** The same memory in halves, low before high (every platform that Node supports is little-endian). */
  readonly #halves: Int32Array;
  readonly #scratch = new BigInt64Array(1);
  readonly #scratchHalves = new Int32Array(this.#scratch.buffer);

  constructor(memory: ReplayMemory, options: MemoryReplayCacheOptions) {
    this.#memory = memory;
    this.#options = options;
    this.#counters = new Int32Array(memory.counters);
    this.#slots = new BigInt64Array(memory.slots);
    this.#halves = new Int32Array(memory.slots);
    this.#eras = new ClockEras(memory.eras, options.log);
    this.#announcement = new UnsettledAnnouncement(options.log);
  }

  /** Entries that live, over all threads. */
  countEntries(): number {
    this.#advanceTo(this.#nowSlice());
    return Atomics.load(this.#counters, LIVE);
  }

  claim(key: string, expiresAtMs: number, nowMs: number): ClaimOutcome {
    const digest = hash('sha256', this.#memory.secret + key, 'latin1');
    const expiry = sliceOf(expiresAtMs);
    for (;;) {
      const monotonicMs = this.#options.clock.monotonicMs();
      const version = this.#eras.follow(nowMs, monotonicMs);
      const claim = {
        slice: this.#eras.lastSlice(expiry),
        high: 1 + ((readInt32(digest, 0) >>> 1) % (BLOT - 1)),
        low: readInt32(digest, 4),
        bucket: readInt32(digest, 8),
        stride: readInt32(digest, 12),
      };
      const now = this.#advanceTo(sliceOf(monotonicMs));
      if (claim.slice - now >= RING) throw new RangeError('a claim that is to last longer than two hours');
      if (claim.slice < now || this.#eras.forgottenUntil(expiry, now) > 0) {
        this.#announceUnsettled(nowMs);
        throw new ReplayCacheUnavailable(WENT_BACK);
      }
      // Before the slot is taken: from then on others may have to know that this expiry was used.
      this.#eras.note(expiry);
      const outcome = this.#attempt(claim, { now, version });
      if (outcome !== undefined) return outcome;
    }
  }

  /** Throws `ReplayCacheUnavailable` unless a proof made now could be claimed. */
  probe(nowMs: number): void {
    this.#eras.follow(nowMs, this.#options.clock.monotonicMs());
    if (this.#announceUnsettled(nowMs)) throw new ReplayCacheUnavailable(WENT_BACK);
  }

  /** Whether even a proof made now has to be refused. */
  #announceUnsettled(nowMs: number): boolean {
    const untilMs = unsettledUntilMs(this.#eras, this.#options, { nowMs, now: this.#nowSlice() });
    if (untilMs !== undefined) this.#announcement.announce(nowMs, untilMs);
    return untilMs !== undefined;
  }

  #nowSlice(): number {
    return sliceOf(this.#options.clock.monotonicMs());
  }

  /** Undefined when the slice turned meanwhile, or the era. */
  #attempt(claim: Claim, { now, version }: { now: number; version: number }): ClaimOutcome | undefined {
    for (;;) {
      const slot = this.#find(claim, now);
      if (slot === REPLAYED) return 'replayed';
      if (slot === FULL || !this.#reserve()) return 'full';
      const former = Atomics.load(this.#slots, slot);
      const entry = this.#pack(claim.slice, claim.high, claim.low);
      const isTaken = isLive(Number(BigInt.asIntN(32, former >> 32n)), now);
      if (!isTaken && Atomics.compareExchange(this.#slots, slot, former, entry) === former) {
        Atomics.add(this.#counters, BY_SLICE + (claim.slice % RING), 1);
        if (Atomics.load(this.#counters, NOW) === now && this.#eras.version === version) return 'claimed';
        Atomics.compareExchange(this.#slots, slot, entry, this.#pack(claim.slice, BLOT, 0));
        return undefined;
      }
      Atomics.sub(this.#counters, LIVE, 1);
    }
  }

  /** The first free slot for a key, unless one of its slots holds it already. */
  #find({ high, low, bucket, stride }: Claim, now: number): number {
    let free = FULL;
    let choice = bucket;
    let levelSlots = SMALLEST_LEVEL_SLOTS;
    for (let level = 0; level < this.#slots.length; level += levelSlots, levelSlots *= 2, choice += stride) {
      const first = level + (choice & (levelSlots / SLOTS_PER_BUCKET - 1)) * SLOTS_PER_BUCKET;
      for (let slot = first; slot < first + SLOTS_PER_BUCKET; slot += 1) {
        // The high half first: once it is that of a new entry, so is the low half.
        const half = Atomics.load(this.#halves, 2 * slot + 1);
        if (!isLive(half, now)) {
          if (free === FULL) free = slot;
          // Slots are first used in order, so a key was never put beyond one that is unused to this day.
          if (half === 0) return free;
        } else if ((half & FINGERPRINT_MASK) === high && Atomics.load(this.#halves, 2 * slot) === low) {
          return REPLAYED;
        }
      }
    }
    return free;
  }

  #reserve(): boolean {
    if (Atomics.add(this.#counters, LIVE, 1) < this.#memory.maxEntries) return true;
    Atomics.sub(this.#counters, LIVE, 1);
    return false;
  }

  /** Lets go of the entries of slices that are over; they become free by that alone. Returns the slice that is now. */
  #advanceTo(slice: number): number {
    let now = Atomics.load(this.#counters, NOW);
    while (now < slice) {
      const seen = Atomics.compareExchange(this.#counters, NOW, now, slice);
      if (seen !== now) {
        now = seen;
        continue;
      }
      for (let over = Math.max(now, slice - RING); over < slice; over += 1) {
        const count = Atomics.exchange(this.#counters, BY_SLICE + (over % RING), 0);
        Atomics.sub(this.#counters, LIVE, count);
      }
      return slice;
    }
    return now;
  }

  #pack(slice: number, high: number, low: number): bigint {
    this.#scratchHalves[0] = low;
    this.#scratchHalves[1] = (slice << FINGERPRINT_BITS) | high;
    return this.#scratch[0] ?? 0n;
  }
}

/**
 * Tells from the high half of a slot whether its entry lives. After 2^20 slices (24 days) what an old entry left behind looks
 * alive for two hours: that takes up room and lets nothing pass.
 */
function isLive(half: number, now: number): boolean {
  return half !== 0 && (((half >>> FINGERPRINT_BITS) - now) & SLICE_MASK) < RING;
}
