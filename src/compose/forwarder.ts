/** Config → the way to the backend of one server: connections, fields, and what may be in flight. */
import { PartTally } from '../lib/tally.ts';
import { createBackendHeaders } from '../proxy/backend-headers.ts';
import { Forwarder, type ForwardOptions, InFlight } from '../proxy/forward.ts';
import { isSubscription } from '../proxy/open-streams.ts';
import { createClientHeaders } from '../proxy/response-headers.ts';
import type { ProgramsDoor } from '../state/process-wide.ts';
import type { BackendClient } from '../wire/backend.ts';
import { createBackendClient } from '../wire/engine.ts';
import { fitYoungGeneration } from '../young-generation.ts';
import type { ServerOptions } from './options.ts';
import { backendHostOf, buildReferences, resourceUrlOf } from './paths.ts';

const MAX_BACKEND_HEAD_BYTES = 64 * 1024;

/** `ca`: PEM of the authorities trusted instead of the public ones. */
export function buildBackend(options: ServerOptions, ca: string | undefined): BackendClient {
  const { own, observers } = options;
  const { backend } = own;
  return createBackendClient({
    url: backend.url,
    host: backendHostOf(own),
    socketPath: programsDoor(options)?.socketPath,
    connectTimeoutMs: backend.connect_timeout,
    headTimeoutMs: backend.timeout,
    maxIdleConnections: backend.max_idle_conns,
    maxHeaderBytes: MAX_BACKEND_HEAD_BYTES,
    ca,
    onBug: (error) => observers.engine.onBug(error),
  });
}

/** `inFlight`: of the forwarder that this one replaces. */
export function buildForwarder(
  options: ServerOptions,
  backend: BackendClient,
  inFlight: InFlight | undefined,
): Forwarder {
  const { own, shared } = options;
  const { max_requests: maxRequests, ...settings } = own.backend;
  const { paths, ...references } = buildReferences(options);
  return new Forwarder({
    backend,
    formatBackendFields: createBackendHeaders({
      backendHost: backendHostOf(own),
      publicUrl: resourceUrlOf(own),
      staticFields: [...Object.entries(settings.headers).flat(), ...hopField(options)],
      strippedNames: [...settings.strip_headers, ...Object.keys(settings.claim_headers), ...sharedFields(own)],
      viaPseudonym: shared.viaPseudonym,
    }),
    formatClientFields: createClientHeaders(references),
    paths,
    maxBodyBytes: own.limits.max_request_body < options.maxBodyBytes ? own.limits.max_request_body : undefined,
    maxRequests: buildMaxRequests(options),
    perPrincipal: {
      maxRequests: own.limits.max_requests_per_principal ?? maxRequests,
      maxStreams: own.limits.max_streams_per_principal ?? maxRequests,
    },
    inFlight: inFlight ?? createInFlight(options),
    streamEndsAtMs: buildStreamEnd(options),
  });
}

/** Servers on one origin would read each other's cookies. */
function sharedFields({ name }: ServerOptions['own']): readonly string[] {
  return name === undefined ? [] : ['Cookie'];
}

/** Descriptors that client connections and requests to other backends have taken are not there for these. */
function buildMaxRequests({
  own,
  shared,
  spareDescriptors,
  descriptorsOfRequest: ofEach,
}: ServerOptions): () => number {
  const { max_requests: most } = own.backend;
  const { connections, backendRequests } = shared;
  if (own.name === undefined) return () => Math.min(most, (spareDescriptors - connections.total) / ofEach);
  const { requests } = shared.provideServer(own.name);
  return () => {
    const others = backendRequests.total - requests.total;
    return Math.min(most, (spareDescriptors - connections.total) / ofEach - others);
  };
}

/** Undefined where the backend is reached by its URL. */
function programsDoor({ own: { backend }, shared }: ServerOptions): ProgramsDoor | undefined {
  if (backend.command.length === 0) return undefined;
  if (shared.programs === undefined) throw new TypeError('a program without its thread');
  return shared.programs;
}

/** What proves to the programs thread that a request comes from Obex. */
function hopField(options: ServerOptions): readonly string[] {
  const door = programsDoor(options);
  return door === undefined ? [] : ['X-Obex-Hop', door.hop];
}

function createInFlight({ config, own, shared, observers: { clock, log } }: ServerOptions): InFlight {
  const { backendRequests: all, eventStreams } = shared;
  return new InFlight({
    backendRequests: own.name === undefined ? all : new PartTally(shared.provideServer(own.name).requests, all),
    eventStreams,
    principals: config.idp === undefined ? undefined : shared.providePrincipalLoads(),
    onEventStreams: fitYoungGeneration,
    nowMs: () => clock.nowMs(),
    onEnding: (reason, streams) => log.info('event_streams_ended', { server: own.name, reason, streams }),
  });
}

function buildStreamEnd({ config: { idp }, own: { authz } }: ServerOptions): ForwardOptions['streamEndsAtMs'] {
  if (authz.on_token_expiry === 'keep') return () => Number.POSITIVE_INFINITY;
  const skewMs = idp?.clock_skew ?? 0;
  return (head, { accessToken }) =>
    accessToken === undefined || !isSubscription(head) ? Number.POSITIVE_INFINITY : accessToken.expiresAtMs + skewMs;
}
