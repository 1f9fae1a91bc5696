/** Config → Runtime: what all servers share, each server, and the service in front of them. Made once and frozen. */
import { type Phase, phaseOf } from '../config/phase.ts';
import type { Config } from '../config/schema.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Service } from '../server/service.ts';
import type { ServerTls } from '../wire/exchange.ts';
import { descriptorsOfRequest, spareDescriptors } from './descriptors.ts';
import { buildDpop } from './dpop.ts';
import { buildEndpoints } from './endpoints.ts';
import { type RuntimeFiles, readRuntimeFiles } from './files.ts';
import { prepareVerifiedTokens } from './gate.ts';
import { tellKeys } from './identity.ts';
import { buildIntrospection } from './introspection.ts';
import { buildIssuers, startIssuers } from './issuers.ts';
import { buildClientCharges, buildRateLimit, largestBody, type RateLimit } from './limits.ts';
import type { ComposeOptions } from './options.ts';
import { buildServer, type CommonParts, type ServerParts } from './server.ts';
import { buildMetricsService, buildService } from './service.ts';
import { warnOfCertificates } from './tls.ts';

export interface RuntimeOptions extends ComposeOptions {
  readonly config: Config;
  /** Not ready any more, but still accepting for `drain_delay`. */
  isDraining(): boolean;
  /** The listener has closed. */
  isClosing(): boolean;
}

/** What is there already. */
export interface RuntimeHeritage {
  /** The runtime that this one replaces: caches of issuers and buckets that stay the same are taken over. */
  readonly previous: Runtime | undefined;
  /** Given when somebody has read them already. */
  readonly files: RuntimeFiles | undefined;
  /** File descriptors that the process may have; undefined where that is not known. */
  readonly descriptorLimit: number | undefined;
}

/** One configuration at work. */
export interface Runtime extends CommonParts {
  readonly phase: Phase;
  readonly service: Service;
  /** What a metrics listener of its own serves. */
  readonly metricsService: Service;
  readonly servers: readonly ServerParts[];
  readonly tls: ServerTls | undefined;
  readonly clientLimit: RateLimit | undefined;
  readonly files: RuntimeFiles;
  /** It is in force from now on, in the place of `previous`. */
  begin(previous: Runtime | undefined): void;
  /** Ends every open event stream at its next boundary. */
  finishStreams(): void;
  /** Stops what runs in the background, but for what `successor` has taken over. */
  release(successor: Runtime | undefined): void;
}

/** Reads the files that the config names; throws an error that names key, path and cause if one cannot be read. */
export function buildRuntime(options: RuntimeOptions, heritage: RuntimeHeritage): Runtime {
  const { config, observers } = options;
  const { previous } = heritage;
  // What may fail comes first, so that a refused reload leaves nothing behind.
  const files = heritage.files ?? readFiles(options, previous?.files);
  const { common, clientLimit } = buildCommon(options, files, previous);
  const servers = buildServers(options, common, { ...heritage, files });
  const service = buildService(options, {
    endpoints: buildEndpoints(options, common, servers),
    servers,
    clientCharges: common.clientCharges,
    maxBodyBytes: largestBody(config),
    judgeRefusal: previous?.service.judgeRefusal,
  });
  const runtime: Runtime = {
    ...common,
    phase: phaseOf(config),
    service,
    metricsService: buildMetricsService(options, service),
    servers,
    tls: files.tls,
    clientLimit,
    files,
    begin: (before) => begin(runtime, before, { config, metrics: observers.metrics }),
    finishStreams: () => {
      for (const one of servers) one.server.forwarder.inFlight.streams.finishAll();
    },
    release: (successor) => release(runtime, successor),
  };
  return Object.freeze(runtime);
}

/** One that stays is found by its name. */
function buildServers(
  options: RuntimeOptions,
  common: CommonParts,
  { files, previous, descriptorLimit }: RuntimeHeritage & { readonly files: RuntimeFiles },
): readonly ServerParts[] {
  const { config } = options;
  const forAll = {
    ...options,
    spareDescriptors: spareDescriptors(config, descriptorLimit),
    descriptorsOfRequest: descriptorsOfRequest(config),
    maxBodyBytes: largestBody(config),
    isAlone: config.servers.length === 1,
  };
  return config.servers.map((own, index) => {
    const ownFiles = files.servers[index];
    if (ownFiles === undefined) throw new TypeError('a server whose files were not read');
    const before = previous?.servers.find(({ name }) => name === own.name);
    return buildServer({ ...forAll, own, files: ownFiles, previous: before }, common);
  });
}

function readFiles({ config, observers }: RuntimeOptions, before: RuntimeFiles | undefined): RuntimeFiles {
  const files = readRuntimeFiles(config, before);
  warnOfCertificates(config, files, observers);
  tellKeys({ config, observers }, files, before);
  return files;
}

function buildCommon(options: ComposeOptions, files: RuntimeFiles, previous: Runtime | undefined) {
  const { config, observers, shared } = options;
  const dpop = buildDpop(options, files.redisCa, previous?.dpop);
  const issuers = buildIssuers({ config, shared, files, previous: previous?.issuers });
  const introspection = buildIntrospection(options, issuers, previous?.introspection);
  const { limits } = config;
  const clientLimit = buildRateLimit('clients', { limits, shared, previous: previous?.clientLimit });
  const common: CommonParts = {
    issuers,
    introspection,
    dpop,
    clientCharges: buildClientCharges(clientLimit, observers.clock),
    createVerifiedTokens: prepareVerifiedTokens(config),
  };
  return { common, clientLimit };
}

function begin(
  { servers, issuers, introspection, dpop }: Runtime,
  previous: Runtime | undefined,
  { config, metrics }: { readonly config: Config; readonly metrics: Metrics },
): void {
  for (const { verifiedTokens } of previous?.servers ?? []) verifiedTokens.onResize = undefined;
  measureVerifiedTokens(servers, metrics);
  dpop?.begin();
  startIssuers(issuers, config);
  introspection?.endpoint.start();
  for (const server of servers) server.begin();
}

/** The metrics tell of all servers together. */
function measureVerifiedTokens(servers: readonly ServerParts[], metrics: Metrics): void {
  const measure = (): void => {
    let entries = 0;
    let bytes = 0;
    for (const { verifiedTokens } of servers) {
      entries += verifiedTokens.entries;
      bytes += verifiedTokens.bytes;
    }
    metrics.tokenCacheSize(entries, bytes);
  };
  for (const { verifiedTokens } of servers) verifiedTokens.onResize = measure;
  measure();
}

/** But for what the successor has taken over. */
function release({ servers, issuers, introspection, dpop }: Runtime, successor: Runtime | undefined): void {
  const names = new Set(successor?.servers.map(({ name }) => name));
  for (const server of servers) server.release(successor !== undefined && !names.has(server.name));
  const kept = new Set(successor?.issuers.map(({ jwks }) => jwks));
  for (const { jwks } of issuers) if (!kept.has(jwks)) jwks.stop();
  if (successor?.introspection?.endpoint !== introspection?.endpoint) introspection?.endpoint.stop();
  if (successor?.dpop?.replayCache !== dpop?.replayCache) dpop?.stop();
}
