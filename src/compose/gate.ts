/** Config → the gate of one server: the composition of the phase, and what its open streams rest on. */
import {
  type Authenticate,
  type Charges,
  createBearerAuthentication,
  createPresenceCheck,
} from '../gate/authenticate.ts';
import { createDpopAuthentication } from '../gate/authenticate-dpop.ts';
import { requireCertificate } from '../gate/certificate-binding.ts';
import { createIntrospection, type IntrospectionTerms } from '../gate/introspect-access-token.ts';
import { createTokenCheck } from '../gate/token-check.ts';
import { createVerifyAccessToken, nameIssuers, type TrustedIssuer } from '../gate/verify-access-token.ts';
import { LruOrder } from '../lib/lru.ts';
import type { Principal } from '../oauth/principal.ts';
import { createTargetUri } from '../oauth/target-uri.ts';
import { type VerifiedToken, VerifiedTokens } from '../state/verified-tokens.ts';
import type { DpopParts } from './dpop.ts';
import type { IdentityParts } from './identity.ts';
import type { CommonConfig, ServerOptions } from './options.ts';
import { resourceUrlOf } from './paths.ts';

/**
 * Whether the issuer of a token is still trusted, the key that it was verified with still one of the issuer's, and the token
 * not called back. A token without a key stands as long as its issuer is the one that is asked about tokens.
 */
export function createStanding(
  issuers: readonly TrustedIssuer[],
  asked: TrustedIssuer | undefined,
): (principal: Principal) => boolean {
  const byName = nameIssuers(issuers);
  return ({ accessToken, key }) => {
    if (accessToken === undefined) return false;
    const trusted = byName.get(accessToken.issuer);
    if (key === undefined) return asked !== undefined && trusted === asked;
    return trusted?.jwks.keys?.includes(key) === true && trusted.revoked?.covers(accessToken) !== true;
  };
}

/** The limits bound the caches of all servers together: they forget in one order. */
export function prepareVerifiedTokens({ token_cache }: Pick<CommonConfig, 'token_cache'>): () => VerifiedTokens {
  const limits = { maxEntries: token_cache.max_entries, maxBytes: token_cache.max_bytes };
  const order = new LruOrder<VerifiedToken>(limits);
  return () => new VerifiedTokens(limits, order);
}

interface GateParts {
  readonly issuers: readonly TrustedIssuer[];
  readonly introspection: IntrospectionTerms | undefined;
  readonly verifiedTokens: VerifiedTokens;
  readonly charges: Charges;
  readonly dpop: DpopParts | undefined;
  readonly identity: IdentityParts;
}

/** The composition of the phase: what is not in it costs nothing. */
export function buildAuthenticate(options: ServerOptions, parts: GateParts): Authenticate {
  const authenticate = buildPhase(options, parts);
  if (options.config.obex.tls.client_auth !== 'require') return authenticate;
  return requireCertificate(authenticate, parts.charges.chargeClient);
}

function buildPhase({ config, own, observers }: ServerOptions, parts: GateParts): Authenticate {
  const { clock, metrics } = observers;
  const { issuers, introspection, verifiedTokens, charges, dpop, identity } = parts;
  if (config.idp === undefined) return createPresenceCheck(charges);
  const verifyLocally = createVerifyAccessToken(issuers, clock);
  const tokens = createTokenCheck({
    clock,
    verifiedTokens,
    verifyAccessToken: introspection ? createIntrospection(introspection, verifyLocally, clock) : verifyLocally,
    identify: identity.identify,
    renew: identity.renew,
    scope: own.name,
    onCacheLookup: (result) => metrics.tokenCacheLookup(result),
  });
  if (dpop === undefined)
    return createBearerAuthentication({ ...charges, tokens, boundTokenReason: 'token_not_bound' });
  return createDpopAuthentication({
    ...charges,
    tokens,
    verifyDpopProof: dpop.createProofCheck(own.name === undefined ? undefined : own.resource.url),
    createTargetUri: createTargetUri(resourceUrlOf(own)),
    isRequired: config.dpop.required,
    acceptsBearerScheme: config.dpop.accept_bearer_scheme,
  });
}
