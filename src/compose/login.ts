/** Config → the authorization server of `login`: what its thread is told, and the way to it. */
import type { Config } from '../config/schema.ts';
import { parseRedisUrl } from '../lib/redis-url.ts';
import type { LoginOrders } from '../login/messages.ts';
import type { LoginOptions, UpstreamOptions } from '../login/options.ts';
import type { Endpoints } from '../server/endpoint.ts';
import { createLoginEndpoints } from '../server/endpoints/login.ts';
import { loginRedisAuthorities } from './files.ts';
import { readLoginKey, readLogo } from './login-files.ts';
import { readAuthorities } from './named-file.ts';
import type { ComposeOptions } from './options.ts';

type LoginConfig = NonNullable<Config['login']>;

/** Where the configuration names no scope: a grant without any is a refusal to OAuth libraries. */
const ONLY_SCOPE = 'mcp';

/** None without `login`. */
export function buildLoginEndpoints({ config, shared, observers }: ComposeOptions): Endpoints {
  return config.login === undefined ? [] : createLoginEndpoints(shared.askLogin, observers.metrics.login);
}

/** Undefined without `login`. `secret` is `obex.secret`, or one in its place. */
export function buildLoginOrders(config: Config, secret: string): LoginOrders | undefined {
  const { login, log } = config;
  return login && { options: buildOptions(config, login, secret), level: log.level };
}

/** Throws as all readers of files that the configuration names. */
function buildOptions(config: Config, login: LoginConfig, secret: string): LoginOptions {
  const { obex, dpop, servers } = config;
  const { emails, email_domains: emailDomains, groups, subjects } = login.allow;
  return {
    issuer: obex.public_url.origin,
    resources: servers.map(buildResource),
    upstream: buildUpstream(login),
    allow: { everyone: login.dangerously_allow_everyone, emails, emailDomains, groups, subjects },
    scopeGrants: login.scope_grants,
    accessTokenTtlMs: login.access_token_ttl,
    refreshTokenTtlMs: login.refresh_token_ttl,
    sessionTtlMs: login.session_ttl,
    rateLimit: {
      beginnings: login.rate_limit.beginnings_per_minute,
      pages: login.rate_limit.pages_per_minute,
      refreshes: login.rate_limit.refreshes_per_minute,
    },
    clients: buildClients(login),
    identityAssertions: login.identity_assertions.map(({ issuer, jwks_uri: jwksUri, client_ids: clientIds }) => ({
      issuer,
      jwksUri,
      clientIds,
    })),
    store: buildStore(config, login),
    secret,
    dpopAlgorithms: dpop.enabled ? dpop.algorithms : undefined,
    title: login.title === '' ? obex.public_url.host : login.title,
    logo: readLogo(login),
  };
}

function buildResource({ resource, authz }: Config['servers'][0]): LoginOptions['resources'][0] {
  const isWithoutScopes = resource.scopes_supported.length + authz.required_scopes.length === 0;
  return {
    resource: resource.url,
    scopesSupported: isWithoutScopes ? [ONLY_SCOPE] : resource.scopes_supported,
    requiredScopes: authz.required_scopes,
  };
}

function buildStore(config: Config, { store: { backend, path } }: LoginConfig): LoginOptions['store'] {
  if (backend === 'memory') return { backend };
  if (backend === 'sqlite') return { backend, path };
  const { redis } = config;
  const url = parseRedisUrl(redis.url);
  if (url === undefined) throw new TypeError('redis.url passed the schema but cannot be parsed');
  return {
    backend,
    url,
    ca: readAuthorities(loginRedisAuthorities(config)),
    keyPrefix: `${redis.key_prefix}login:`,
    connectTimeoutMs: redis.connect_timeout,
    commandTimeoutMs: redis.command_timeout,
  };
}

function buildUpstream(login: LoginConfig): UpstreamOptions {
  return {
    provider: login.provider,
    issuer: login.issuer,
    clientId: login.client_id,
    clientSecret: login.client_secret,
    privateKey: readLoginKey(login),
    scopes: login.scopes,
    groupsClaim: login.groups_claim,
    ca: readAuthorities({ key: 'login.tls.ca_file', path: login.tls.ca_file }),
    allowHttp: login.dangerously_allow_http,
  };
}

function buildClients({ clients }: LoginConfig): LoginOptions['clients'] {
  return {
    dynamicRegistration: clients.dynamic_registration,
    metadataDocuments: clients.metadata_documents,
    redirectUris: clients.redirect_uris,
    static: clients.static.map((client) => ({
      clientId: client.client_id,
      clientSecret: client.client_secret,
      redirectUris: client.redirect_uris,
      name: client.name === '' ? undefined : client.name,
    })),
  };
}
