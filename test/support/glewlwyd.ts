/** A private glewlwyd (Debian package): an OpenID provider in C, issuing RFC 9068 access tokens for client credentials. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { JWK } from 'jose';
import { z } from 'zod';
import { startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { loginClient, openSession, PERSON } from './glewlwyd-login.ts';
import { createTempFolder } from './temp-folder.ts';
import { until } from './until.ts';

export type SigningAlgorithm = 'RS256' | 'ES256';

/** A private JWK. */
export interface SigningKey extends JWK {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly use: 'sig';
}

export interface Glewlwyd {
  readonly issuer: string;
  readonly jwksUri: string;
  readonly tokenEndpoint: string;
  /** Its one client, for client credentials with `client_secret_basic`. */
  readonly client: { readonly id: string; readonly secret: string };
  /** An access token by client credentials; its `aud` is the resource it was started for, unless another is named. */
  getToken(request: { scope: string; resource?: string }): Promise<string>;
  /** Signs with `key` from now on; the key before is neither used nor published any more. */
  rotateKey(key: SigningKey): Promise<void>;
  stop(): Promise<void>;
}

export interface GlewlwydOptions {
  /** Resources (RFC 8707) that tokens may be asked for; the first is the default. */
  readonly resources: readonly [string, ...string[]];
  readonly scopes: readonly string[];
  readonly key: SigningKey;
  /** Default: a free one. */
  readonly port?: number;
  /** Then there is also a client for people, and one of them: test/support/glewlwyd-login.ts. */
  readonly loginRedirectUrl?: string;
}

const SCHEMA = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3';
const MODULES = '/usr/lib/glewlwyd';
const PLUGIN = 'oidc';
const CLIENT_ID = 'obex-test';
const CLIENT_SECRET = 'obex-test-secret';
// Written into every new database by the package's schema.
const ADMINISTRATOR = { username: 'admin', password: 'password' };
const TOKEN_LIFETIME_SECONDS = 300;
const PROOF_LIFETIME_SECONDS = 60;

const TokenResponse = z.object({ access_token: z.string() });

export async function startGlewlwyd(options: GlewlwydOptions): Promise<Glewlwyd> {
  const port = options.port ?? (await freePort());
  const folder = createTempFolder('glewlwyd');
  const url = `http://127.0.0.1:${port}`;
  const server = startChild({
    command: '/usr/bin/glewlwyd',
    args: [`--config-file=${writeConfig(folder.path, port)}`],
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    folder.remove();
  };
  try {
    await server.waitFor('glewlwyd to listen', () =>
      server.stdout().includes(`Glewlwyd started on port ${port}`) ? true : undefined,
    );
    // It says so a moment before it does.
    const cookie = await until('glewlwyd to accept connections', () => openSession(url, ADMINISTRATOR));
    const provider = new OpenIdProvider(url, cookie, options);
    await provider.setUp();
    return {
      issuer: provider.issuer,
      jwksUri: `${provider.issuer}/jwks`,
      tokenEndpoint: `${provider.issuer}/token`,
      client: { id: CLIENT_ID, secret: CLIENT_SECRET },
      getToken: (request) => provider.getToken(request),
      rotateKey: (key) => provider.rotateKey(key),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Its administration and token endpoints, spoken to over HTTP. */
class OpenIdProvider {
  readonly issuer: string;
  readonly #url: string;
  readonly #cookie: string;
  readonly #options: GlewlwydOptions;
  #key: SigningKey;

  constructor(url: string, cookie: string, options: GlewlwydOptions) {
    this.issuer = `${url}/api/${PLUGIN}`;
    this.#url = url;
    this.#cookie = cookie;
    this.#options = options;
    this.#key = options.key;
  }

  async setUp(): Promise<void> {
    for (const name of this.#options.scopes) {
      await this.#administer('POST', 'scope/', {
        name,
        display_name: name,
        description: name,
        password_required: false,
      });
    }
    await this.#administer('POST', 'mod/plugin/', { module: 'oidc', name: PLUGIN, ...this.#plugin() });
    await this.#administer('POST', 'client/', {
      client_id: CLIENT_ID,
      name: CLIENT_ID,
      confidential: true,
      enabled: true,
      client_secret: CLIENT_SECRET,
      token_endpoint_auth_method: ['client_secret_basic'],
      authorization_type: ['client_credentials'],
      redirect_uri: [],
      scope: this.#options.scopes,
    });
    const { loginRedirectUrl } = this.#options;
    if (loginRedirectUrl === undefined) return;
    await this.#administer('POST', 'user/', { ...PERSON, enabled: true, scope: ['openid', 'g_profile'] });
    await this.#administer('POST', 'client/', loginClient(loginRedirectUrl));
  }

  async rotateKey(key: SigningKey): Promise<void> {
    this.#key = key;
    await this.#administer('PUT', `mod/plugin/${PLUGIN}`, this.#plugin());
    await this.#administer('PUT', `mod/plugin/${PLUGIN}/reset`);
  }

  async getToken({ scope, resource }: { scope: string; resource?: string }): Promise<string> {
    const response = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope,
        resource: resource ?? this.#options.resources[0],
      }),
    });
    const body = await response.text();
    if (!response.ok) throw new Error(`glewlwyd refused a token: ${response.status} ${body}`);
    return TokenResponse.parse(JSON.parse(body)).access_token;
  }

  #plugin(): object {
    const { resources, scopes, loginRedirectUrl } = this.#options;
    const isForPeople = loginRedirectUrl !== undefined;
    return {
      display_name: PLUGIN,
      parameters: {
        iss: this.issuer,
        'jwks-private': JSON.stringify({ keys: [this.#key] }),
        'default-kid': this.#key.kid,
        'jwks-show': true,
        'access-token-duration': TOKEN_LIFETIME_SECONDS,
        'refresh-token-duration': TOKEN_LIFETIME_SECONDS,
        'code-duration': TOKEN_LIFETIME_SECONDS,
        'refresh-token-rolling': false,
        'allow-non-oidc': true,
        'auth-type-client-enabled': true,
        'auth-type-code-enabled': isForPeople,
        'auth-type-token-enabled': false,
        'auth-type-id-token-enabled': true,
        'auth-type-refresh-enabled': isForPeople,
        'pkce-allowed': isForPeople,
        // RFC 9449 §8: whoever sends a proof must put a nonce of this server into it.
        'oauth-dpop-allowed': true,
        'oauth-dpop-iat-duration': PROOF_LIFETIME_SECONDS,
        'oauth-dpop-nonce-mandatory': true,
        // How many proofs one nonce is good for.
        'oauth-dpop-nonce-counter': 5,
        // RFC 8707; without it `aud` is the list of scopes.
        'resource-allowed': true,
        'resource-scope': Object.fromEntries(scopes.map((scope) => [scope, resources])),
      },
    };
  }

  async #administer(method: 'POST' | 'PUT', path: string, body?: object): Promise<void> {
    const response = await fetch(`${this.#url}/api/${path}`, {
      method,
      headers: { cookie: this.#cookie, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`glewlwyd: ${method} ${path}: ${response.status} ${answer}`);
  }
}

/** A new private key as glewlwyd stores it. */
export function generateSigningKey(alg: SigningAlgorithm, kid: string = randomUUID()): SigningKey {
  const { privateKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

function writeConfig(folder: string, port: number): string {
  const database = new DatabaseSync(join(folder, 'database'));
  database.exec(readFileSync(SCHEMA, 'utf8'));
  database.close();
  const path = join(folder, 'glewlwyd.conf');
  const settings = [
    `port=${port}`,
    'bind_address="127.0.0.1"',
    `external_url="http://127.0.0.1:${port}"`,
    'api_prefix="api"',
    'login_url="login.html"',
    'log_mode="console"',
    'log_level="INFO"',
    'cookie_secure=0',
    'session_key="session"',
    'admin_scope="g_admin"',
    'profile_scope="g_profile"',
    `user_module_path="${MODULES}/user"`,
    `client_module_path="${MODULES}/client"`,
    `user_auth_scheme_module_path="${MODULES}/scheme"`,
    `plugin_module_path="${MODULES}/plugin"`,
    'hash_algorithm="SHA512"',
    `database = { type = "sqlite3", path = "${join(folder, 'database')}" };`,
  ];
  writeFileSync(path, `${settings.join('\n')}\n`);
  return path;
}
