/** A private Keycloak (Maven), its data in memory: one realm whose scopes bring the audience along, as docs/identity-providers.md sets it up. */
import { join } from 'node:path';
import { z } from 'zod';
import { freePort } from '../support/free-port.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { installOnce, runCommand } from './cache.ts';
import { unpackArtifact } from './maven.ts';
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

export const KEYCLOAK_VERSION = '26.7.3';

const REALM = 'mcp';
const ADMINISTRATOR = { username: 'admin', password: 'admin-password' } as const;
const TIMEOUT_MS = 60_000;

const AdministratorToken = z.object({ access_token: z.string() });

/** Unpacks it and compiles its configuration, which takes longer than a start. */
export async function installKeycloak(): Promise<string> {
  const installed = await installOnce(`keycloak-${KEYCLOAK_VERSION}`, async (folder) => {
    await unpackArtifact(`org.keycloak:keycloak-quarkus-dist:${KEYCLOAK_VERSION}:tar.gz`, folder);
    await runCommand(['java', ...javaArguments(homeIn(folder)), 'build', '--db=dev-mem'], { cwd: folder });
  });
  return homeIn(installed);
}

export interface Keycloak extends RealIdp {
  disablePerson(): Promise<void>;
}

/** Starts it on free ports. */
export async function startKeycloak(options: IdpOptions): Promise<Keycloak> {
  const home = await installKeycloak();
  const [port, managementPort] = [await freePort(), await freePort()];
  const folder = createTempFolder('keycloak');
  const url = `http://127.0.0.1:${port}`;
  // Not by its script, which would stay between us and the process that is to be stopped.
  const server = await startServer(
    {
      command: 'java',
      args: [
        ...javaArguments(home),
        'start',
        '--optimized',
        '--cache=local',
        '--hostname-strict=false',
        '--http-enabled=true',
        '--http-host=127.0.0.1',
        `--http-port=${port}`,
        `--http-management-port=${managementPort}`,
      ],
      env: {
        KC_BOOTSTRAP_ADMIN_USERNAME: ADMINISTRATOR.username,
        KC_BOOTSTRAP_ADMIN_PASSWORD: ADMINISTRATOR.password,
      },
      cwd: folder.path,
    },
    discoveryUrlOf(`${url}/realms/master`),
  );
  const stop = async (): Promise<void> => {
    await server.stop();
    folder.remove();
  };
  try {
    return { ...describeRealm(url, await setUpRealm(await openAdministration(url), options)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function describeRealm(url: string, personId: string): Omit<Keycloak, 'stop'> {
  const issuer = `${url}/realms/${REALM}`;
  return {
    issuer,
    tokenEndpoint: `${issuer}/protocol/openid-connect/token`,
    async disablePerson() {
      const administer = await openAdministration(url);
      await administer('PUT', `/${REALM}/users/${personId}`, { enabled: false });
    },
  };
}

function homeIn(folder: string): string {
  return join(folder, `keycloak-${KEYCLOAK_VERSION}`);
}

/** What its script passes to the JVM, as far as it is needed. */
function javaArguments(home: string): readonly string[] {
  return [
    '-Xmx512m',
    ...['java.util', 'java.util.concurrent', 'java.security', 'java.lang'].map(
      (name) => `--add-opens=java.base/${name}=ALL-UNNAMED`,
    ),
    `-Dkc.home.dir=${home}`,
    `-Djboss.server.config.dir=${join(home, 'conf')}`,
    '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
    '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
    '-cp',
    join(home, 'lib/quarkus-run.jar'),
    'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
  ];
}

/** Sends something to its administration and returns the id of what was made. */
type Administer = (method: 'POST' | 'PUT', path: string, thing?: object) => Promise<string>;

async function openAdministration(url: string): Promise<Administer> {
  const response = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...ADMINISTRATOR }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const { access_token: token } = AdministratorToken.parse(await response.json());
  return async (method: 'POST' | 'PUT', path, thing) => {
    const created = await fetch(`${url}/admin/realms${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: thing === undefined ? null : JSON.stringify(thing),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = await created.text();
    if (!created.ok) throw new Error(`Keycloak: ${method} ${path}: ${created.status} ${answer}`);
    return created.headers.get('location')?.split('/').at(-1) ?? '';
  };
}

/** Returns the id of `PERSON`. */
async function setUpRealm(administer: Administer, { resource, scopes, redirectUrl }: IdpOptions): Promise<string> {
  await administer('POST', '', { realm: REALM, enabled: true });
  for (const name of scopes) {
    const scope = { name, protocol: 'openid-connect', attributes: { 'include.in.token.scope': 'true' } };
    const id = await administer('POST', `/${REALM}/client-scopes`, scope);
    await administer('POST', `/${REALM}/client-scopes/${id}/protocol-mappers/models`, {
      name: 'audience',
      protocol: 'openid-connect',
      protocolMapper: 'oidc-audience-mapper',
      config: { 'included.custom.audience': resource, 'access.token.claim': 'true' },
    });
    // What is named when a client is made would take the place of all that clients of the realm have.
    await administer('PUT', `/${REALM}/default-optional-client-scopes/${id}`);
  }
  await administer('POST', `/${REALM}/clients`, {
    clientId: PROGRAM.id,
    secret: PROGRAM.secret,
    publicClient: false,
    serviceAccountsEnabled: true,
    standardFlowEnabled: false,
  });
  await administer('POST', `/${REALM}/clients`, {
    clientId: PUBLIC_CLIENT,
    publicClient: true,
    standardFlowEnabled: true,
    redirectUris: [redirectUrl],
    attributes: { 'pkce.code.challenge.method': 'S256' },
  });
  await administer('POST', `/${REALM}/clients`, {
    clientId: LOGIN_CLIENT.id,
    secret: LOGIN_CLIENT.secret,
    publicClient: false,
    standardFlowEnabled: true,
    redirectUris: [redirectUrl],
  });
  return administer('POST', `/${REALM}/users`, {
    username: PERSON.name,
    enabled: true,
    email: PERSON.email,
    emailVerified: true,
    firstName: 'Alice',
    lastName: 'Example',
    credentials: [{ type: 'password', value: PERSON.password, temporary: false }],
  });
}
