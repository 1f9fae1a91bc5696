/** The demo's IdP: oidc-provider with RFC 9068 access tokens for any resource, one user, open registration. RFC 8414, 8707, 7591, 9449. */
import { generateKeyPair, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import type Provider from 'oidc-provider';
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { LOGIN_PATH, respondLogin } from './login-page.ts';
import { boundPort, closeServer } from './loopback.ts';
import { createMemoryAdapter } from './memory-adapter.ts';

export interface DevelopmentIdentityProviderOptions {
  /** Where tokens are meant for when a client names no resource. */
  readonly resource: string;
  /** Every scope that a token can have. */
  readonly scopes: readonly string[];
  /** Default: any free port on 127.0.0.1. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Where clients find it; default: where it listens. */
  readonly issuer?: string;
  /** Of its one registered client; default: a new one at each start. */
  readonly clientSecret?: string;
}

export interface TokenRequest {
  /** Space-separated; empty = a token without scopes. */
  readonly scope: string;
  /** The `aud` claim; default: the resource. */
  readonly audience?: string;
  /** Seconds from now to `exp`; negative = a token that has expired already. Default 3600. */
  readonly expiresIn?: number;
}

export interface DevelopmentIdentityProvider {
  readonly issuer: string;
  readonly jwksUri: string;
  readonly tokenEndpoint: string;
  /** Registered for client credentials, with `client_secret_basic`. */
  readonly client: DemoClient;
  /** Fetches an access token from the token endpoint, for the demo's own client. */
  issueToken(request: TokenRequest): Promise<string>;
  stop(): Promise<void>;
}

export interface DemoClient {
  readonly id: string;
  readonly secret: string;
}

const DEFAULT_EXPIRES_IN = 3600;
const DAY = 86_400;
const NONCE_SECRET_BYTES = 32;

const TTL = {
  AccessToken: DEFAULT_EXPIRES_IN,
  ClientCredentials: DEFAULT_EXPIRES_IN,
  Grant: DAY,
  IdToken: DEFAULT_EXPIRES_IN,
  Interaction: DEFAULT_EXPIRES_IN,
  RefreshToken: DAY,
  Session: DAY,
};

/** Lets a client choose a lifetime, so that nobody has to wait for an expired token. */
const EXPIRES_IN_HEADER = 'X-Demo-Expires-In';

/** Starts the provider. */
export async function startDevelopmentIdentityProvider(
  options: DevelopmentIdentityProviderOptions,
): Promise<DevelopmentIdentityProvider> {
  const server = createServer();
  server.listen(options.listen ?? { host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const issuer = options.issuer ?? `http://127.0.0.1:${boundPort(server)}`;
  const tokenEndpoint = `${issuer}/token`;
  const client = { id: 'obex-demo', secret: options.clientSecret ?? randomUUID() };

  const ProviderClass = await importProvider();
  server.on('request', createHandler(new ProviderClass(issuer, await buildConfiguration(options, client))));
  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    tokenEndpoint,
    client,
    issueToken: (request) => fetchToken(tokenEndpoint, client, { audience: options.resource, ...request }),
    stop: () => closeServer(server),
  };
}

/** oidc-provider warns on import about every Node release that is not yet LTS; in a demo that is noise. */
export async function importProvider(): Promise<typeof Provider> {
  /* oxlint-disable no-console -- nothing is printed here; a dependency is kept from it */
  const { warn } = console;
  console.warn = () => {};
  try {
    return (await import('oidc-provider')).default;
  } finally {
    console.warn = warn;
  }
  /* oxlint-enable no-console */
}

async function buildConfiguration(
  options: DevelopmentIdentityProviderOptions,
  client: DemoClient,
): Promise<Configuration> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return {
    adapter: createMemoryAdapter(),
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    clientBasedCORS: () => true,
    cookies: { keys: [randomUUID()] },
    features: buildFeatures(options),
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    formats: { customizers: { jwt: (context, _token, jwt) => applyLifetime(context, jwt.payload) } },
    interactions: { url: (_context, interaction) => `${LOGIN_PATH}${interaction.uid}` },
    issueRefreshToken: (_context, registered) => registered.grantTypeAllowed('refresh_token'),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'obex-demo', alg: 'RS256', use: 'sig' }] },
    responseTypes: ['code'],
    routes: { jwks: '/jwks', token: '/token' },
    // Every client that can use a refresh token gets one. A scope for it that is listed and never granted is repeated by some
    // clients when they refresh, which is then refused.
    scopes: ['openid', ...options.scopes],
    ttl: TTL,
  };
}

function buildFeatures({ resource, scopes }: DevelopmentIdentityProviderOptions): Configuration['features'] {
  return {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    // Only clients that send a proof are asked for a nonce; the others get plain tokens.
    dPoP: { enabled: true, nonceSecret: randomBytes(NONCE_SECRET_BYTES), requireNonce: () => true },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: scopes.join(' '),
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  };
}

function applyLifetime(context: KoaContextWithOIDC, payload: Record<string, unknown>): void {
  const expiresIn = Number(context.get(EXPIRES_IN_HEADER) || DEFAULT_EXPIRES_IN);
  const exp = Math.floor(Date.now() / 1000) + expiresIn;
  payload['exp'] = exp;
  if (expiresIn < 0) payload['iat'] = exp - DEFAULT_EXPIRES_IN;
}

/** The provider's endpoints, and the login page. */
export function createHandler(provider: Provider): (request: IncomingMessage, response: ServerResponse) => void {
  const callback = provider.callback();
  return (request, response) => {
    if (!request.url?.startsWith(LOGIN_PATH)) {
      void callback(request, response);
      return;
    }
    respondLogin(provider, request, response).catch((error: unknown) => {
      response.writeHead(400, { 'Content-Type': 'text/plain' });
      response.end(`This login cannot go on: ${error instanceof Error ? error.message : 'unknown error'}\n`);
    });
  };
}

/** RFC 6749 §2.3.1; id and secret hold nothing that would have to be encoded. */
export function formatBasic({ id, secret }: DemoClient): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

async function fetchToken(
  endpoint: string,
  client: DemoClient,
  request: TokenRequest & { readonly audience: string },
): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      Authorization: formatBasic(client),
      [EXPIRES_IN_HEADER]: String(request.expiresIn ?? DEFAULT_EXPIRES_IN),
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource: request.audience,
      ...(request.scope && { scope: request.scope }),
    }),
    signal: AbortSignal.timeout(10_000),
  });
  const body: unknown = await response.json();
  if (typeof body === 'object' && body !== null && 'access_token' in body && typeof body.access_token === 'string') {
    return body.access_token;
  }
  throw new Error(`the development IdP refused a token: ${JSON.stringify(body)}`);
}
