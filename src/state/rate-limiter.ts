/** Token-bucket rate limits: one bucket per key, O(1), bounded in memory. RFC 6585 §4. */

/** Two implementations: `MemoryRateLimiter` for one thread, `SharedRateLimiter` for the threads of one process. */
export interface RateLimiter {
  /** Takes one request from the key's bucket. Returns 0, or the milliseconds until the next request would be allowed. */
  charge(key: string, nowMs: number): number;
  /** What `charge` would return, and takes nothing. */
  look(key: string, nowMs: number): number;
  /** Gives back what `charge` took. */
  refund(key: string): void;
}

/** What a client may do: a sustained rate, and so many requests at once after a pause. */
export interface Limit {
  readonly requestsPerSecond: number;
  readonly burst: number;
}

/** How full a bucket was at its last charge. */
export interface Bucket {
  allowance: number;
  updatedAtMs: number;
}

/** The arithmetic of a bucket. */
export class BucketRule {
  readonly burst: number;
  /** Time in which an empty bucket fills. */
  readonly fillMs: number;
  readonly #perMs: number;

  constructor({ requestsPerSecond, burst }: Limit) {
    this.burst = burst;
    this.#perMs = requestsPerSecond / 1000;
    this.fillMs = burst / this.#perMs;
  }

  /** Fills the bucket up to now and takes one request; the answer is that of `RateLimiter.charge`. */
  charge(bucket: Bucket, nowMs: number): number {
    bucket.allowance = this.allowanceAt(bucket, nowMs);
    // Threads read the clock in one order and may get here in another; time that has been granted is not granted again.
    bucket.updatedAtMs = Math.max(bucket.updatedAtMs, nowMs);
    const waitMs = this.#waitMs(bucket.allowance);
    if (waitMs === 0) bucket.allowance -= 1;
    return waitMs;
  }

  /** What `charge` would return; the bucket stays as it is. */
  look(bucket: Bucket, nowMs: number): number {
    return this.#waitMs(this.allowanceAt(bucket, nowMs));
  }

  refund(bucket: Bucket): void {
    bucket.allowance = Math.min(this.burst, bucket.allowance + 1);
  }

  allowanceAt({ allowance, updatedAtMs }: Bucket, nowMs: number): number {
    return Math.min(this.burst, allowance + Math.max(0, nowMs - updatedAtMs) * this.#perMs);
  }

  #waitMs(allowance: number): number {
    return allowance < 1 ? Math.ceil((1 - allowance) / this.#perMs) : 0;
  }
}

/** Buckets per generation; keys beyond share one bucket, so that a flood of addresses cannot eat memory. */
const MAX_BUCKETS = 100_000;

/**
 * Buckets live in two generations that turn once in the time an empty bucket needs to fill. A bucket that nobody touched
 * for a whole turn is full, so forgetting it changes nothing.
 */
export class MemoryRateLimiter implements RateLimiter {
  readonly #rule: BucketRule;
  readonly #turnMs: number;
  #young = new Map<string, Bucket>();
  #old = new Map<string, Bucket>();
  #turnedAtMs = 0;
  #overflow: Bucket = { allowance: 0, updatedAtMs: 0 };

  constructor(limit: Limit) {
    this.#rule = new BucketRule(limit);
    this.#turnMs = Math.ceil(this.#rule.fillMs);
  }

  charge(key: string, nowMs: number): number {
    this.#turn(nowMs);
    return this.#rule.charge(this.#bucket(key, nowMs), nowMs);
  }

  look(key: string, nowMs: number): number {
    this.#turn(nowMs);
    const bucket = this.#known(key);
    return bucket === undefined ? 0 : this.#rule.look(bucket, nowMs);
  }

  refund(key: string): void {
    const bucket = this.#known(key);
    if (bucket !== undefined) this.#rule.refund(bucket);
  }

  #turn(nowMs: number): void {
    const sinceMs = nowMs - this.#turnedAtMs;
    if (sinceMs < this.#turnMs) return;
    this.#old = sinceMs < 2 * this.#turnMs ? this.#young : new Map();
    this.#young = new Map();
    this.#turnedAtMs = nowMs;
  }

  /** The bucket that `charge` would take from; undefined = a new one. */
  #known(key: string): Bucket | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    return this.#young.size >= MAX_BUCKETS ? this.#overflow : this.#old.get(key);
  }

  #bucket(key: string, nowMs: number): Bucket {
    const bucket = this.#known(key) ?? { allowance: this.#rule.burst, updatedAtMs: nowMs };
    if (this.#young.size < MAX_BUCKETS) this.#young.set(key, bucket);
    return bucket;
  }
}
