/** Config → the issuers and their keys, which all servers share, and each on the terms of one server. RFC 8725 §3. */
import type { TrustedIssuer } from '../gate/verify-access-token.ts';
import type { AudienceClaim, ExpectedAudience } from '../oauth/audience.ts';
import { normalizeHttpUri } from '../oauth/http-uri.ts';
import { type IssuerKeys, identifySource, type JwksSource } from '../state/jwks-cache.ts';
import type { ProcessWide } from '../state/process-wide.ts';
import type { RuntimeFiles } from './files.ts';
import type { CommonConfig, ServerConfig } from './options.ts';
import { buildScopeTerms } from './scopes.ts';

/** What depends on the resource that a token is for. */
type ServerTerms = ExpectedAudience & Pick<TrustedIssuer, 'scopeTerms'>;

/** An issuer without what depends on the server. */
export interface Issuer extends Omit<TrustedIssuer, keyof ServerTerms> {
  readonly audienceClaim: AudienceClaim;
}

/** `previous` are those known until now. */
interface IssuerOptions {
  readonly config: Pick<CommonConfig, 'idp'>;
  readonly shared: Pick<ProcessWide, 'createIssuerKeys'> & Partial<Pick<ProcessWide, 'revokedTokens'>>;
  readonly previous: readonly Issuer[] | undefined;
  readonly files: Pick<RuntimeFiles, 'issuerCas'>;
}

export function buildIssuers(options: IssuerOptions): readonly Issuer[] {
  const { idp } = options.config;
  if (idp === undefined) return [];
  return [idp, ...idp.additional_issuers].map((entry, index) => ({
    issuer: entry.issuer,
    aliases: new Set(entry.issuer_aliases),
    algorithms: new Set(entry.accepted_algorithms),
    acceptsIdTokens: entry.dangerously_accept_id_tokens,
    audienceClaim: entry.audience_claim,
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

/** Keys of an issuer that stays are kept over a reload: its IdP may be down just now. */
function buildIssuerKeys({ shared, previous }: IssuerOptions, source: JwksSource): IssuerKeys {
  const same = previous?.find(({ jwks }) => identifySource(jwks.source) === identifySource(source));
  return same?.jwks ?? shared.createIssuerKeys(source);
}

/** To be called when `config` is put in force: keys that were kept are kept by its times from now on. */
export function startIssuers(issuers: readonly Issuer[], { idp }: Pick<CommonConfig, 'idp'>): void {
  if (idp === undefined) return;
  const times = { refreshMs: idp.jwks_refresh, maxStaleMs: idp.jwks_max_stale };
  for (const { jwks, algorithms } of issuers) {
    jwks.expectAlgorithms(algorithms);
    jwks.start(times);
  }
}

/** The issuers as one server trusts them. */
export function trustIssuers(issuers: readonly Issuer[], own: ServerConfig): readonly TrustedIssuer[] {
  return issuers.map(({ audienceClaim, ...issuer }, index) => {
    const { audiences = [], scope_claims: scopeClaims = [] } = own.issuers[index] ?? {};
    return {
      ...issuer,
      ...acceptedAudiences(audiences, audienceClaim, own.resource.url),
      scopeTerms: buildScopeTerms(own, scopeClaims),
    };
  });
}

/** A configured audience is the operator's word; the resource's own URL comes in the spelling of clients. */
function acceptedAudiences(
  audiences: readonly string[],
  audienceClaim: AudienceClaim,
  resourceUrl: string,
): ExpectedAudience {
  const resourceUri = normalizeHttpUri(resourceUrl);
  if (audienceClaim === 'client_id') return { audiences, resourceUri, audienceClaim };
  return audiences.length > 0 ? { audiences, resourceUri: undefined } : { audiences: [resourceUrl], resourceUri };
}
