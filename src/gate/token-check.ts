/** Verified tokens, from the cache or verified now. RFC 9068 §4. */
import type { Clock } from '../lib/clock.ts';
import type { JsonObject } from '../lib/json-text.ts';
import { type Denial, isDenied } from '../oauth/denial.ts';
import { hashAccessToken } from '../oauth/dpop-proof.ts';
import type { AccessToken, Identity, IssuedAssertion, Principal } from '../oauth/principal.ts';
import type { VerifiedToken, VerifiedTokens } from '../state/verified-tokens.ts';
import type { VerifiedAccessToken, VerifyAccessToken } from './verify-access-token.ts';

export interface TokenCheck {
  /** A token that was verified before and is still good. */
  known(compact: string): VerifiedToken | undefined;
  /** Verifies a token that is not known, and remembers it. Synchronous unless keys must be fetched. */
  verify(compact: string, clientKey: string): VerifiedToken | Denial | Promise<VerifiedToken | Denial>;
}

export interface TokenCheckOptions {
  readonly clock: Clock;
  readonly verifiedTokens: VerifiedTokens;
  readonly verifyAccessToken: VerifyAccessToken;
  /** `claims` are all that the token says. */
  identify(accessToken: AccessToken, claims: JsonObject, nowMs: number): Identity;
  /** The identity with an assertion in the place of one that has aged; undefined where none is sent. */
  readonly renew: ((assertion: IssuedAssertion, nowMs: number) => Identity) | undefined;
  /** Part of what its principals are counted by: those of one server are not those of another. */
  readonly scope?: string | undefined;
  onCacheLookup(result: 'hit' | 'miss'): void;
}

export function createTokenCheck(options: TokenCheckOptions): TokenCheck {
  const { clock, verifiedTokens, verifyAccessToken } = options;

  const remember = (compact: string, verified: VerifiedAccessToken | Denial): VerifiedToken | Denial => {
    if (isDenied(verified)) return verified;
    const { accessToken, claims, issuer, recheckAtMs = Number.POSITIVE_INFINITY } = verified;
    const { expiresAtMs, jkt } = accessToken;
    const { fields, assertion } = options.identify(accessToken, claims, clock.nowMs());
    const token = {
      principal: toPrincipal(verified, fields, options.scope),
      assertion,
      issuer,
      expiresAtMs,
      recheckAtMs,
      ath: jkt === undefined ? '' : hashAccessToken(compact),
    };
    verifiedTokens.set(compact, token);
    return token;
  };

  const find = (compact: string, nowMs: number): VerifiedToken | undefined => {
    const token = verifiedTokens.get(compact, nowMs);
    if (token === undefined) return undefined;
    if (token.recheckAtMs !== Number.POSITIVE_INFINITY && clock.monotonicMs() >= token.recheckAtMs) return undefined;
    options.onCacheLookup('hit');
    return token;
  };

  return {
    known: createKnown(options, find),
    verify: (compact, clientKey) => {
      options.onCacheLookup('miss');
      const verified = verifyAccessToken(compact, clientKey);
      if (verified instanceof Promise) return verified.then((outcome) => remember(compact, outcome));
      return remember(compact, verified);
    },
  };
}

type Find = (compact: string, nowMs: number) => VerifiedToken | undefined;

/** What the cache knows, with an assertion that is young enough wherever one is sent. */
function createKnown({ clock, verifiedTokens, renew }: TokenCheckOptions, find: Find): TokenCheck['known'] {
  if (renew === undefined) return (compact) => find(compact, clock.nowMs());
  return (compact) => {
    const nowMs = clock.nowMs();
    const token = find(compact, nowMs);
    if (token?.assertion === undefined || isFresh(token.assertion, nowMs)) return token;
    const { fields, assertion } = renew(token.assertion, nowMs);
    const renewed = { ...token, principal: { ...token.principal, identityFields: fields }, assertion };
    verifiedTokens.set(compact, renewed);
    return renewed;
  };
}

function isFresh({ madeAtMs, staleAtMs }: IssuedAssertion, nowMs: number): boolean {
  return nowMs < staleAtMs && nowMs >= madeAtMs;
}

function toPrincipal(
  { accessToken, key }: VerifiedAccessToken,
  identityFields: readonly string[],
  scope: string | undefined,
): Principal {
  const { issuer, client, subject } = accessToken;
  const named = JSON.stringify([issuer, client, subject]);
  return { accessToken, key, identityFields, rateLimitKey: scope === undefined ? named : `${scope} ${named}` };
}
