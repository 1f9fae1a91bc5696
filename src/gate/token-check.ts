/** Verified tokens, from the cache or verified now. RFC 9068 §4. */
import type { Clock } from '../lib/clock.ts';
import { type Denial, isDenied } from '../oauth/denial.ts';
import { hashAccessToken } from '../oauth/dpop-proof.ts';
import type { AccessToken, Principal } from '../oauth/principal.ts';
import type { VerifiedToken, VerifiedTokens } from '../state/verified-tokens.ts';
import type { VerifiedAccessToken, VerifyAccessToken } from './verify-access-token.ts';

export interface TokenCheck {
  /** A token that was verified before and is still good. */
  known(compact: string): VerifiedToken | undefined;
  /** Verifies a token that is not known, and remembers it. Synchronous unless keys must be fetched. */
  verify(compact: string): VerifiedToken | Denial | Promise<VerifiedToken | Denial>;
}

export interface TokenCheckOptions {
  readonly clock: Clock;
  readonly verifiedTokens: VerifiedTokens;
  readonly verifyAccessToken: VerifyAccessToken;
  formatIdentityFields(accessToken: AccessToken): readonly string[];
  onCacheLookup(result: 'hit' | 'miss'): void;
}

export function createTokenCheck(options: TokenCheckOptions): TokenCheck {
  const { clock, verifiedTokens, verifyAccessToken } = options;

  const remember = (compact: string, verified: VerifiedAccessToken | Denial): VerifiedToken | Denial => {
    if (isDenied(verified)) return verified;
    const { accessToken, issuer, recheckAtMs = Number.POSITIVE_INFINITY } = verified;
    const { expiresAtMs, jkt } = accessToken;
    const token = {
      principal: toPrincipal(verified, options.formatIdentityFields(accessToken)),
      issuer,
      expiresAtMs,
      recheckAtMs,
      ath: jkt === undefined ? '' : hashAccessToken(compact),
    };
    verifiedTokens.set(compact, token);
    return token;
  };

  return {
    known: (compact) => {
      const token = verifiedTokens.get(compact, clock.nowMs());
      if (token === undefined) return undefined;
      if (token.recheckAtMs !== Number.POSITIVE_INFINITY && clock.monotonicMs() >= token.recheckAtMs) return undefined;
      options.onCacheLookup('hit');
      return token;
    },
    verify: (compact) => {
      options.onCacheLookup('miss');
      const verified = verifyAccessToken(compact);
      if (verified instanceof Promise) return verified.then((outcome) => remember(compact, outcome));
      return remember(compact, verified);
    },
  };
}

function toPrincipal({ accessToken, key }: VerifiedAccessToken, identityFields: readonly string[]): Principal {
  const { issuer, client, subject } = accessToken;
  return { accessToken, key, identityFields, rateLimitKey: JSON.stringify([issuer, client, subject]) };
}
