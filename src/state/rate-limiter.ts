/** Token-bucket rate limiter with one bucket per key, O(1) and bounded in memory. RFC 6585 §4. */

/** Where a request's allowance is counted: in this process now, shared by replicas one day. */
export interface RateLimiter {
  /** Takes one request from the key's bucket. Returns 0, or the milliseconds until the next request would be allowed. */
  charge(key: string, nowMs: number): number;
  /** Gives back what `charge` took. */
  refund(key: string): void;
}

interface Bucket {
  allowance: number;
  updatedAtMs: number;
}

/** Buckets per generation; keys beyond share one bucket, so that a flood of addresses cannot eat memory. */
const MAX_BUCKETS = 100_000;

/**
 * Buckets live in two generations that turn once in the time an empty bucket needs to fill. A bucket that nobody touched
 * for a whole turn is full, so forgetting it changes nothing.
 */
export class MemoryRateLimiter implements RateLimiter {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #turnMs: number;
  #young = new Map<string, Bucket>();
  #old = new Map<string, Bucket>();
  #turnedAtMs = 0;
  #overflow: Bucket = { allowance: 0, updatedAtMs: 0 };

  constructor(limit: { readonly requestsPerSecond: number; readonly burst: number }) {
    this.#perMs = limit.requestsPerSecond / 1000;
    this.#burst = limit.burst;
    this.#turnMs = Math.ceil(limit.burst / this.#perMs);
  }

  charge(key: string, nowMs: number): number {
    this.#turn(nowMs);
    const bucket = this.#bucket(key, nowMs);
    const elapsedMs = Math.max(0, nowMs - bucket.updatedAtMs);
    bucket.allowance = Math.min(this.#burst, bucket.allowance + elapsedMs * this.#perMs);
    bucket.updatedAtMs = nowMs;
    if (bucket.allowance < 1) return Math.ceil((1 - bucket.allowance) / this.#perMs);
    bucket.allowance -= 1;
    return 0;
  }

  refund(key: string): void {
    const bucket = this.#young.get(key) ?? this.#old.get(key);
    if (bucket !== undefined) bucket.allowance = Math.min(this.#burst, bucket.allowance + 1);
  }

  #turn(nowMs: number): void {
    const sinceMs = nowMs - this.#turnedAtMs;
    if (sinceMs < this.#turnMs) return;
    this.#old = sinceMs < 2 * this.#turnMs ? this.#young : new Map();
    this.#young = new Map();
    this.#turnedAtMs = nowMs;
  }

  #bucket(key: string, nowMs: number): Bucket {
    const known = this.#young.get(key);
    if (known !== undefined) return known;
    if (this.#young.size >= MAX_BUCKETS) return this.#overflow;
    const bucket = this.#old.get(key) ?? { allowance: this.#burst, updatedAtMs: nowMs };
    this.#young.set(key, bucket);
    return bucket;
  }
}
