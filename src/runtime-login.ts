/** Config → the authorization server of `login`: its options, its files, its thread. */
import { randomBytes } from 'node:crypto';
import type { Config } from './config/schema.ts';
import { parseRedisUrl } from './lib/redis-url.ts';
import type { LoginOrders } from './login/messages.ts';
import type { LoginOptions, UpstreamOptions } from './login/options.ts';
import type { Observers } from './observe/observers.ts';
import type { RuntimeOptions } from './runtime.ts';
import { readLoginKey, readLogo } from './runtime-login-files.ts';
import { loginRedisAuthorities, readAuthorities } from './runtime-tls.ts';
import { createLoginEndpoints } from './server/endpoints/login.ts';
import type { Endpoint } from './server/route.ts';
import type { LoginDesk } from './workers/login-desk.ts';

type LoginConfig = NonNullable<Config['login']>;

const SECRET_BYTES = 32;
/** Where the configuration names no scope: a grant without any is a refusal to OAuth libraries. */
const ONLY_SCOPE = 'mcp';

/** The login thread as the main thread has it: one a process, for as long as it runs. */
export class Login {
  readonly desk: LoginDesk;
  readonly #secret: string;

  constructor(desk: LoginDesk, secret: string) {
    this.desk = desk;
    this.#secret = secret;
  }

  /** The first half of a reload, which reads the files; the second puts it in force, or rejects and leaves all as it was. */
  prepare(config: Config): () => Promise<void> {
    const orders = buildOrders(config, this.#secret);
    return async () => orders && this.desk.configure(orders);
  }
}

/** Undefined without `login`; then nothing of it is even loaded. Rejects with an error that a person can act on. */
export async function startLogin(config: Config, observers: Observers): Promise<Login | undefined> {
  if (config.login === undefined) return undefined;
  // Not the thread's own: it would be another one after its death, and nothing in the store could be read.
  const secret = config.obex.secret ?? randomBytes(SECRET_BYTES).toString('base64url');
  const orders = buildOrders(config, secret);
  if (orders === undefined) return undefined;
  if (config.obex.secret === undefined) {
    observers.log.info('secret_made_at_start', { key: 'obex.secret', used_for: 'login' });
  }
  const { LoginDesk } = await import('./workers/login-desk.ts');
  const { startLoginThread } = await import('./workers/thread.ts');
  const desk = new LoginDesk(orders, { observers, createThread: startLoginThread });
  try {
    await desk.start();
  } catch (cause) {
    await desk.stop();
    throw new Error(`login: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return new Login(desk, secret);
}

/** By raw path; none without `login`. */
export function buildLoginEndpoints({
  config,
  shared,
  observers,
}: RuntimeOptions): readonly (readonly [string, Endpoint])[] {
  return config.login === undefined ? [] : createLoginEndpoints(shared.askLogin, observers.metrics.login);
}

function buildOrders(config: Config, secret: string): LoginOrders | undefined {
  const { login, log } = config;
  return login && { options: buildOptions(config, login, secret), level: log.level };
}

/** Throws as all readers of files that the configuration names. */
function buildOptions(config: Config, login: LoginConfig, secret: string): LoginOptions {
  const { obex, resource, authz, dpop } = config;
  const { emails, email_domains: emailDomains, groups, subjects } = login.allow;
  const isWithoutScopes = resource.scopes_supported.length + authz.required_scopes.length === 0;
  return {
    issuer: obex.public_url.origin,
    resource: {
      resource: resource.url,
      scopesSupported: isWithoutScopes ? [ONLY_SCOPE] : resource.scopes_supported,
      requiredScopes: authz.required_scopes,
    },
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
