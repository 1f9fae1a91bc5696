/** The one schema of the config: the source of types, defaults, the JSON Schema and docs/configuration.md. */
import * as z from 'zod/mini';
import { authzSection, resourceSection, tokenCacheSection } from './sections/access.ts';
import { dpopSection } from './sections/dpop.ts';
import { idpSection } from './sections/issuers.ts';
import { logSection, metricsSection, obexSection } from './sections/listener.ts';
import { backendSection, corsSection, limitsSection } from './sections/traffic.ts';

/** Every section as written, before values of one section fill defaults of another. */
export const sections = z.strictObject({
  obex: obexSection,
  backend: backendSection,
  limits: limitsSection,
  resource: resourceSection,
  idp: idpSection,
  authz: authzSection,
  token_cache: tokenCacheSection,
  dpop: dpopSection,
  cors: corsSection,
  log: logSection,
  metrics: metricsSection,
});

/**
 * Parses a tree of plain values (variables expanded, layout normalised, secrets read) into a Config: milliseconds, bytes,
 * URLs, every default filled in.
 */
export const configSchema = z.pipe(sections, z.transform(fillFromOtherSections));

type Written = z.output<typeof sections>;

function fillFromOtherSections(config: Written) {
  const { resource, authz } = config;
  const scopes = resource.scopes_supported.length === 0 ? authz.required_scopes : resource.scopes_supported;
  return {
    ...config,
    resource: { ...resource, scopes_supported: scopes },
    idp: fillIssuers(config.idp, resource.audiences),
    limits: fillLimits(config),
  };
}

/** What one principal may have without a word of the config: room for others, and enough for the smallest Obex. */
const LEAST_PER_PRINCIPAL = 8;

function fillLimits({ limits, idp, backend: { max_requests: all } }: Written) {
  // There are no principals.
  if (idp === undefined) return limits;
  const share = Math.min(all, Math.max(LEAST_PER_PRINCIPAL, Math.floor(all / 4)));
  return {
    ...limits,
    max_requests_per_principal: limits.max_requests_per_principal ?? share,
    max_streams_per_principal: limits.max_streams_per_principal ?? share,
  };
}

function fillIssuers(idp: z.output<typeof idpSection>, audiences: string[]) {
  if (idp === undefined) return undefined;
  const additionalIssuers = idp.additional_issuers.map((issuer) => ({
    ...issuer,
    accepted_algorithms: issuer.accepted_algorithms ?? idp.accepted_algorithms,
    audiences: issuer.audiences.length === 0 ? audiences : issuer.audiences,
    scope_claims: issuer.scope_claims ?? idp.scope_claims,
    audience_claim: issuer.audience_claim ?? idp.audience_claim,
  }));
  return { ...idp, additional_issuers: additionalIssuers };
}

/** Keys as in the YAML file; durations in ms, sizes in bytes. */
export type Config = z.output<typeof configSchema>;
