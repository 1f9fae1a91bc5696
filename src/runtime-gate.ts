/** Config → gate: trusted issuers and their keys, the caches, and the composition of the phase. */
import type { Config } from './config/schema.ts';
import { type Authenticate, createBearerAuthentication, createPresenceCheck } from './gate/authenticate.ts';
import { createCharge } from './gate/charge.ts';
import { createVerifyAccessToken, type TrustedIssuer } from './gate/verify-access-token.ts';
import { formatIdentityFields } from './proxy/identity-headers.ts';
import type { RuntimeOptions } from './runtime.ts';
import { fetchJson } from './state/fetch-json.ts';
import { JwksCache, type JwksSource } from './state/jwks-cache.ts';
import { MemoryRateLimiter, type RateLimiter } from './state/rate-limiter.ts';
import { VerifiedTokens } from './state/verified-tokens.ts';

/** A rate limiter and the limit it was made for. */
export interface RateLimit {
  readonly requestsPerSecond: number;
  readonly burst: number;
  readonly limiter: RateLimiter;
}

const JWKS_LIMITS = { timeoutMs: 5_000, maxBytes: 1024 * 1024 };

export function buildIssuers(options: RuntimeOptions): readonly TrustedIssuer[] {
  const { idp, resource } = options.config;
  if (idp === undefined) return [];
  const primary = { ...idp, audiences: resource.audiences };
  return [primary, ...idp.additional_issuers].map((entry) => ({
    issuer: entry.issuer,
    algorithms: new Set(entry.accepted_algorithms),
    audiences: entry.audiences,
    clockSkewMs: idp.clock_skew,
    jwks: buildJwksCache(options, {
      issuer: entry.issuer,
      jwksUri: entry.jwks_uri,
      allowHttp: idp.dangerously_allow_http,
      refreshMs: idp.jwks_refresh,
      maxStaleMs: idp.jwks_max_stale,
    }),
  }));
}

/** Keys of an issuer that stays are kept over a reload: its IdP may be down just now. */
function buildJwksCache({ observers, previous }: RuntimeOptions, source: JwksSource): JwksCache {
  const same = previous?.issuers.find(({ jwks }) => JSON.stringify(jwks.source) === JSON.stringify(source));
  if (same !== undefined) return same.jwks;
  return new JwksCache(source, {
    clock: observers.clock,
    log: observers.log,
    fetchJson: (url) => fetchJson(url, JWKS_LIMITS),
  });
}

export function buildVerifiedTokens({ token_cache }: Config): VerifiedTokens {
  return new VerifiedTokens({ maxEntries: token_cache.max_entries, maxBytes: token_cache.max_bytes });
}

/** Allowances are kept over a reload that leaves the limit as it is. */
export function buildRateLimit({ config, previous }: RuntimeOptions): RateLimit | undefined {
  const configured = config.limits.rate_limit;
  if (configured === undefined) return undefined;
  const limit = { requestsPerSecond: configured.requests_per_second, burst: configured.burst };
  const same = previous?.rateLimit;
  if (same?.requestsPerSecond === limit.requestsPerSecond && same.burst === limit.burst) return same;
  return { ...limit, limiter: new MemoryRateLimiter(limit) };
}

interface GateParts {
  readonly issuers: readonly TrustedIssuer[];
  readonly verifiedTokens: VerifiedTokens;
  readonly rateLimiter: RateLimiter | undefined;
}

export function buildAuthenticate({ observers }: RuntimeOptions, parts: GateParts): Authenticate {
  const { clock, metrics } = observers;
  const { issuers, verifiedTokens, rateLimiter } = parts;
  if (issuers.length === 0) return createPresenceCheck(createCharge(rateLimiter, clock));
  return createBearerAuthentication({
    clock,
    rateLimiter,
    verifiedTokens,
    verifyAccessToken: createVerifyAccessToken(issuers, clock),
    formatIdentityFields,
    onCacheLookup: (result) => metrics.tokenCacheLookup(result),
  });
}
