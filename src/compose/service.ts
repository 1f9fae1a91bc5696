/** Config → Service: the routes, the policies and the endpoints that requests meet. */
import type { Config } from '../config/schema.ts';
import type { Authenticate } from '../gate/authenticate.ts';
import { createAuthorize } from '../gate/authorize.ts';
import type { Charge } from '../gate/charge.ts';
import { type Challenges, createChallenges } from '../oauth/challenge.ts';
import { isIssuerIdentifier } from '../oauth/issuer-metadata.ts';
import { denyAuthorization } from '../oauth/no-authorization-server.ts';
import { createOriginPolicy, type OriginPolicy } from '../oauth/origin.ts';
import { formatProtectedResourceMetadata, metadataPaths } from '../oauth/protected-resource-metadata.ts';
import { createBackendHeaders } from '../proxy/backend-headers.ts';
import { Forwarder, type ForwardOptions, InFlight } from '../proxy/forward.ts';
import { isSubscription } from '../proxy/open-streams.ts';
import { createClientHeaders } from '../proxy/response-headers.ts';
import { isLoop } from '../proxy/via.ts';
import { createClientAddress, createPeerTrust } from '../server/client-address.ts';
import { createClientCertificate } from '../server/client-certificate.ts';
import { createCors } from '../server/cors.ts';
import type { Endpoint } from '../server/endpoint.ts';
import { respondHealth } from '../server/endpoints/health.ts';
import { createMetadataEndpoint } from '../server/endpoints/metadata.ts';
import { createMetricsEndpoint } from '../server/endpoints/metrics.ts';
import { createHostPolicy } from '../server/host-policy.ts';
import { createRefusalLoop, type JudgeRefusal } from '../server/refusal-loop.ts';
import { createRoute } from '../server/route.ts';
import type { Service } from '../server/service.ts';
import { RefusalCounts } from '../state/refusal-counts.ts';
import type { BackendClient } from '../wire/backend.ts';
import type { ServerLimits } from '../wire/exchange.ts';
import { fitYoungGeneration } from '../young-generation.ts';
import { MAX_METRICS_CONNECTIONS, spareDescriptors } from './descriptors.ts';
import type { DpopParts } from './dpop.ts';
import type { IdentityParts } from './identity.ts';
import { buildLoginEndpoints } from './login.ts';
import { buildReadiness, type ReadinessParts } from './readiness.ts';
import type { RuntimeOptions } from './runtime.ts';
import { challengeScopes, metadataScopes } from './scopes.ts';

const METRICS_PATH = '/metrics';
const MAX_REQUEST_LINE_BYTES = 8 * 1024;

interface ServiceParts extends ReadinessParts {
  readonly authenticate: Authenticate;
  readonly chargeClient: Charge;
  readonly identity: IdentityParts;
}

export function buildService(options: RuntimeOptions, parts: ServiceParts): Service {
  const { config, isClosing, shared } = options;
  const { public_url: publicUrl } = config.obex;
  const isOriginAllowed = buildOriginPolicy(config);
  const allowedHosts = config.obex.allowed_hosts;
  const network = { trustedProxies: config.obex.trusted_proxies, isUnixSocket: 'path' in config.obex.listen };
  const endpoints = buildEndpoints(options, parts);
  return {
    selectRoute: createRoute({
      endpoints,
      isClosed: (path) => config.metrics.listen !== undefined && path === METRICS_PATH,
      isOriginAllowed,
      ownOrigin: publicUrl.origin,
      isLoop: (fields) => isLoop(fields, shared.viaPseudonym),
      hostPolicy: config.idp === undefined ? createHostPolicy({ publicUrl, allowedHosts }) : undefined,
      noAuthorizationServer: config.idp && denyAuthorization(authorizationServers(config), locateMetadata(config)),
      isClosing,
    }),
    resolveClientAddress: createClientAddress(network),
    resolveClientCertificate: createClientCertificate({
      believesField: config.obex.client_cert_header,
      isTrustedPeer: createPeerTrust(network),
    }),
    cors: createCors({
      isAllowed: isOriginAllowed,
      publicPaths: pathsOf(endpoints, ({ isPublic }) => isPublic),
      closedPaths: pathsOf(endpoints, ({ leadsFrom }) => leadsFrom !== undefined),
      allowedHeaders: config.cors.allowed_headers,
      exposedHeaders: config.cors.exposed_headers,
    }),
    challenges: buildChallenges(config, parts.dpop),
    authenticate: parts.authenticate,
    chargeClient: parts.chargeClient,
    authorize: createAuthorize(config.authz.required_scopes),
    judgeRefusal: buildRefusalLoop(options),
    forwarder: buildForwarder(options, parts.backend),
    limits: buildLimits(config),
    accessLog: config.log.access,
  };
}

function buildChallenges(config: Config, dpop: DpopParts | undefined): Challenges {
  return createChallenges({
    resourceMetadataUrl: locateMetadata(config),
    requiredScopes: challengeScopes(config),
    ...(dpop === undefined ? {} : { dpopAlgorithms: config.dpop.algorithms }),
  });
}

function buildForwarder(options: RuntimeOptions, backend: BackendClient): Forwarder {
  const { config, shared, previous } = options;
  const spare = spareDescriptors(config, options.descriptorLimit);
  const {
    limits,
    backend: { max_requests: maxRequests },
  } = config;
  return new Forwarder({
    backend,
    formatBackendFields: createBackendHeaders({
      backendAuthority: config.backend.url.host,
      publicUrl: config.obex.public_url,
      staticFields: Object.entries(config.backend.headers).flat(),
      strippedNames: [...config.backend.strip_headers, ...Object.keys(config.backend.claim_headers)],
      viaPseudonym: shared.viaPseudonym,
    }),
    formatClientFields: createClientHeaders({ publicUrl: config.obex.public_url, backendUrl: config.backend.url }),
    maxRequests: () => Math.min(maxRequests, spare - shared.connections.total),
    perPrincipal: {
      maxRequests: limits.max_requests_per_principal ?? maxRequests,
      maxStreams: limits.max_streams_per_principal ?? maxRequests,
    },
    inFlight: previous?.service.forwarder.inFlight ?? createInFlight(options),
    streamEndsAtMs: buildStreamEnd(config),
  });
}

function createInFlight({ config, shared, observers: { clock, log } }: RuntimeOptions): InFlight {
  const { backendRequests, eventStreams } = shared;
  return new InFlight({
    backendRequests,
    eventStreams,
    principals: config.idp === undefined ? undefined : shared.providePrincipalLoads(),
    onEventStreams: fitYoungGeneration,
    nowMs: () => clock.nowMs(),
    onEnding: (reason, streams) => log.info('event_streams_ended', { reason, streams }),
  });
}

function buildStreamEnd({ authz, idp }: Config): ForwardOptions['streamEndsAtMs'] {
  if (authz.on_token_expiry === 'keep') return () => Number.POSITIVE_INFINITY;
  const skewMs = idp?.clock_skew ?? 0;
  return (head, { accessToken }) =>
    accessToken === undefined || !isSubscription(head) ? Number.POSITIVE_INFINITY : accessToken.expiresAtMs + skewMs;
}

/** Counts outlive a reload. */
function buildRefusalLoop({ config, shared, observers, previous }: RuntimeOptions): JudgeRefusal | undefined {
  if (config.idp === undefined || previous !== undefined) return previous?.service.judgeRefusal;
  const { verified, unverified } = shared.provideRefusalMemory();
  return createRefusalLoop(
    { verified: new RefusalCounts(verified), unverified: new RefusalCounts(unverified) },
    observers,
  );
}

function buildEndpoints(options: RuntimeOptions, parts: ServiceParts): ReadonlyMap<string, Endpoint> {
  const { config } = options;
  const { dpop, identity } = parts;
  const respondMetadata = createMetadataEndpoint(
    formatProtectedResourceMetadata({
      resource: config.resource.url,
      authorizationServers: authorizationServers(config),
      scopesSupported: metadataScopes(config),
      certificateBound: config.idp !== undefined && takesCertificates(config),
      ...(dpop === undefined ? {} : { dpop: { algorithms: config.dpop.algorithms, required: config.dpop.required } }),
    }),
  );
  const metadata: Endpoint = { respond: respondMetadata, isPublic: true, isVital: false, isQuiet: false };
  const isQuiet = !config.log.probes;
  const paths = metadataPaths(config.resource.url);
  const endpoints = new Map<string, Endpoint>([
    ['/health', { respond: respondHealth, isPublic: false, isVital: true, isQuiet }],
    ['/ready', { respond: buildReadiness(options, parts), isPublic: false, isVital: true, isQuiet }],
    [paths.root, metadata],
    [paths.withSuffix, metadata],
    ...identity.endpoints,
    ...buildLoginEndpoints(options),
  ]);
  if (config.metrics.listen === undefined) endpoints.set(METRICS_PATH, metricsEndpoint(options));
  return endpoints;
}

/** Whether a client can show a certificate at all. */
function takesCertificates({ obex }: Config): boolean {
  return obex.tls.client_auth !== 'off' || obex.client_cert_header;
}

/** Where the metadata with the path suffix is, as clients reach it. */
function locateMetadata({ resource, obex }: Config): URL {
  return new URL(metadataPaths(resource.url).withSuffix, obex.public_url);
}

/** Whom clients are sent to for a login: unless others are named the trusted issuers, as far as they are a place to go to. */
function authorizationServers({ idp, resource }: Config): readonly string[] {
  if (resource.authorization_servers.length > 0) return resource.authorization_servers;
  if (idp === undefined) return [];
  const issuers = [idp, ...idp.additional_issuers].map(({ issuer }) => issuer);
  return issuers.filter((issuer) => isIssuerIdentifier(issuer, idp.dangerously_allow_http));
}

function pathsOf(endpoints: ReadonlyMap<string, Endpoint>, fits: (endpoint: Endpoint) => boolean): ReadonlySet<string> {
  return new Set([...endpoints].filter(([, endpoint]) => fits(endpoint)).map(([path]) => path));
}

function metricsEndpoint({ config, observers }: RuntimeOptions): Endpoint {
  const respond = createMetricsEndpoint(observers.metrics);
  return { respond, isPublic: false, isVital: false, isQuiet: !config.log.probes };
}

/** The main service with nothing to route to but `/metrics`. */
export function buildMetricsService(options: RuntimeOptions, service: Service): Service {
  const { config } = options;
  const selectRoute = createRoute({
    endpoints: new Map([[METRICS_PATH, metricsEndpoint(options)]]),
    isClosed: () => true,
    isOriginAllowed: buildOriginPolicy(config),
    ownOrigin: config.obex.public_url.origin,
    isLoop: () => false,
    hostPolicy: undefined,
    noAuthorizationServer: undefined,
    isClosing: () => false,
  });
  return { ...service, selectRoute, limits: { ...service.limits, maxConnections: MAX_METRICS_CONNECTIONS } };
}

function buildOriginPolicy({ obex, cors }: Config): OriginPolicy {
  return createOriginPolicy({ publicUrl: obex.public_url, allowedOrigins: cors.allowed_origins });
}

function buildLimits({ limits }: Config): ServerLimits {
  return {
    maxHeaderBytes: limits.max_header_bytes,
    maxRequestLineBytes: MAX_REQUEST_LINE_BYTES,
    maxBodyBytes: limits.max_request_body,
    readTimeoutMs: limits.read_timeout,
    bodyTimeoutMs: limits.body_timeout,
    writeTimeoutMs: limits.write_timeout,
    idleTimeoutMs: limits.idle_timeout,
    maxConnections: limits.max_connections,
  };
}
