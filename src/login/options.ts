/** What the authorization server is told of the configuration. Plain data, because it crosses to another thread. */
import type { RedisUrl } from '../lib/redis-url.ts';
import type { LoginRates } from '../state/login-limits.ts';
import type { DocumentHosts } from './clients/document-url.ts';

export type UpstreamProvider = 'oidc' | 'google' | 'entra' | 'okta' | 'auth0' | 'cognito' | 'keycloak';

/** The IdP at which people log in. */
export interface UpstreamOptions {
  readonly provider: UpstreamProvider;
  /** Issuer identifier, as its discovery document has it. */
  readonly issuer: string;
  readonly clientId: string;
  /** One of the two: `client_secret_basic` or `client_secret_post`, or `private_key_jwt` with a PEM. */
  readonly clientSecret: string | undefined;
  readonly privateKey: string | undefined;
  /** Asked of the IdP; what its preset needs is in it. */
  readonly scopes: readonly string[];
  /** Claim of the groups; a JSON pointer for a nested one. */
  readonly groupsClaim: string;
  /** PEM bundle that replaces the public authorities. */
  readonly ca: string | undefined;
  /** http beyond loopback. */
  readonly allowHttp: boolean;
}

/** Who may log in: whoever is named by any of them. */
export interface AllowOptions {
  readonly everyone: boolean;
  readonly emails: readonly string[];
  readonly emailDomains: readonly string[];
  readonly groups: readonly string[];
  readonly subjects: readonly string[];
}

/** What some of the people may be granted; what several entries grant adds up. */
export interface ScopeGrant {
  readonly scopes: readonly string[];
  readonly everyone: boolean;
  readonly groups: readonly string[];
  readonly emails: readonly string[];
}

/** A client that is configured instead of registered. RFC 7591 §2 has the terms. */
export interface StaticClient {
  readonly clientId: string;
  /** Undefined: a public client. */
  readonly clientSecret: string | undefined;
  readonly redirectUris: readonly string[];
  readonly name: string | undefined;
}

/** The IdP as an issuer of identity assertions (ID-JAG): the same one as `upstream`, so that a `sub` is one person. */
export interface AssertionIssuer {
  /** `iss`, compared byte for byte. */
  readonly issuer: string;
  /** Undefined: found by discovery. */
  readonly jwksUri: string | undefined;
  /** Who may come with its assertions: static clients with a secret. */
  readonly clientIds: readonly string[];
}

/** A protected resource for which tokens are issued. */
export interface LoginResource {
  /** RFC 8707 §2: the value of `resource`, and `aud` of the tokens. */
  readonly resource: string;
  readonly scopesSupported: readonly string[];
  readonly requiredScopes: readonly string[];
}

/** A Redis that several replicas share. */
export interface RedisStorePlace {
  readonly backend: 'redis';
  readonly url: RedisUrl;
  /** PEM bundle that replaces the public authorities. */
  readonly ca: string | undefined;
  /** Begins every key. */
  readonly keyPrefix: string;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
}

export type StoreOptions =
  | { readonly backend: 'memory' }
  | { readonly backend: 'sqlite'; readonly path: string }
  | RedisStorePlace;

export interface LoginOptions {
  /** `public_url` without a final slash: `iss` of tokens, base of every URL in the metadata. */
  readonly issuer: string;
  /** One for each server: never none. */
  readonly resources: readonly LoginResource[];
  readonly upstream: UpstreamOptions;
  readonly allow: AllowOptions;
  /** Empty: `scopesSupported` to all who are allowed. */
  readonly scopeGrants: readonly ScopeGrant[];
  readonly accessTokenTtlMs: number;
  readonly refreshTokenTtlMs: number;
  /** How long a family of refresh tokens lives where the IdP gave no refresh token of its own. */
  readonly sessionTtlMs: number;
  /** A minute. */
  readonly rateLimit: LoginRates & {
    /** Of one login, which is one client of one person. */
    readonly refreshes: number;
  };
  readonly clients: {
    readonly dynamicRegistration: boolean;
    /** Whose documents are fetched for client ids that are URLs. */
    readonly metadataDocuments: DocumentHosts;
    /** `loopback`, `dangerously_any_https`, or a redirect URI that is compared byte for byte. */
    readonly redirectUris: readonly string[];
    readonly static: readonly StaticClient[];
  };
  readonly identityAssertions: readonly AssertionIssuer[];
  readonly store: StoreOptions;
  /** `obex.secret`, or what was made at the start of the process: then nothing outlives it. */
  readonly secret: string;
  /** Algorithms of DPoP proofs; undefined: proofs are ignored. */
  readonly dpopAlgorithms: readonly string[] | undefined;
  /** On the pages. */
  readonly title: string;
  /** A PNG, JPEG or WebP as a data URL. */
  readonly logo: string | undefined;
}
