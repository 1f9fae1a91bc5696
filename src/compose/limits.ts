/** Config → rate limits: of client addresses, which all servers share, and of the principals of one server. RFC 6585 §4. */
import type { Config } from '../config/schema.ts';
import type { Charges } from '../gate/authenticate.ts';
import { createCharge, createLook } from '../gate/charge.ts';
import type { Clock } from '../lib/clock.ts';
import type { ProcessWide, RateLimited } from '../state/process-wide.ts';
import type { Limit, RateLimiter } from '../state/rate-limiter.ts';
import type { ServerOptions } from './options.ts';

/** A rate limiter, and the limit that it was made for. */
export interface RateLimit extends Limit {
  readonly limiter: RateLimiter;
}

interface RateLimitOptions {
  readonly limits: Pick<Config['limits'], 'rate_limit'>;
  readonly shared: Pick<ProcessWide, 'createRateLimiter'>;
  readonly previous: RateLimit | undefined;
}

function readLimit({ rate_limit: configured }: Pick<Config['limits'], 'rate_limit'>): Limit | undefined {
  return configured && { requestsPerSecond: configured.requests_per_second, burst: configured.burst };
}

export function isSameLimit(one: Limit | undefined, other: Limit | undefined): boolean {
  return one?.requestsPerSecond === other?.requestsPerSecond && one?.burst === other?.burst;
}

/** Of those who share what a principal may do: one server. */
function limitedAt(server: string | undefined): RateLimited {
  return server === undefined ? 'principals' : `principals ${server}`;
}

/** Whose requests are limited, and how. */
export function listRateLimits({ limits, servers }: Config): readonly (readonly [whose: RateLimited, limit: Limit])[] {
  const all = [
    ['clients', readLimit(limits)] as const,
    ...servers.map((server) => [limitedAt(server.name), readLimit(server.limits)] as const),
  ];
  return all.flatMap(([whose, limit]) => (limit === undefined ? [] : [[whose, limit] as const]));
}

/** Undefined without a limit. Allowances are kept over a reload that leaves the limit as it is. */
export function buildRateLimit(
  whose: RateLimited,
  { limits, shared, previous }: RateLimitOptions,
): RateLimit | undefined {
  const limit = readLimit(limits);
  if (limit === undefined) return undefined;
  if (isSameLimit(previous, limit)) return previous;
  return { ...limit, limiter: shared.createRateLimiter(whose, limit) };
}

/** Bytes of a request body that some server takes. */
export function largestBody({ servers }: Pick<Config, 'servers'>): number {
  return Math.max(...servers.map(({ limits }) => limits.max_request_body));
}

export type ClientCharges = Pick<Charges, 'chargeClient' | 'refundClient'>;

/** By address, as long as nobody is authenticated. */
export function buildClientCharges(limit: RateLimit | undefined, clock: Clock): ClientCharges {
  return {
    chargeClient: createCharge(limit?.limiter, clock),
    refundClient: (key) => limit?.limiter.refund(key),
  };
}

/** Undefined without a limit. Allowances are kept over a reload that leaves the limit as it is. */
export function buildPrincipalLimit(
  { own, shared }: ServerOptions,
  previous: RateLimit | undefined,
): RateLimit | undefined {
  return buildRateLimit(limitedAt(own.name), { limits: own.limits, shared, previous });
}

export type PrincipalCharges = Pick<Charges, 'lookPrincipal' | 'chargePrincipal'>;

/** By issuer, client and subject: apart, so that no flood of addresses can touch them. */
export function buildPrincipalCharges(limit: RateLimit | undefined, clock: Clock): PrincipalCharges {
  return { lookPrincipal: createLook(limit?.limiter, clock), chargePrincipal: createCharge(limit?.limiter, clock) };
}
