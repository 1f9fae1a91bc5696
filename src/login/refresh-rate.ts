/** How often one login may refresh. What was used up stays so over reloads and new keys that leave the rate as it is. RFC 6585 §4. */
import { MemoryRateLimiter, type RateLimiter } from '../state/rate-limiter.ts';

export class RefreshRate {
  #aMinute = 0;
  #limiter: RateLimiter | undefined;

  /** By family. */
  of(aMinute: number): RateLimiter {
    if (this.#limiter === undefined || this.#aMinute !== aMinute) {
      this.#limiter = new MemoryRateLimiter({ requestsPerSecond: aMinute / 60, burst: aMinute });
      this.#aMinute = aMinute;
    }
    return this.#limiter;
  }
}
