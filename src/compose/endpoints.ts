/** Config → what Obex answers by itself: of all servers, and what each of them publishes. */
import type { Endpoint } from '../server/endpoint.ts';
import { respondHealth } from '../server/endpoints/health.ts';
import { createMetricsEndpoint } from '../server/endpoints/metrics.ts';
import { buildKeySet } from './identity.ts';
import { buildLoginEndpoints } from './login.ts';
import type { ComposeOptions } from './options.ts';
import { joinEndpoints } from './published.ts';
import { buildReadiness, type ReadinessOptions } from './readiness.ts';
import type { CommonParts, ServerParts } from './server.ts';

export const METRICS_PATH = '/metrics';

/** By raw path. */
export function buildEndpoints(
  options: ReadinessOptions,
  common: CommonParts,
  servers: readonly ServerParts[],
): ReadonlyMap<string, Endpoint> {
  const { config } = options;
  const isQuiet = !config.log.probes;
  const endpoints = new Map<string, Endpoint>([
    ['/health', { respond: respondHealth, isPublic: false, isVital: true, isQuiet }],
    ['/ready', { respond: buildReadiness(options, common, servers), isPublic: false, isVital: true, isQuiet }],
    ...joinEndpoints(servers, config.obex.public_url),
    ...buildKeySet(
      options,
      servers.map(({ assertions }) => assertions),
    ),
    ...buildLoginEndpoints(options),
  ]);
  if (config.metrics.listen === undefined) endpoints.set(METRICS_PATH, buildMetricsEndpoint(options));
  return endpoints;
}

export function buildMetricsEndpoint({ config, observers }: ComposeOptions): Endpoint {
  const respond = createMetricsEndpoint(observers.metrics);
  return { respond, isPublic: false, isVital: false, isQuiet: !config.log.probes };
}
