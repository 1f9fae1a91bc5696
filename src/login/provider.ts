/** oidc-provider as this authorization server needs it: the code grant and refresh for JWT access tokens, and nothing else. RFC 9068, RFC 9700. */
import { type AdapterFactory, type Configuration, errors, interactionPolicy, Provider } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import { findAsserted } from './assertions/asserted-person.ts';
import type { Family } from './family.ts';
import { FLOW_SECONDS } from './flow-seconds.ts';
import { KEEP_FIELD } from './inject.ts';
import type { LoginOptions } from './options.ts';
import { consentUrl, PATHS } from './paths.ts';
import type { Person } from './people/person.ts';
import { knownScopes } from './people/scopes.ts';
import type { RenderError } from './render-error.ts';
import { findResource } from './resources.ts';
import type { PublicKey, SigningKey } from './signing-keys.ts';

export interface ProviderParts {
  readonly options: LoginOptions;
  readonly adapter: AdapterFactory;
  readonly keys: readonly SigningKey[];
  readonly clock: Clock;
  /** What the person may have of the scopes that the family holds. */
  grantable(family: Family): readonly string[];
  findFamily(grantId: string): Promise<Family | undefined>;
  confirmFamily(grantId: string): Promise<Family>;
  readonly renderError: RenderError;
}

/** RFC 6749 §4.1.2 recommends at most 10 minutes. */
const CODE_SECONDS = 60;
const ALG = 'ES256';
/** Those of `dpop.algorithms` that the library has a name for: all. */
const PROOF_ALGS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA'] as const),
];
const MAX_GROUPS_CHARACTERS = 2048;

export function createProvider(parts: ProviderParts): Provider {
  const provider = new Provider(parts.options.issuer, {
    adapter: parts.adapter,
    jwks: { keys: parts.keys.map(toPrivateJwk) },
    ...whatIsOff(parts.options),
    ...endpoints(),
    ...lifetimes(parts.options),
    ...tokens(parts),
    ...people(),
    features: features(parts),
    renderError: parts.renderError,
  });
  // Host and scheme are those that the caller of `inject` writes, never the client's.
  provider.proxy = true;
  return provider;
}

function toPrivateJwk({ kid, x, y, d }: SigningKey): PublicKey & { readonly d: string } {
  return { kty: 'EC', crv: 'P-256', use: 'sig', alg: ALG, kid, x, y, d };
}

function whatIsOff({ dpopAlgorithms }: LoginOptions): Configuration {
  return {
    responseTypes: ['code'],
    claims: {},
    enabledJWA: {
      idTokenSigningAlgValues: [ALG],
      ...(dpopAlgorithms !== undefined && {
        dPoPSigningAlgValues: PROOF_ALGS.filter((alg) => dpopAlgorithms.includes(alg)),
      }),
    },
    clientDefaults: { id_token_signed_response_alg: ALG },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    acceptQueryParamAccessTokens: false,
    expiresWithSession: () => false,
    clientBasedCORS: () => false,
  };
}

function endpoints(): Configuration {
  return {
    routes: {
      authorization: PATHS.authorize,
      token: PATHS.token,
      revocation: PATHS.revoke,
      jwks: PATHS.jwks,
    },
    // Its cookies never reach a browser: `inject` keeps them.
    cookies: { short: { signed: false, path: '/' }, long: { signed: false, path: '/' } },
  };
}

function lifetimes({ accessTokenTtlMs, refreshTokenTtlMs }: LoginOptions): Configuration {
  const refreshSeconds = secondsOf(refreshTokenTtlMs);
  return {
    ttl: {
      AccessToken: secondsOf(accessTokenTtlMs),
      AuthorizationCode: CODE_SECONDS,
      RefreshToken: refreshSeconds,
      Grant: refreshSeconds,
      Interaction: FLOW_SECONDS,
      Session: FLOW_SECONDS,
      IdToken: FLOW_SECONDS,
    },
  };
}

function tokens({ options, clock, confirmFamily, findFamily, grantable }: ProviderParts): Configuration {
  return {
    pkce: { required: () => true },
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    // The IdP first. What it or the rules of today no longer allow is taken out of the grant before there is a token.
    rotateRefreshToken: async (context) => {
      const { entities } = context.oidc;
      const { Grant: grant } = entities;
      if (grant?.jti === undefined) throw new errors.InvalidGrant('there is no grant');
      const family = await confirmFamily(grant.jti);
      const scopes = grantable(family);
      const { resource } = findResource(options.resources, family.resource) ?? {};
      if (resource === undefined) throw new errors.InvalidTarget('this resource is none of ours any more');
      if (scopes.length === 0) throw new errors.InvalidGrant('this person may have none of these scopes any more');
      grant.resources = { [resource]: scopes.join(' ') };
      // As long again as the refresh token that is made now.
      grant.exp = Math.floor(clock.nowMs() / 1000) + secondsOf(options.refreshTokenTtlMs);
      await grant.save();
      return context.get(KEEP_FIELD) === '';
    },
    extraTokenClaims: async (_context, token) => {
      const asserted = findAsserted(token);
      if (asserted !== undefined) return claimsOf(asserted);
      const family = 'grantId' in token && token.grantId !== undefined ? await findFamily(token.grantId) : undefined;
      if (family === undefined) throw new errors.InvalidGrant('this login has ended');
      return claimsOf(family.person);
    },
  };
}

function secondsOf(ms: number): number {
  return Math.ceil(ms / 1000);
}

/** What the backend may be told of the person (`backend.claim_headers`). */
function claimsOf({ email, name, groups }: Person): Record<string, string | boolean | readonly string[]> {
  // RFC 9110 §5.4: a token travels in a field, and groups can be more than any server takes.
  const isSmall = JSON.stringify(groups).length <= MAX_GROUPS_CHARACTERS;
  return {
    ...(email !== undefined && { email, email_verified: true }),
    ...(name !== undefined && { name }),
    ...(groups.length > 0 && isSmall && { groups }),
  };
}

function people(): Configuration {
  return {
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    interactions: { url: (_context, { uid }) => consentUrl(uid), policy: [askEveryTime()] },
    loadExistingGrant: async ({ oidc }) => {
      const grantId = oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : oidc.provider.Grant.find(grantId);
    },
  };
}

/** No session of ours: the library sends everybody to `consent.ts`, or to the IdP where they have agreed for good. */
function askEveryTime(): interactionPolicy.Prompt {
  const { Check, Prompt } = interactionPolicy;
  return new Prompt(
    { name: 'login', requestable: true },
    new Check('no_login', 'the person has not logged in', ({ oidc }) =>
      oidc.result?.login === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  );
}

function features({ options }: ProviderParts): NonNullable<Configuration['features']> {
  const { accessTokenTtlMs, dpopAlgorithms, resources } = options;
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    // RFC 7009 §2.1: a client revokes its own.
    revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
    dPoP: { enabled: dpopAlgorithms !== undefined },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => {
        const only = findResource(resources, undefined);
        if (only === undefined) throw new errors.InvalidTarget('name the server that the token is for as resource');
        return only.resource;
      },
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, indicator) => {
        const found = resources.find(({ resource }) => resource === indicator);
        if (found === undefined) throw new errors.InvalidTarget();
        return {
          scope: knownScopes(found).join(' '),
          audience: found.resource,
          accessTokenTTL: secondsOf(accessTokenTtlMs),
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: ALG } },
        };
      },
    },
  };
}
