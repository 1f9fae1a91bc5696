/** Who is asking: one composition for each phase, chosen at start-up. RFC 6750 §2.1, RFC 9068 §4. */
import type { Clock } from '../lib/clock.ts';
import { type Credentials, parseCredentials } from '../oauth/credentials.ts';
import { type Denial, deny, isDenied } from '../oauth/denial.ts';
import type { AccessToken, Principal } from '../oauth/principal.ts';
import type { RateLimiter } from '../state/rate-limiter.ts';
import type { VerifiedTokens } from '../state/verified-tokens.ts';
import { type Charge, createCharge } from './charge.ts';
import type { VerifiedAccessToken, VerifyAccessToken } from './verify-access-token.ts';

/** All that authentication may look at. */
export interface RequestFacts {
  /** Values of the Authorization field lines. */
  readonly authorization: readonly string[];
  /** What a rate limit counts by as long as nobody is authenticated. */
  readonly clientKey: string;
}

/** Synchronous unless keys must be fetched. */
export type Authenticate = (facts: RequestFacts) => Principal | Denial | Promise<Principal | Denial>;

/** Phase 1: a Bearer credential must be there; nobody looks into it. */
export function createPresenceCheck(charge: Charge): Authenticate {
  return (facts) => {
    const limited = charge(facts.clientKey);
    if (limited !== undefined) return limited;
    const credentials = parseBearer(facts.authorization);
    return isDenied(credentials) ? credentials : ANYBODY;
  };
}

const ANYBODY: Principal = { accessToken: undefined, identityFields: [], rateLimitKey: '' };

export interface BearerAuthentication {
  readonly clock: Clock;
  readonly rateLimiter: RateLimiter | undefined;
  readonly verifiedTokens: VerifiedTokens;
  readonly verifyAccessToken: VerifyAccessToken;
  formatIdentityFields(accessToken: AccessToken): readonly string[];
  onCacheLookup(result: 'hit' | 'miss'): void;
}

/** Phase 2: the token is verified, or was a moment ago. */
export function createBearerAuthentication(parts: BearerAuthentication): Authenticate {
  const { clock, rateLimiter, verifiedTokens } = parts;
  const charge = createCharge(rateLimiter, clock);

  const admit = (compact: string, facts: RequestFacts, verified: VerifiedAccessToken | Denial): Principal | Denial => {
    if (isDenied(verified)) return verified;
    const { accessToken, key } = verified;
    if (accessToken.jkt !== undefined) return deny('token_not_bound', { detail: 'the token is bound to a DPoP key' });
    const principal = toPrincipal(accessToken, parts.formatIdentityFields(accessToken));
    const { issuer, expiresAtMs } = accessToken;
    verifiedTokens.set(compact, { principal, issuer, key, expiresAtMs });
    rateLimiter?.refund(facts.clientKey);
    return charge(principal.rateLimitKey) ?? principal;
  };

  return (facts) => {
    const credentials = parseBearer(facts.authorization);
    const compact = isDenied(credentials) ? '' : credentials.accessToken;
    const known = compact === '' ? undefined : verifiedTokens.get(compact, clock.nowMs());
    if (known !== undefined) {
      parts.onCacheLookup('hit');
      return charge(known.principal.rateLimitKey) ?? known.principal;
    }
    const limited = charge(facts.clientKey);
    if (limited !== undefined) return limited;
    if (isDenied(credentials)) return credentials;
    parts.onCacheLookup('miss');
    const verified = parts.verifyAccessToken(compact);
    if (verified instanceof Promise) return verified.then((outcome) => admit(compact, facts, outcome));
    return admit(compact, facts, verified);
  };
}

/** Before phase 3 the DPoP scheme is as unknown as any other: a client must not believe that its proof was looked at. */
function parseBearer(authorization: readonly string[]): Credentials | Denial {
  const credentials = parseCredentials(authorization);
  if (isDenied(credentials) || credentials.scheme === 'Bearer') return credentials;
  return deny('no_token', { expected: 'Bearer', actual: credentials.scheme });
}

function toPrincipal(accessToken: AccessToken, identityFields: readonly string[]): Principal {
  const { issuer, client, subject } = accessToken;
  return { accessToken, identityFields, rateLimitKey: JSON.stringify([issuer, client, subject]) };
}
