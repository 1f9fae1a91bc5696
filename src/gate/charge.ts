/** Charging a request to its bucket, as a refusal when the bucket is empty. RFC 6585 §4, RFC 9110 §10.2.3. */
import type { Clock } from '../lib/clock.ts';
import { type Denial, deny } from '../oauth/denial.ts';
import type { RateLimiter } from '../state/rate-limiter.ts';

/** `key` names the bucket. Undefined when the request may go on. */
export type Charge = (key: string) => Denial | undefined;

/** Without a limiter nothing is ever refused. */
export function createCharge(rateLimiter: RateLimiter | undefined, clock: Clock): Charge {
  if (rateLimiter === undefined) return () => undefined;
  return (key) => toDenial(rateLimiter.charge(key, clock.monotonicMs()));
}

/** The same answer, and nothing is charged. */
export function createLook(rateLimiter: RateLimiter | undefined, clock: Clock): Charge {
  if (rateLimiter === undefined) return () => undefined;
  return (key) => toDenial(rateLimiter.look(key, clock.monotonicMs()));
}

function toDenial(waitMs: number): Denial | undefined {
  return waitMs === 0 ? undefined : deny('rate_limited', {}, ['Retry-After', String(Math.ceil(waitMs / 1000))]);
}
