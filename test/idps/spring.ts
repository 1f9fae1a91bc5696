/** A private Spring Authorization Server (Maven), its data in memory; what is in its folder is built once. */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { installOnce } from './cache.ts';
import { runMaven } from './maven.ts';
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

/** That of Spring Security, which it is a part of, in the Spring Boot of pom.xml. */
export const SPRING_VERSION = '7.0';

const SOURCE = join(import.meta.dirname, 'spring');
const FILES = ['pom.xml', 'src/main/java/test/AuthorizationServer.java'];

export interface SpringOptions extends IdpOptions {
  /** `client`: the id of the client, as it comes. `resource`: by a token customizer. */
  readonly audience: 'client' | 'resource';
}

/** Returns the path of the jar. */
export async function installSpring(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of FILES) hash.update(readFileSync(join(SOURCE, file)));
  const installed = await installOnce(`spring-${hash.digest('hex').slice(0, 12)}`, async (folder) => {
    cpSync(SOURCE, folder, { recursive: true });
    await runMaven(['package'], folder);
  });
  return join(installed, 'target/authorization-server-1.jar');
}

/** Starts it on a free port. */
export async function startSpring(options: SpringOptions): Promise<RealIdp> {
  const jar = await installSpring();
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const folder = createTempFolder('spring');
  const config = join(folder.path, 'application.yaml');
  // JSON is a part of YAML.
  writeFileSync(config, JSON.stringify(springConfig(issuer, port, options)));
  const server = await startServer(
    {
      command: 'java',
      args: ['-Xmx256m', '-jar', jar, `--spring.config.location=file:${config}`],
      cwd: folder.path,
    },
    discoveryUrlOf(issuer),
  );
  return {
    issuer,
    tokenEndpoint: `${issuer}/oauth2/token`,
    async stop() {
      await server.stop();
      folder.remove();
    },
  };
}

function springConfig(
  issuer: string,
  port: number,
  { audience, resource, scopes, redirectUrl }: SpringOptions,
): object {
  return {
    ...(audience === 'resource' && { audience: resource }),
    server: { port, address: '127.0.0.1' },
    spring: {
      security: {
        user: { name: PERSON.name, password: PERSON.password },
        oauth2: { authorizationserver: { issuer, client: springClients(scopes, redirectUrl) } },
      },
    },
  };
}

function springClients(scopes: readonly string[], redirectUrl: string): object {
  return {
    public: {
      'require-proof-key': true,
      registration: {
        'client-id': PUBLIC_CLIENT,
        'client-authentication-methods': ['none'],
        'authorization-grant-types': ['authorization_code', 'refresh_token'],
        'redirect-uris': [redirectUrl],
        scopes: [...scopes, 'openid', 'offline_access'],
      },
    },
    login: {
      registration: {
        'client-id': LOGIN_CLIENT.id,
        'client-secret': `{noop}${LOGIN_CLIENT.secret}`,
        'client-authentication-methods': ['client_secret_basic'],
        'authorization-grant-types': ['authorization_code', 'refresh_token'],
        'redirect-uris': [redirectUrl],
        scopes: ['openid', 'email', 'profile', 'offline_access'],
      },
    },
    program: {
      registration: {
        'client-id': PROGRAM.id,
        'client-secret': `{noop}${PROGRAM.secret}`,
        'client-authentication-methods': ['client_secret_basic'],
        'authorization-grant-types': ['client_credentials'],
        scopes,
      },
    },
  };
}
