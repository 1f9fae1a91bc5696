/**
 * A private LemonLDAP::NG portal (Debian package) as OpenID provider. Its access tokens are JWTs of the older shape:
 * `typ` is `JWT`, and `aud` is an array of the client id and the resource.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { createTempFolder } from './temp-folder.ts';

export interface LemonLdap {
  /** Ends with a slash. */
  readonly issuer: string;
  readonly jwksUri: string;
  /** An access token by client credentials. */
  getToken(request: { scope: string }): Promise<string>;
  /** Ends all sessions, as its administrators do, and with them the refresh tokens that came of them. */
  endSessions(): void;
  stop(): Promise<void>;
}

export interface LemonLdapOptions {
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Of a public client for people, `PUBLIC_CLIENT_ID`; without it there is none. */
  readonly redirectUrl?: string;
  /** Of a confidential one for people, `LOGIN_CLIENT`; without it there is none. */
  readonly loginRedirectUrl?: string;
}

export const PUBLIC_CLIENT_ID = 'obex-test-public';
export const LOGIN_CLIENT = { id: 'obex-login', secret: 'obex-login-secret' } as const;
/** Whom its demonstration back end knows, by the names of the fields of its login page. */
export const PERSON = { user: 'dwho', password: 'dwho' } as const;

const PORTAL = '/usr/share/lemonldap-ng/portal';
const CLIENT_ID = 'obex-test';
const CLIENT_SECRET = 'obex-test-secret';
const TOKEN_LIFETIME_SECONDS = 300;

const TokenResponse = z.object({ access_token: z.string() });

export async function startLemonLdap(options: LemonLdapOptions): Promise<LemonLdap> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}/`;
  const folder = createTempFolder('lemonldap');
  const sessions = join(folder.path, 'sessions');
  const server = startChild({
    command: '/usr/bin/plackup',
    args: ['--no-default-middleware', '--host', '127.0.0.1', '--port', String(port), `${PORTAL}/htdocs/index.psgi`],
    env: { LLNG_DEFAULTCONFFILE: writeFiles(folder.path, portalConfig(issuer, options)) },
  });
  await server.waitFor('LemonLDAP::NG to listen', () =>
    server.stderr().includes('Accepting connections') ? true : undefined,
  );
  return {
    issuer,
    jwksUri: `${issuer}oauth2/jwks`,
    getToken: ({ scope }) => fetchToken(`${issuer}oauth2/token`, scope),
    endSessions: () => {
      for (const { name, parentPath } of readdirSync(sessions, { withFileTypes: true }).filter((each) => each.isFile()))
        rmSync(join(parentPath, name));
    },
    async stop() {
      await server.stop();
      folder.remove();
    },
  };
}

async function fetchToken(endpoint: string, scope: string): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`LemonLDAP::NG refused a token: ${response.status} ${body}`);
  return TokenResponse.parse(JSON.parse(body)).access_token;
}

function portalConfig(issuer: string, options: LemonLdapOptions): object {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const clients = relyingParties(options);
  const scopeRules = Object.fromEntries(options.scopes.map((scope) => [scope, '$requested']));
  const ofEach = (value: object): object => Object.fromEntries(Object.keys(clients).map((name) => [name, value]));
  return {
    cfgNum: 1,
    cfgDate: 1,
    cfgVersion: '2.16.1',
    portal: issuer,
    domain: '127.0.0.1',
    locationRules: { '127.0.0.1': { default: 'accept' } },
    authentication: 'Demo',
    userDB: 'Same',
    passwordDB: 'Null',
    registerDB: 'Null',
    portalDisplayResetPassword: 0,
    // Some module is loaded in any case; the default one needs a graphics library.
    captcha: '::Lib::OneTimeToken',
    whatToTrace: '_whatToTrace',
    macros: { _whatToTrace: '$uid' },
    issuerDBOpenIDConnectActivation: 1,
    oidcServiceMetaDataIssuer: issuer,
    oidcServicePrivateKeySig: privateKey.export({ type: 'pkcs1', format: 'pem' }),
    oidcServicePublicKeySig: publicKey.export({ type: 'spki', format: 'pem' }),
    oidcServiceKeyIdSig: 'lemonldap',
    oidcServiceAccessTokenExpiration: TOKEN_LIFETIME_SECONDS,
    oidcRPMetaDataExportedVars: ofEach({}),
    oidcRPMetaDataScopeRules: ofEach(scopeRules),
    oidcRPMetaDataOptions: clients,
  };
}

function relyingParties({
  resource,
  redirectUrl,
  loginRedirectUrl,
}: LemonLdapOptions): Readonly<Record<string, object>> {
  const tokens = {
    oidcRPMetaDataOptionsAccessTokenJWT: 1,
    oidcRPMetaDataOptionsAccessTokenSignAlg: 'RS256',
    oidcRPMetaDataOptionsAdditionalAudiences: resource,
  };
  const client = {
    oidcRPMetaDataOptionsClientID: CLIENT_ID,
    oidcRPMetaDataOptionsClientSecret: CLIENT_SECRET,
    oidcRPMetaDataOptionsAllowClientCredentialsGrant: 1,
    ...tokens,
  };
  const forPeople = { oidcRPMetaDataOptionsBypassConsent: 1, oidcRPMetaDataOptionsIDTokenSignAlg: 'RS256' };
  const publicClient = {
    oidcRPMetaDataOptionsClientID: PUBLIC_CLIENT_ID,
    oidcRPMetaDataOptionsPublic: 1,
    oidcRPMetaDataOptionsRequirePKCE: 1,
    oidcRPMetaDataOptionsRedirectUris: redirectUrl,
    ...forPeople,
    ...tokens,
  };
  const loginClient = {
    oidcRPMetaDataOptionsClientID: LOGIN_CLIENT.id,
    oidcRPMetaDataOptionsClientSecret: LOGIN_CLIENT.secret,
    oidcRPMetaDataOptionsRedirectUris: loginRedirectUrl,
    oidcRPMetaDataOptionsRefreshToken: 1,
    ...forPeople,
  };
  return {
    client,
    ...(redirectUrl !== undefined && { publicClient }),
    ...(loginRedirectUrl !== undefined && { loginClient }),
  };
}

/** Returns the path of the file that names the others. */
function writeFiles(folder: string, config: object): string {
  for (const path of ['conf', 'sessions/lock', 'persistent/lock']) mkdirSync(join(folder, path), { recursive: true });
  const storageOptions = (name: string): object => ({
    Directory: join(folder, name),
    LockDirectory: join(folder, name, 'lock'),
  });
  const stored = {
    ...config,
    globalStorage: 'Apache::Session::File',
    globalStorageOptions: storageOptions('sessions'),
    persistentStorage: 'Apache::Session::File',
    persistentStorageOptions: storageOptions('persistent'),
    // A cache on disk would be shared with other instances.
    localSessionStorage: '',
  };
  writeFileSync(join(folder, 'conf', 'lmConf-1.json'), JSON.stringify(stored));
  const path = join(folder, 'lemonldap-ng.ini');
  const lines = ['[all]', 'logLevel=warn', '[configuration]', 'type=File', `dirName=${join(folder, 'conf')}`];
  writeFileSync(path, [...lines, '[portal]', `templateDir=${PORTAL}/templates`, 'languages=en', ''].join('\n'));
  return path;
}
