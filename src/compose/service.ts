/** Config → Service: the routes, the policies and the limits that all servers share. */
import { deny } from '../oauth/denial.ts';
import { createOriginPolicy, type OriginPolicy } from '../oauth/origin.ts';
import { isLoop } from '../proxy/via.ts';
import { createClientAddress, createPeerTrust } from '../server/client-address.ts';
import { createClientCertificate } from '../server/client-certificate.ts';
import { createCors } from '../server/cors.ts';
import type { Endpoint } from '../server/endpoint.ts';
import { createHostPolicy } from '../server/host-policy.ts';
import { createRefusalLoop, type JudgeRefusal } from '../server/refusal-loop.ts';
import { createRoute, type SelectRoute } from '../server/route.ts';
import type { Service } from '../server/service.ts';
import { RefusalCounts } from '../state/refusal-counts.ts';
import type { ServerLimits } from '../wire/exchange.ts';
import { MAX_METRICS_CONNECTIONS } from './descriptors.ts';
import { buildMetricsEndpoint, METRICS_PATH } from './endpoints.ts';
import type { ClientCharges } from './limits.ts';
import type { CommonConfig, ComposeOptions } from './options.ts';
import { buildSelection } from './selection.ts';
import type { ServerParts } from './server.ts';

const MAX_REQUEST_LINE_BYTES = 8 * 1024;

interface ServiceOptions extends ComposeOptions {
  isClosing(): boolean;
}

interface ServiceParts {
  /** By raw path. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly servers: readonly ServerParts[];
  readonly clientCharges: ClientCharges;
  /** Bytes of a request body that some server takes. */
  readonly maxBodyBytes: number;
  /** Of the service that this one replaces. */
  readonly judgeRefusal: JudgeRefusal | undefined;
}

export function buildService(options: ServiceOptions, parts: ServiceParts): Service {
  const { config } = options;
  const { endpoints } = parts;
  const network = { trustedProxies: config.obex.trusted_proxies, isUnixSocket: 'path' in config.obex.listen };
  return {
    selectRoute: buildRoute(options, parts),
    resolveClientAddress: createClientAddress(network),
    resolveClientCertificate: createClientCertificate({
      believesField: config.obex.client_cert_header,
      isTrustedPeer: createPeerTrust(network),
    }),
    cors: createCors({
      isAllowed: buildOriginPolicy(config),
      publicPaths: pathsOf(endpoints, ({ isPublic }) => isPublic),
      closedPaths: pathsOf(endpoints, ({ leadsFrom }) => leadsFrom !== undefined),
      allowedHeaders: config.cors.allowed_headers,
      exposedHeaders: config.cors.exposed_headers,
    }),
    chargeClient: parts.clientCharges.chargeClient,
    judgeRefusal: buildRefusalLoop(options, parts.judgeRefusal),
    limits: buildLimits(config, parts.maxBodyBytes),
    accessLog: config.log.access,
  };
}

function buildRoute({ config, isClosing, shared }: ServiceOptions, parts: ServiceParts): SelectRoute {
  const { endpoints, servers } = parts;
  const { public_url: publicUrl, allowed_hosts: allowedHosts } = config.obex;
  const closedPath = config.metrics.listen === undefined ? undefined : METRICS_PATH;
  return createRoute({
    endpoints,
    selectServer: buildSelection(servers, { publicUrl, closedPath }),
    isOriginAllowed: buildOriginPolicy(config),
    ownOrigin: publicUrl.origin,
    isLoop: (fields) => isLoop(fields, shared.viaPseudonym),
    hostPolicy:
      config.idp === undefined
        ? createHostPolicy({ publicUrl, allowedHosts: [...allowedHosts, ...hostsOf(servers)] })
        : undefined,
    isClosing,
  });
}

/** What names of several lead to Obex, the resources say. */
function hostsOf(servers: readonly ServerParts[]): readonly string[] {
  return servers.flatMap(({ name, resourceUrl }) => (name === undefined ? [] : [resourceUrl.host]));
}

/** Counts outlive a reload. */
function buildRefusalLoop(
  { config, shared, observers }: ComposeOptions,
  previous: JudgeRefusal | undefined,
): JudgeRefusal | undefined {
  if (config.idp === undefined || previous !== undefined) return previous;
  const { verified, unverified } = shared.provideRefusalMemory();
  return createRefusalLoop(
    { verified: new RefusalCounts(verified), unverified: new RefusalCounts(unverified) },
    observers,
  );
}

function pathsOf(endpoints: ReadonlyMap<string, Endpoint>, fits: (endpoint: Endpoint) => boolean): ReadonlySet<string> {
  return new Set([...endpoints].filter(([, endpoint]) => fits(endpoint)).map(([path]) => path));
}

/** The main service with nothing to route to but `/metrics`. */
export function buildMetricsService(options: ComposeOptions, service: Service): Service {
  const { config } = options;
  const selectRoute = createRoute({
    endpoints: new Map([[METRICS_PATH, buildMetricsEndpoint(options)]]),
    selectServer: () => deny('not_found'),
    isOriginAllowed: buildOriginPolicy(config),
    ownOrigin: config.obex.public_url.origin,
    isLoop: () => false,
    hostPolicy: undefined,
    isClosing: () => false,
  });
  return { ...service, selectRoute, limits: { ...service.limits, maxConnections: MAX_METRICS_CONNECTIONS } };
}

function buildOriginPolicy({ obex, cors }: CommonConfig): OriginPolicy {
  return createOriginPolicy({ publicUrl: obex.public_url, allowedOrigins: cors.allowed_origins });
}

function buildLimits({ limits }: CommonConfig, maxBodyBytes: number): ServerLimits {
  return {
    maxHeaderBytes: limits.max_header_bytes,
    maxRequestLineBytes: MAX_REQUEST_LINE_BYTES,
    maxBodyBytes,
    readTimeoutMs: limits.read_timeout,
    bodyTimeoutMs: limits.body_timeout,
    writeTimeoutMs: limits.write_timeout,
    idleTimeoutMs: limits.idle_timeout,
    maxConnections: limits.max_connections,
  };
}
