/** Config → Runtime: the only reader of the configuration. Everything in it is made once and frozen. */
import { type Phase, phaseOf } from '../config/phase.ts';
import type { Config } from '../config/schema.ts';
import type { TrustedIssuer } from '../gate/verify-access-token.ts';
import type { Observers } from '../observe/observers.ts';
import type { OpenStreams } from '../proxy/open-streams.ts';
import type { Service } from '../server/service.ts';
import type { ProcessWide } from '../state/process-wide.ts';
import type { VerifiedTokens } from '../state/verified-tokens.ts';
import type { BackendClient } from '../wire/backend.ts';
import { createBackendClient } from '../wire/engine.ts';
import type { ServerTls } from '../wire/exchange.ts';
import { buildDpop, type DpopParts } from './dpop.ts';
import { type RuntimeFiles, readRuntimeFiles } from './files.ts';
import {
  buildAuthenticate,
  buildCharges,
  buildIssuers,
  buildRateLimit,
  buildVerifiedTokens,
  createStanding,
  type RateLimit,
  startIssuers,
} from './gate.ts';
import { buildIdentity, type IdentityParts, tellKeys } from './identity.ts';
import { buildIntrospection, type IntrospectionParts } from './introspection.ts';
import { buildMetricsService, buildService } from './service.ts';
import { warnOfCertificates } from './tls.ts';

export interface RuntimeOptions {
  readonly config: Config;
  readonly observers: Observers;
  readonly shared: ProcessWide;
  /** Not ready any more, but still accepting for `drain_delay`. */
  isDraining(): boolean;
  /** The listener has closed. */
  isClosing(): boolean;
  /** The runtime that this one replaces: caches of issuers and buckets that stay the same are taken over. */
  readonly previous: Runtime | undefined;
  /** File descriptors that the process may have; undefined where that is not known. */
  readonly descriptorLimit: number | undefined;
  /** Given when somebody has read them already. */
  readonly files: RuntimeFiles | undefined;
}

/** One configuration at work. */
export interface Runtime {
  readonly phase: Phase;
  readonly service: Service;
  /** What a metrics listener of its own serves. */
  readonly metricsService: Service;
  readonly tls: ServerTls | undefined;
  readonly issuers: readonly TrustedIssuer[];
  /** Undefined where no issuer is asked about tokens. */
  readonly introspection: IntrospectionParts | undefined;
  readonly verifiedTokens: VerifiedTokens;
  readonly rateLimit: RateLimit | undefined;
  /** Undefined below phase 3. */
  readonly dpop: DpopParts | undefined;
  readonly identity: IdentityParts;
  readonly files: RuntimeFiles;
  readonly backend: BackendClient;
  /** It is in force from now on. */
  begin(): void;
  /** Stops what runs in the background, but for what `successor` has taken over. */
  release(successor: Runtime | undefined): void;
}

const MAX_BACKEND_HEAD_BYTES = 64 * 1024;

/** Reads the files that the config names; throws an error that names key, path and cause if one cannot be read. */
export function buildRuntime(options: RuntimeOptions): Runtime {
  const { config } = options;
  // What may fail comes first, so that a refused reload leaves nothing behind.
  const files = options.files ?? readFiles(options);
  const backend = buildBackend(options, files.server.backendCa);
  const dpop = buildDpop(options, files.redisCa);
  const issuers = buildIssuers({ ...options, files });
  const introspection = buildIntrospection(options, issuers);
  const verifiedTokens = buildVerifiedTokens(config);
  const rateLimit = buildRateLimit(options);
  const charges = buildCharges(rateLimit, options.observers.clock);
  const identity = buildIdentity(options, files.server.assertionKey);
  const gate = { issuers, introspection, verifiedTokens, charges, dpop, identity };
  const authenticate = buildAuthenticate(options, gate);
  const service = buildService(options, { ...gate, ...charges, backend, authenticate });
  const { streams } = service.forwarder.inFlight;
  const stopListening = issuers.map((trusted) => dropWithdrawn(trusted, verifiedTokens, streams));
  const runtime: Runtime = {
    phase: phaseOf(config),
    service,
    metricsService: buildMetricsService(options, service),
    tls: files.tls,
    issuers,
    introspection,
    verifiedTokens,
    rateLimit,
    dpop,
    identity,
    files,
    backend,
    begin: () => beginBackground(runtime, config),
    release: (successor) => {
      for (const stop of stopListening) stop();
      stopBackground(runtime, successor);
      backend.close();
    },
  };
  return Object.freeze(runtime);
}

function beginBackground({ service, issuers, introspection, dpop }: Runtime, config: Config): void {
  dpop?.begin();
  startIssuers(issuers, config);
  introspection?.endpoint.start();
  if (config.idp === undefined) return;
  service.forwarder.inFlight.streams.judgeBy(createStanding(issuers, introspection?.trusted));
}

/** But for what the successor has taken over. */
function stopBackground({ issuers, introspection, dpop }: Runtime, successor: Runtime | undefined): void {
  const kept = new Set(successor?.issuers.map(({ jwks }) => jwks));
  for (const { jwks } of issuers) if (!kept.has(jwks)) jwks.stop();
  if (successor?.introspection?.endpoint !== introspection?.endpoint) introspection?.endpoint.stop();
  if (successor?.dpop?.replayCache !== dpop?.replayCache) dpop?.stop();
}

/** What rests on a key goes with it, and what rests on a token that is called back. Returns the way to stop that. */
function dropWithdrawn(
  { issuer, jwks, revoked }: TrustedIssuer,
  tokens: VerifiedTokens,
  streams: OpenStreams,
): () => void {
  const unfollow = revoked?.onChange(() => {
    tokens.dropRevoked(issuer, revoked);
    streams.endUnfounded();
  });
  const stop = jwks.onChange((keys) => {
    tokens.keepOnly(issuer, keys);
    streams.endUnfounded();
  });
  return () => {
    unfollow?.();
    stop();
  };
}

function readFiles(options: RuntimeOptions): RuntimeFiles {
  const { config, observers, previous } = options;
  const files = readRuntimeFiles(config, previous?.files);
  warnOfCertificates(config, files, observers);
  tellKeys(options, files, previous?.files);
  return files;
}

function buildBackend({ config, observers }: RuntimeOptions, ca: string | undefined): BackendClient {
  const { backend } = config;
  return createBackendClient({
    url: backend.url,
    connectTimeoutMs: backend.connect_timeout,
    headTimeoutMs: backend.timeout,
    maxIdleConnections: backend.max_idle_conns,
    maxHeaderBytes: MAX_BACKEND_HEAD_BYTES,
    ca,
    onBug: (error) => observers.engine.onBug(error),
  });
}
