/** Config → `/ready`: what must be well for traffic sent here to be served. */
import { errorField } from '../observe/log.ts';
import type { Respond } from '../server/endpoint.ts';
import { createReadiness, type ReadinessCheck } from '../server/endpoints/ready.ts';
import type { IntrospectionParts } from './introspection.ts';
import type { Issuer } from './issuers.ts';
import type { ComposeOptions } from './options.ts';
import type { CommonParts, ServerParts } from './server.ts';

export interface ReadinessOptions extends ComposeOptions {
  isDraining(): boolean;
}

export function buildReadiness(
  { observers, isDraining }: ReadinessOptions,
  { issuers, introspection, dpop }: CommonParts,
  servers: readonly ServerParts[],
): Respond {
  const checks: Record<string, ReadinessCheck> = {};
  for (const server of servers) Object.assign(checks, server.checks);
  const readable = issuers.filter((issuer) => !isOpaqueAlone(issuer, introspection));
  if (readable.length > 0) checks['jwks'] = async () => checkKeys(readable);
  if (introspection !== undefined) checks['introspection'] = async () => checkEndpoint(introspection);
  if (dpop !== undefined) checks['replay_cache'] = () => dpop.probe();
  return createReadiness({
    clock: observers.clock,
    checks,
    isDraining,
    onFailed: (check, error) => observers.log.warn('not_ready', { check, error: errorField(error) }),
  });
}

/** RFC 8414 §2: an issuer without signed tokens needs no `jwks_uri`, so one that is asked and has none configured may have none. */
function isOpaqueAlone(issuer: Issuer, introspection: IntrospectionParts | undefined): boolean {
  const isAsked = introspection?.issuer === issuer && !introspection.includesJwts;
  return isAsked && issuer.jwks.source.jwksUri === undefined;
}

function checkKeys(issuers: readonly Issuer[]): void {
  const without = issuers.find(({ jwks }) => (jwks.keys ?? []).length === 0);
  if (without !== undefined) throw new Error(`no keys of ${without.issuer}`);
}

function checkEndpoint({ endpoint }: IntrospectionParts): void {
  if (endpoint.problem !== undefined) throw new Error(endpoint.problem);
}
