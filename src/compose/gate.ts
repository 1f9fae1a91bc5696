/** Config → gate: trusted issuers and their keys, the caches, and the composition of the phase. */
import type { Config } from '../config/schema.ts';
import {
  type Authenticate,
  type Charges,
  createBearerAuthentication,
  createPresenceCheck,
} from '../gate/authenticate.ts';
import { createDpopAuthentication } from '../gate/authenticate-dpop.ts';
import { requireCertificate } from '../gate/certificate-binding.ts';
import { createCharge, createLook } from '../gate/charge.ts';
import { createIntrospection, type IntrospectionTerms } from '../gate/introspect-access-token.ts';
import { createTokenCheck } from '../gate/token-check.ts';
import { createVerifyAccessToken, nameIssuers, type TrustedIssuer } from '../gate/verify-access-token.ts';
import type { Clock } from '../lib/clock.ts';
import type { AudienceClaim, ExpectedAudience } from '../oauth/audience.ts';
import { normalizeHttpUri } from '../oauth/http-uri.ts';
import type { Principal } from '../oauth/principal.ts';
import { createTargetUri } from '../oauth/target-uri.ts';
import { type IssuerKeys, identifySource, type JwksSource } from '../state/jwks-cache.ts';
import type { ProcessWide, RateLimited } from '../state/process-wide.ts';
import type { Limit, RateLimiter } from '../state/rate-limiter.ts';
import { VerifiedTokens } from '../state/verified-tokens.ts';
import type { DpopParts } from './dpop.ts';
import type { RuntimeFiles } from './files.ts';
import type { IdentityParts } from './identity.ts';
import type { RuntimeOptions } from './runtime.ts';
import { buildScopeTerms } from './scopes.ts';

/** Rate limiters and the limit they were made for. */
export interface RateLimit extends Limit {
  /** By address, as long as nobody is authenticated. */
  readonly clients: RateLimiter;
  /** By issuer, client and subject: apart, so that no flood of addresses can touch them. */
  readonly principals: RateLimiter;
}

/** What building issuers takes; `previous` is whatever knows the issuers until now. */
interface IssuerOptions {
  readonly config: Config;
  readonly shared: Pick<ProcessWide, 'createIssuerKeys'> & Partial<Pick<ProcessWide, 'revokedTokens'>>;
  readonly previous: { readonly issuers: readonly TrustedIssuer[] } | undefined;
  readonly files: Pick<RuntimeFiles, 'issuerCas'>;
}

export function buildIssuers(options: IssuerOptions): readonly TrustedIssuer[] {
  const { idp, resource } = options.config;
  if (idp === undefined) return [];
  const primary = { ...idp, audiences: resource.audiences };
  return [primary, ...idp.additional_issuers].map((entry, index) => ({
    issuer: entry.issuer,
    aliases: new Set(entry.issuer_aliases),
    algorithms: new Set(entry.accepted_algorithms),
    acceptsIdTokens: entry.dangerously_accept_id_tokens,
    ...acceptedAudiences(entry, resource.url),
    scopeTerms: buildScopeTerms(options.config, entry.scope_claims),
    clockSkewMs: idp.clock_skew,
    ...(entry.keys === 'login' && options.shared.revokedTokens && { revoked: options.shared.revokedTokens }),
    jwks: buildIssuerKeys(options, {
      issuer: entry.issuer,
      jwksUri: entry.jwks_uri,
      allowHttp: idp.dangerously_allow_http,
      ca: options.files.issuerCas[index],
      ...(entry.keys === 'login' && { isOwn: true }),
    }),
  }));
}

/** A configured audience is the operator's word; the resource's own URL comes in the spelling of clients. */
function acceptedAudiences(
  {
    audiences,
    audience_claim: audienceClaim,
  }: { readonly audiences: readonly string[]; readonly audience_claim: AudienceClaim },
  resourceUrl: string,
): ExpectedAudience {
  const resourceUri = normalizeHttpUri(resourceUrl);
  if (audienceClaim === 'client_id') return { audiences, resourceUri, audienceClaim };
  return audiences.length > 0 ? { audiences, resourceUri: undefined } : { audiences: [resourceUrl], resourceUri };
}

/** Keys of an issuer that stays are kept over a reload: its IdP may be down just now. */
function buildIssuerKeys({ shared, previous }: IssuerOptions, source: JwksSource): IssuerKeys {
  const same = previous?.issuers.find(({ jwks }) => identifySource(jwks.source) === identifySource(source));
  return same?.jwks ?? shared.createIssuerKeys(source);
}

/** To be called when `config` is put in force: keys that were kept are kept by its times from now on. */
export function startIssuers(issuers: readonly TrustedIssuer[], { idp }: Config): void {
  if (idp === undefined) return;
  const times = { refreshMs: idp.jwks_refresh, maxStaleMs: idp.jwks_max_stale };
  for (const { jwks, algorithms } of issuers) {
    jwks.expectAlgorithms(algorithms);
    jwks.start(times);
  }
}

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

export function buildVerifiedTokens({ token_cache }: Config): VerifiedTokens {
  return new VerifiedTokens({ maxEntries: token_cache.max_entries, maxBytes: token_cache.max_bytes });
}

export function readLimit({ limits }: Config): Limit | undefined {
  const configured = limits.rate_limit;
  return configured && { requestsPerSecond: configured.requests_per_second, burst: configured.burst };
}

export function isSameLimit(one: Limit | undefined, other: Limit | undefined): boolean {
  return one?.requestsPerSecond === other?.requestsPerSecond && one?.burst === other?.burst;
}

/** Allowances are kept over a reload that leaves the limit as it is. */
export function buildRateLimit({ config, shared, previous }: RuntimeOptions): RateLimit | undefined {
  const limit = readLimit(config);
  if (limit === undefined) return undefined;
  if (isSameLimit(previous?.rateLimit, limit)) return previous?.rateLimit;
  const create = (whose: RateLimited): RateLimiter => shared.createRateLimiter(whose, limit);
  return { ...limit, clients: create('clients'), principals: create('principals') };
}

export function buildCharges(rateLimit: RateLimit | undefined, clock: Clock): Charges {
  return {
    chargeClient: createCharge(rateLimit?.clients, clock),
    refundClient: (key) => rateLimit?.clients.refund(key),
    lookPrincipal: createLook(rateLimit?.principals, clock),
    chargePrincipal: createCharge(rateLimit?.principals, clock),
  };
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
export function buildAuthenticate(options: RuntimeOptions, parts: GateParts): Authenticate {
  const authenticate = buildPhase(options, parts);
  if (options.config.obex.tls.client_auth !== 'require') return authenticate;
  return requireCertificate(authenticate, parts.charges.chargeClient);
}

function buildPhase({ config, observers }: RuntimeOptions, parts: GateParts): Authenticate {
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
    onCacheLookup: (result) => metrics.tokenCacheLookup(result),
  });
  if (dpop === undefined)
    return createBearerAuthentication({ ...charges, tokens, boundTokenReason: 'token_not_bound' });
  return createDpopAuthentication({
    ...charges,
    tokens,
    verifyDpopProof: dpop.verifyDpopProof,
    createTargetUri: createTargetUri(config.obex.public_url),
    isRequired: config.dpop.required,
    acceptsBearerScheme: config.dpop.accept_bearer_scheme,
  });
}
