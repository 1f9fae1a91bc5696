/** Options → endpoints of the authorization server. */
import type Provider from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../observe/log.ts';
import { createAdapterFactory } from './adapter.ts';
import { json, jsonText, methodNotAllowed } from './answers.ts';
import { assertingClients, registerAssertionGrant } from './assertions/grant-type.ts';
import type { AssertionKeys } from './assertions/issuer-keys.ts';
import { createAuthorize } from './authorize.ts';
import { createCallback } from './callback.ts';
import { createClientIds } from './clients/client-id.ts';
import { createFindAnyClient, type FindAnyClient } from './clients/find-any-client.ts';
import { createFindClient } from './clients/find-client.ts';
import type { MetadataDocuments } from './clients/metadata-documents.ts';
import { createRedirectPolicy } from './clients/redirect-uris.ts';
import { createConsent } from './consent.ts';
import { Families } from './family.ts';
import { FLOW_SECONDS } from './flow-seconds.ts';
import { createInject } from './inject.ts';
import type { LoginMemory } from './memory.ts';
import { formatMetadata } from './metadata.ts';
import type { LoginOptions } from './options.ts';
import type { LoginParts, Respond } from './parts.ts';
import { PATHS } from './paths.ts';
import { isAllowed } from './people/allow.ts';
import { grantableScopes } from './people/scopes.ts';
import { createProvider } from './provider.ts';
import { RefreshTokens } from './refresh-tokens.ts';
import { createRegister } from './register.ts';
import { REMEMBERED_SECONDS, RememberedConsents } from './remembered-consents.ts';
import { createRenderError } from './render-error.ts';
import { findResource, scopesOfAll } from './resources.ts';
import { type CookieUse, SealedCookies } from './sealed-cookies.ts';
import { type Read, readConsents, readFlow, readVerifier } from './stored.ts';
import { createRevocationEndpoint, createTokenEndpoint } from './token.ts';
import { createUpstream } from './upstream/create-upstream.ts';
import { createUpstreamStates } from './upstream-state.ts';
import { watchProvider } from './watch-provider.ts';

interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly assertionKeys: Pick<AssertionKeys, 'find'>;
  readonly documents: MetadataDocuments;
  /** Whether clients are told that their ids may be URLs. */
  takesDocuments(): boolean;
}

interface PartsSurroundings extends Surroundings {
  readonly findClient: FindAnyClient;
}

/** By path. */
export type Endpoints = ReadonlyMap<string, Respond>;

/** RFC 9111: clients and proxies may keep what seldom changes for a while. */
const KEPT_FOR_MINUTES = ['Cache-Control', 'public, max-age=300'];

export function buildLogin(options: LoginOptions, memory: LoginMemory, surroundings: Surroundings): Endpoints {
  const clientIds = createClientIds({ key: memory.clientIdKey, clock: surroundings.clock });
  const policy = createRedirectPolicy(options.clients.redirectUris);
  const { dynamicRegistration, metadataDocuments: hosts, static: staticClients } = options.clients;
  const findClient = createFindClient({
    staticClients,
    clientIds: dynamicRegistration ? clientIds : undefined,
    policy,
    assertionClients: assertingClients(options),
  });
  const findAnyClient = createFindAnyClient({ findClient, documents: surroundings.documents, hosts, policy });
  const parts = buildParts(options, memory, { ...surroundings, findClient: findAnyClient });
  const metadata = only('GET', async () =>
    jsonText(formatMetadata(options, surroundings.takesDocuments()), KEPT_FOR_MINUTES),
  );
  const endpoints: [string, Respond][] = [
    [PATHS.authorize, createAuthorize(parts)],
    [PATHS.consent, createConsent(parts)],
    [PATHS.callback, createCallback(parts)],
    [PATHS.token, createTokenEndpoint(parts)],
    [PATHS.revoke, createRevocationEndpoint(parts)],
    [PATHS.jwks, only('GET', async () => json(200, { keys: memory.keys.publicKeys }, KEPT_FOR_MINUTES))],
    ['/.well-known/oauth-authorization-server', metadata],
    ['/.well-known/openid-configuration', metadata],
  ];
  if (!dynamicRegistration) return new Map(endpoints);
  const register = createRegister({ policy, clientIds, scopes: scopesOfAll(options.resources) }, surroundings.log);
  return new Map([...endpoints, [PATHS.register, only('POST', register)]]);
}

function only(method: string, respond: Respond): Respond {
  return async (request) => (request.method === method ? respond(request) : methodNotAllowed(method));
}

function buildParts(options: LoginOptions, memory: LoginMemory, surroundings: PartsSurroundings): LoginParts {
  const { clock, log, assertionKeys } = surroundings;
  const upstream = createUpstream(options.upstream, { clock });
  const families = new Families({
    records: memory.families,
    leases: memory.leases,
    clock,
    log,
    upstream,
    refreshTokenTtlMs: options.refreshTokenTtlMs,
    sessionTtlMs: options.sessionTtlMs,
    isAllowed: (person) => isAllowed(person, options.allow),
  });
  const provider = buildProvider({ options, memory, families, ...surroundings });
  if (options.identityAssertions.length > 0) {
    const findKeys = (issuer: string) => assertionKeys.find(issuer);
    registerAssertionGrant(provider, { options, clock, log, used: memory.assertions, findKeys });
  }
  watchProvider(provider, log);
  return {
    options,
    provider,
    inject: createInject(provider, options.issuer),
    upstream,
    ...buildCarried(options, memory, clock),
    families,
    refreshRate: memory.refreshRate.of(options.rateLimit.refreshes),
    refreshTokens: new RefreshTokens({
      seal: memory.seal,
      refreshTokens: memory.library.RefreshToken,
      grants: memory.library.Grant,
      families,
      clock,
    }),
    clock,
    log,
  };
}

/** What browsers bring back to us, and what they may bring no more. */
function buildCarried(
  options: LoginOptions,
  { cookieSeal: seal, stateKey, granted, returned, ended }: LoginMemory,
  clock: Clock,
): Pick<LoginParts, 'cookies' | 'consents' | 'states' | 'granted' | 'returned' | 'ended'> {
  const isSecure = options.issuer.startsWith('https:');
  const cookies = <T>(use: CookieUse, maxAgeSeconds: number, parse: Read<T>): SealedCookies<T> =>
    new SealedCookies({ use, maxAgeSeconds, parse, seal, clock, isSecure });
  return {
    cookies: { flow: cookies('flow', FLOW_SECONDS, readFlow), state: cookies('state', FLOW_SECONDS, readVerifier) },
    consents: new RememberedConsents({
      cookies: cookies('consents', REMEMBERED_SECONDS, readConsents),
      options,
      clock,
    }),
    states: createUpstreamStates(stateKey),
    granted,
    returned,
    ended,
  };
}

interface ProviderSurroundings extends PartsSurroundings {
  readonly options: LoginOptions;
  readonly memory: LoginMemory;
  readonly families: Families;
}

function buildProvider({ options, memory, families, clock, findClient }: ProviderSurroundings): Provider {
  return createProvider({
    options,
    adapter: createAdapterFactory({
      records: memory.library,
      clock,
      findClient,
      onGrantEnded: (grantId) => families.end(grantId, 'revoked'),
    }),
    keys: memory.keys.inOrder,
    clock,
    grantable: ({ person, scopes, resource }) => {
      const found = findResource(options.resources, resource);
      const may = new Set(found && grantableScopes(person, options.scopeGrants, found));
      return scopes.filter((scope) => may.has(scope));
    },
    findFamily: (grantId) => families.find(grantId),
    confirmFamily: (grantId) => families.confirm(grantId),
    renderError: createRenderError(options),
  });
}
