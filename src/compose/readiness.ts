/** Config → `/ready`: what must be well for traffic sent here to be served. */
import type { TrustedIssuer } from '../gate/verify-access-token.ts';
import { errorField } from '../observe/log.ts';
import type { Respond } from '../server/endpoint.ts';
import { createReadiness, type ReadinessCheck } from '../server/endpoints/ready.ts';
import type { BackendClient } from '../wire/backend.ts';
import type { DpopParts } from './dpop.ts';
import type { IntrospectionParts } from './introspection.ts';
import type { RuntimeOptions } from './runtime.ts';

export interface ReadinessParts {
  readonly issuers: readonly TrustedIssuer[];
  readonly introspection: IntrospectionParts | undefined;
  readonly backend: BackendClient;
  readonly dpop: DpopParts | undefined;
}

export function buildReadiness(
  { config, observers, isDraining }: RuntimeOptions,
  { issuers, introspection, backend, dpop }: ReadinessParts,
): Respond {
  const checks: Record<string, ReadinessCheck> = { backend: () => backend.probe(config.backend.connect_timeout) };
  const readable = issuers.filter((trusted) => !isOpaqueAlone(trusted, introspection));
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
function isOpaqueAlone(trusted: TrustedIssuer, introspection: IntrospectionParts | undefined): boolean {
  const isAsked = introspection?.trusted === trusted && !introspection.includesJwts;
  return isAsked && trusted.jwks.source.jwksUri === undefined;
}

function checkKeys(issuers: readonly TrustedIssuer[]): void {
  const without = issuers.find(({ jwks }) => (jwks.keys ?? []).length === 0);
  if (without !== undefined) throw new Error(`no keys of ${without.issuer}`);
}

function checkEndpoint({ endpoint }: IntrospectionParts): void {
  if (endpoint.problem !== undefined) throw new Error(endpoint.problem);
}
