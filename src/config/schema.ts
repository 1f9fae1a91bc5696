/** The one schema of the config: the source of types, defaults, the JSON Schema and docs/configuration.md. */
import * as z from 'zod/mini';
import { fillIssuers, fillLogin } from './fill-issuers.ts';
import { fillReplayCache } from './fill-redis.ts';
import { ownIssuer } from './own-issuer.ts';
import { authzSection, resourceSection, tokenCacheSection } from './sections/access.ts';
import { adminSection } from './sections/admin.ts';
import { dpopSection } from './sections/dpop.ts';
import { idpSection } from './sections/issuers.ts';
import { logSection, metricsSection, obexSection } from './sections/listener.ts';
import { loginSection } from './sections/login.ts';
import { redisSection } from './sections/redis.ts';
import { type SERVER_LIMITS, serversSection } from './sections/servers.ts';
import { backendSection, corsSection, limitsSection } from './sections/traffic.ts';

/** Every section as written, before values of one section fill defaults of another. */
export const sections = z.strictObject({
  obex: obexSection,
  backend: backendSection,
  limits: limitsSection,
  resource: resourceSection,
  servers: serversSection,
  idp: idpSection,
  login: loginSection,
  authz: authzSection,
  token_cache: tokenCacheSection,
  dpop: dpopSection,
  redis: redisSection,
  cors: corsSection,
  log: logSection,
  metrics: metricsSection,
  admin: adminSection,
});

/**
 * Parses a tree of plain values (variables expanded, layout normalised, secrets read) into milliseconds, bytes, URLs, every
 * default filled in. With `servers` there is a tree for each of them, as if it were the only one.
 */
export const configSchema = z.pipe(sections, z.transform(fillFromOtherSections));

type Written = z.output<typeof sections>;

function fillFromOtherSections({ servers: _servers, ...config }: Written) {
  const { resource, authz, obex, backend } = config;
  const issuer = config.login && ownIssuer(obex.public_url);
  const idp = fillIssuers({ idp: config.idp, issuer, resource });
  const scopes = resource.scopes_supported.length === 0 ? authz.required_scopes : resource.scopes_supported;
  const named = resource.authorization_servers;
  return {
    ...config,
    // Without either the configuration is refused by the rules between keys.
    backend: { ...backend, url: backend.url ?? PROGRAM_URL },
    resource: {
      ...resource,
      scopes_supported: scopes,
      authorization_servers: named.length === 0 && issuer !== undefined ? [issuer] : named,
    },
    idp,
    login: fillLogin(config.login),
    dpop: fillReplayCache(config),
    limits: fillLimits(config, idp !== undefined),
  };
}

/** Where a program is reached, by a socket of Obex's own. */
const PROGRAM_URL = new URL('http://programs/server');

/** What one principal may have without a word of the config: room for others, and enough for the smallest Obex. */
const LEAST_PER_PRINCIPAL = 8;

function fillLimits(
  { limits, backend: { max_requests: all } }: Pick<Written, 'limits' | 'backend'>,
  hasPrincipals: boolean,
) {
  if (!hasPrincipals) return limits;
  const share = Math.min(all, Math.max(LEAST_PER_PRINCIPAL, Math.floor(all / 4)));
  return {
    ...limits,
    max_requests_per_principal: limits.max_requests_per_principal ?? share,
    max_streams_per_principal: limits.max_streams_per_principal ?? share,
  };
}

/** A configuration as one server sees it. Keys as in the YAML file; durations in ms, sizes in bytes. */
export type ServerView = z.output<typeof configSchema>;

/** Before a server's own stand over it. */
export type SharedLimits = Written['limits'];

type OwnLimit = (typeof SERVER_LIMITS)[number];

/** What an issuer is to one server. */
export interface IssuerTerms {
  /** Empty = those of the resource. */
  readonly audiences: readonly string[];
  readonly scope_claims: readonly string[];
}

/** What is one server's own. */
export interface OneServer extends Pick<ServerView, 'backend' | 'resource' | 'authz'> {
  /** Undefined for the one that is not written under `servers`. */
  readonly name: string | undefined;
  readonly limits: Pick<ServerView['limits'], OwnLimit>;
  /** Of `idp` and its `additional_issuers`, in this order. */
  readonly issuers: readonly IssuerTerms[];
}

/** What all servers share, and the servers: never none. */
export interface Config extends Omit<ServerView, 'backend' | 'resource' | 'authz'> {
  readonly servers: readonly [OneServer, ...OneServer[]];
}
