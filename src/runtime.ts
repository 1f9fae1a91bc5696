/** Config → Runtime: the only reader of the configuration. Everything in it is made once and frozen. */
import { readFileSync } from 'node:fs';
import type { Config } from './config/schema.ts';
import { createCharge } from './gate/charge.ts';
import type { TrustedIssuer } from './gate/verify-access-token.ts';
import type { Observers } from './observe/observers.ts';
import {
  buildAuthenticate,
  buildIssuers,
  buildRateLimit,
  buildVerifiedTokens,
  type RateLimit,
} from './runtime-gate.ts';
import { buildMetricsService, buildService } from './runtime-service.ts';
import type { Service } from './server/service.ts';
import type { VerifiedTokens } from './state/verified-tokens.ts';
import type { BackendClient } from './wire/backend.ts';
import type { ServerTls } from './wire/exchange.ts';
import { createBackendClient } from './wire/node-http/backend-client.ts';

/** Phase of a config: 1 authenticates nobody, 2 verifies bearer tokens, 3 verifies DPoP proofs too. */
export type Phase = 1 | 2 | 3;

export interface RuntimeOptions {
  readonly config: Config;
  readonly observers: Observers;
  /** Not ready any more, but still accepting for `drain_delay`. */
  isDraining(): boolean;
  /** The listener has closed. */
  isClosing(): boolean;
  /** The runtime that this one replaces: caches of issuers and buckets that stay the same are taken over. */
  readonly previous: Runtime | undefined;
}

/** One configuration at work. */
export interface Runtime {
  readonly phase: Phase;
  readonly service: Service;
  /** What a metrics listener of its own serves; undefined when `/metrics` is on the main one. */
  readonly metricsService: Service | undefined;
  readonly tls: ServerTls | undefined;
  readonly issuers: readonly TrustedIssuer[];
  readonly verifiedTokens: VerifiedTokens;
  readonly rateLimit: RateLimit | undefined;
  readonly backend: BackendClient;
  /** Stops what runs in the background, but for what `successor` has taken over. */
  release(successor: Runtime | undefined): void;
}

const MAX_BACKEND_HEAD_BYTES = 64 * 1024;

/** Reads the files that the config names; throws an error that names key, path and cause if one cannot be read. */
export function buildRuntime(options: RuntimeOptions): Runtime {
  const { config } = options;
  // What may fail comes first, so that a refused reload leaves nothing behind.
  const backend = buildBackend(config);
  const tls = buildTls(config);
  const issuers = buildIssuers(options);
  const verifiedTokens = buildVerifiedTokens(config);
  const stopListening = issuers.map(({ issuer, jwks }) =>
    jwks.onChange((keys) => verifiedTokens.keepOnly(issuer, keys)),
  );
  const rateLimit = buildRateLimit(options);
  const authenticate = buildAuthenticate(options, { issuers, verifiedTokens, rateLimiter: rateLimit?.limiter });
  const chargeClient = createCharge(rateLimit?.limiter, options.observers.clock);
  const service = buildService(options, { issuers, backend, authenticate, chargeClient });
  const runtime: Runtime = {
    phase: config.idp === undefined ? 1 : 2,
    service,
    metricsService: config.metrics.listen === undefined ? undefined : buildMetricsService(options, service),
    tls,
    issuers,
    verifiedTokens,
    rateLimit,
    backend,
    release: (successor) => {
      for (const stop of stopListening) stop();
      const kept = new Set(successor?.issuers.map(({ jwks }) => jwks));
      for (const { jwks } of issuers) if (!kept.has(jwks)) jwks.stop();
      backend.close();
    },
  };
  for (const { jwks } of issuers) jwks.start();
  return Object.freeze(runtime);
}

function buildBackend({ backend }: Config): BackendClient {
  const { ca_file: caFile } = backend.tls;
  return createBackendClient({
    url: backend.url,
    connectTimeoutMs: backend.connect_timeout,
    headTimeoutMs: backend.timeout,
    maxIdleConnections: backend.max_idle_conns,
    maxHeaderBytes: MAX_BACKEND_HEAD_BYTES,
    ca: caFile === '' ? undefined : readNamedFile('backend.tls.ca_file', caFile),
  });
}

function buildTls({ obex }: Config): ServerTls | undefined {
  if (!obex.tls.enabled) return undefined;
  return {
    cert: readNamedFile('obex.tls.cert_file', obex.tls.cert_file),
    key: readNamedFile('obex.tls.key_file', obex.tls.key_file),
    minVersion: obex.tls.min_version === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
  };
}

function readNamedFile(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new Error(`${key}: cannot read ${path} (${code}); check the path and that this user may read it`, {
      cause: error,
    });
  }
}
