/** Config → `/ready`: what must be well for traffic sent here to be served. */
import { errorField } from '../observe/log.ts';
import type { Observers } from '../observe/observers.ts';
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
  const [first, ...others] = servers;
  if (first !== undefined && others.length === 0) checks['backend'] = countProbes(first);
  const readable = issuers.filter((issuer) => !isOpaqueAlone(issuer, introspection));
  if (readable.length > 0) checks['jwks'] = async () => checkKeys(readable);
  if (introspection !== undefined) checks['introspection'] = async () => checkEndpoint(introspection);
  if (dpop !== undefined) checks['replay_cache'] = () => dpop.probe();
  return createReadiness({
    clock: observers.clock,
    checks,
    observed: others.length === 0 ? [] : servers.map((server) => observeBackend(server, observers)),
    isDraining,
    onFailed: (check, error) => observers.log.warn('not_ready', { check, error: errorField(error) }),
  });
}

/** Of several servers: the others go on without the one whose backend is down, and who may ask is not told its name. */
function observeBackend(server: ServerParts, { log }: Observers): () => Promise<void> {
  const probe = countProbes(server);
  return () =>
    probe().catch((error: unknown) => log.warn('backend_down', { server: server.name, error: errorField(error) }));
}

function countProbes({ probe, server: { metrics } }: ServerParts): ReadinessCheck {
  if (metrics === undefined) return probe;
  return async () => {
    try {
      await probe();
    } catch (error) {
      metrics.probed(false);
      throw error;
    }
    metrics.probed(true);
  };
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
