/** A private Ory Hydra (Go module), its data in memory, with the login and consent app that every Hydra needs. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { boundPort } from '../../src/demo/loopback.ts';
import { freePort } from '../support/free-port.ts';
import { parseObject } from '../support/json.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { buildGoProgram } from './go.ts';
import {
  discoveryUrlOf,
  type IdpOptions,
  LOGIN_CLIENT,
  PERSON,
  PROGRAM,
  PUBLIC_CLIENT,
  type RealIdp,
  startServer,
} from './real-idp.ts';

/** The latest that the module proxy has: the tags of later releases are no versions of a module that ends in /v2. */
export const HYDRA_VERSION = '2.3.0';

const TIMEOUT_MS = 60_000;

export interface HydraOptions extends IdpOptions {
  /** `opaque` is what it comes with. */
  readonly accessTokens: 'opaque' | 'jwt';
  /** A second audience that the program's client may ask for. */
  readonly otherResource: string;
}

export interface Hydra extends RealIdp {
  /** At its administrative port, where nobody has to log in, and what is sent to log in is not looked at. */
  readonly introspectionEndpoint: string;
  /** What it says of a token, at its administrative port, where nobody has to log in. RFC 7662. */
  introspect(token: string): Promise<Readonly<Record<string, unknown>>>;
  /** On behalf of `PROGRAM`. RFC 7009. */
  revoke(token: string): Promise<void>;
  /** Takes back whatever `PERSON` has granted. */
  revokeConsent(): Promise<void>;
}

export function installHydra(): Promise<string> {
  return buildGoProgram({
    name: 'hydra',
    path: 'github.com/ory/hydra/v2',
    version: `v${HYDRA_VERSION}`,
    replace: ['github.com/gobuffalo/pop/v6=github.com/ory/pop/v6@v6.2.1-0.20241121111754-e5dfc0f3344b'],
    // Its database in memory is SQLite.
    tags: ['sqlite', 'sqlite_omit_load_extension'],
  });
}

/** Starts it on free ports. Whoever is sent to log in is `PERSON`, and is granted what was asked for. */
export async function startHydra(options: HydraOptions): Promise<Hydra> {
  const program = await installHydra();
  const [port, adminPort] = [await freePort(), await freePort()];
  const issuer = `http://127.0.0.1:${port}`;
  const administration = `http://127.0.0.1:${adminPort}/admin`;
  const app = await startConsentApp(administration);
  const folder = createTempFolder('hydra');
  const config = join(folder.path, 'hydra.json');
  writeFileSync(config, JSON.stringify(hydraConfig(options, { port, adminPort, appPort: boundPort(app) })));
  const server = await startServer(
    { command: program, args: ['serve', 'all', '--dev', '--sqa-opt-out', '--config', config], cwd: folder.path },
    discoveryUrlOf(issuer),
  );
  const stop = async (): Promise<void> => {
    app.close();
    app.closeAllConnections();
    await server.stop();
    folder.remove();
  };
  try {
    // It makes its keys when they are first asked for; two who ask at once may see different ones.
    await administer('GET', `${issuer}/.well-known/jwks.json`);
    for (const client of clients(options)) await administer('POST', `${administration}/clients`, client);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    issuer,
    tokenEndpoint: `${issuer}/oauth2/token`,
    introspectionEndpoint: `${administration}/oauth2/introspect`,
    introspect: (token) => introspect(administration, token),
    revoke: (token) => revoke(issuer, token),
    async revokeConsent() {
      const sessions = `${administration}/oauth2/auth/sessions/consent?subject=${PERSON.name}&all=true`;
      const { ok, status } = await fetch(sessions, { method: 'DELETE', signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!ok) throw new Error(`Hydra: consent not revoked: ${status}`);
    },
    stop,
  };
}

interface Ports {
  readonly port: number;
  readonly adminPort: number;
  readonly appPort: number;
}

function hydraConfig({ accessTokens }: HydraOptions, { port, adminPort, appPort }: Ports): object {
  const host = '127.0.0.1';
  return {
    dsn: 'memory',
    serve: { public: { host, port }, admin: { host, port: adminPort } },
    urls: {
      self: { issuer: `http://${host}:${port}` },
      login: `http://${host}:${appPort}/login`,
      consent: `http://${host}:${appPort}/consent`,
    },
    secrets: { system: ['a secret of this test alone'] },
    strategies: { access_token: accessTokens },
  };
}

function clients({ resource, otherResource, scopes, redirectUrl }: HydraOptions): readonly object[] {
  return [
    {
      client_id: PROGRAM.id,
      client_secret: PROGRAM.secret,
      grant_types: ['client_credentials'],
      scope: scopes.join(' '),
      audience: [resource, otherResource],
    },
    {
      client_id: PUBLIC_CLIENT,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: [...scopes, 'openid', 'offline_access'].join(' '),
      token_endpoint_auth_method: 'none',
      redirect_uris: [redirectUrl],
      audience: [resource],
    },
    {
      client_id: LOGIN_CLIENT.id,
      client_secret: LOGIN_CLIENT.secret,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: 'openid email profile offline_access',
      redirect_uris: [redirectUrl],
    },
  ];
}

const ConsentRequest = z.object({ requested_scope: z.array(z.string()).default([]), request_url: z.string() });
const Accepted = z.object({ redirect_to: z.string() });

/** Accepts every login and every consent; the `resource` that a client asks for, which Hydra does not read, becomes the audience. */
async function startConsentApp(administration: string): Promise<Server> {
  const requests = `${administration}/oauth2/auth/requests`;
  const app = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://127.0.0.1');
    const accept = pathname === '/login' ? acceptLogin : acceptConsent;
    accept(requests, searchParams).then(
      (location) => response.writeHead(302, { Location: location }).end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  return app;
}

async function acceptLogin(requests: string, query: URLSearchParams): Promise<string> {
  const challenge = query.get('login_challenge') ?? '';
  const accepted = await administer('PUT', `${requests}/login/accept?login_challenge=${challenge}`, {
    subject: PERSON.name,
  });
  return Accepted.parse(accepted).redirect_to;
}

async function acceptConsent(requests: string, query: URLSearchParams): Promise<string> {
  const challenge = `consent_challenge=${query.get('consent_challenge') ?? ''}`;
  const asked = ConsentRequest.parse(await administer('GET', `${requests}/consent?${challenge}`));
  const accepted = await administer('PUT', `${requests}/consent/accept?${challenge}`, {
    grant_scope: asked.requested_scope,
    grant_access_token_audience: new URL(asked.request_url).searchParams.getAll('resource'),
  });
  return Accepted.parse(accepted).redirect_to;
}

async function introspect(administration: string, token: string): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${administration}/oauth2/introspect`, {
    method: 'POST',
    body: new URLSearchParams({ token }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return parseObject(await response.text());
}

async function revoke(issuer: string, token: string): Promise<void> {
  const response = await fetch(`${issuer}/oauth2/revoke`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${PROGRAM.id}:${PROGRAM.secret}`)}` },
    body: new URLSearchParams({ token }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`Hydra: revoke: ${response.status} ${await response.text()}`);
}

async function administer(method: 'GET' | 'POST' | 'PUT', url: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`Hydra: ${method} ${url}: ${response.status} ${answer}`);
  return JSON.parse(answer);
}
