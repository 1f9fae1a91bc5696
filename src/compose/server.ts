/** Config → ONE server: its resource, its gate, its limits, the way to its backend. Whatever is shared is handed to it. */
import { pathMapOf } from '../config/path-map-of.ts';
import { createAuthorize } from '../gate/authorize.ts';
import type { IntrospectionTerms } from '../gate/introspect-access-token.ts';
import type { TrustedIssuer } from '../gate/verify-access-token.ts';
import type { PathMap } from '../lib/path-map.ts';
import type { ServerMetrics } from '../observe/server-metrics.ts';
import type { OpenStreams } from '../proxy/open-streams.ts';
import type { Endpoints } from '../server/endpoint.ts';
import type { ReadinessCheck } from '../server/endpoints/ready.ts';
import type { Server } from '../server/server.ts';
import type { VerifiedTokens } from '../state/verified-tokens.ts';
import type { BackendClient } from '../wire/backend.ts';
import type { DpopParts } from './dpop.ts';
import type { ServerFiles } from './files.ts';
import { buildBackend, buildForwarder } from './forwarder.ts';
import { buildAuthenticate, createStanding } from './gate.ts';
import { type AssertionParts, buildIdentity } from './identity.ts';
import { type IntrospectionParts, introspectFor } from './introspection.ts';
import { type Issuer, trustIssuers } from './issuers.ts';
import { buildPrincipalCharges, buildPrincipalLimit, type ClientCharges, type RateLimit } from './limits.ts';
import type { ServerOptions } from './options.ts';
import { resourceUrlOf } from './paths.ts';
import { buildChallenges, buildMetadata, buildNoAuthorizationServer } from './resource.ts';

/** What all servers of a runtime share, already built. */
export interface CommonParts {
  readonly issuers: readonly Issuer[];
  /** Undefined where no issuer is asked about tokens. */
  readonly introspection: IntrospectionParts | undefined;
  /** Undefined below phase 3. */
  readonly dpop: DpopParts | undefined;
  readonly clientCharges: ClientCharges;
  /** One for each server. */
  createVerifiedTokens(): VerifiedTokens;
}

/** One server, and what its runtime needs to know of it. */
export interface ServerParts {
  /** Undefined where there is but one. */
  readonly name: string | undefined;
  readonly server: Server;
  /** What requests to it name. */
  readonly resourceUrl: URL;
  /** Undefined where it takes every path. */
  readonly paths: PathMap | undefined;
  /** Its metadata. */
  readonly endpoints: Endpoints;
  readonly assertions: AssertionParts | undefined;
  readonly verifiedTokens: VerifiedTokens;
  readonly principalLimit: RateLimit | undefined;
  /** Resolves if its backend is there. */
  readonly probe: ReadinessCheck;
  /** It is in force from now on. */
  begin(): void;
  /** `isRemoved`: nothing comes in its place, so that what is open ends; requests go on to their end. */
  release(isRemoved: boolean): void;
}

interface OneServerOptions extends ServerOptions {
  readonly files: ServerFiles;
  /** The server that this one replaces: buckets, what is in flight and published keys are taken over. */
  readonly previous: ServerParts | undefined;
}

export function buildServer({ files, previous, ...options }: OneServerOptions, common: CommonParts): ServerParts {
  const { own, observers } = options;
  const backend = buildBackend(options, files.backendCa);
  const issuers = trustIssuers(common.issuers, own);
  const introspection = introspectFor(issuers, common.introspection);
  const verifiedTokens = common.createVerifiedTokens();
  const principalLimit = buildPrincipalLimit(options, previous?.principalLimit);
  const charges = { ...common.clientCharges, ...buildPrincipalCharges(principalLimit, observers.clock) };
  const { dpop } = common;
  const identity = buildIdentity(options, files.assertionKey, previous?.assertions);
  const forwarder = buildForwarder(options, backend, previous?.server.forwarder.inFlight);
  return {
    name: own.name,
    server: Object.freeze({
      name: own.name,
      metrics: metricsOf(options),
      challenges: buildChallenges(options, dpop !== undefined),
      noAuthorizationServer: buildNoAuthorizationServer(options),
      authenticate: buildAuthenticate(options, { issuers, introspection, verifiedTokens, charges, dpop, identity }),
      authorize: createAuthorize(own.authz.required_scopes),
      forwarder,
    }),
    resourceUrl: resourceUrlOf(own),
    paths: pathMapOf(own),
    endpoints: buildMetadata(options, dpop !== undefined),
    assertions: identity.assertions,
    verifiedTokens,
    principalLimit,
    probe: () => backend.probe(own.backend.connect_timeout),
    ...buildTerm(options, { issuers, introspection, verifiedTokens, streams: forwarder.inFlight.streams, backend }),
  };
}

interface TermParts {
  readonly issuers: readonly TrustedIssuer[];
  readonly introspection: IntrospectionTerms | undefined;
  readonly verifiedTokens: VerifiedTokens;
  readonly streams: OpenStreams;
  readonly backend: BackendClient;
}

/** From when it is in force, and how it ends. */
function buildTerm({ config }: ServerOptions, parts: TermParts): Pick<ServerParts, 'begin' | 'release'> {
  const { issuers, introspection, verifiedTokens, streams, backend } = parts;
  const listening: (() => void)[] = [];
  return {
    begin: () => {
      for (const trusted of issuers) listening.push(dropWithdrawn(trusted, verifiedTokens, streams));
      if (config.idp !== undefined) streams.judgeBy(createStanding(issuers, introspection?.trusted));
    },
    release: (isRemoved) => {
      for (const stop of listening) stop();
      if (isRemoved) streams.endAll();
      backend.close();
    },
  };
}

/** Counted apart where there are several. */
function metricsOf({ own: { name }, shared }: ServerOptions): ServerMetrics | undefined {
  return name === undefined ? undefined : shared.provideServer(name).metrics;
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
