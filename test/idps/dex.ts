/** A private Dex (Go module), its data in memory: static clients and one password. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
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

export const DEX_VERSION = '2.45.1';
/** That release: the module path has no /v2, so the tags of releases are no versions of the module. */
const MODULE_VERSION = 'v0.0.0-20260303133905-11d2eeb52b42';

/** bcrypt, cost 10, of the person's password. */
const PASSWORD_HASH = '$2a$10$9eaBWV5.ZVqqrr.g/GSlWO8jybz9xRcCisSCjd2st5r8jRoRCW/7K';

export function installDex(): Promise<string> {
  return buildGoProgram({ name: 'dex', path: 'github.com/dexidp/dex/cmd/dex', version: MODULE_VERSION });
}

/** Starts it on a free port. It knows neither resources nor scopes of others: of the options only the redirect URL counts. */
export async function startDex({ redirectUrl }: Pick<IdpOptions, 'redirectUrl'>): Promise<RealIdp> {
  const program = await installDex();
  const port = await freePort();
  const folder = createTempFolder('dex');
  const issuer = `http://127.0.0.1:${port}/dex`;
  const config = join(folder.path, 'dex.json');
  writeFileSync(config, JSON.stringify(dexConfig(issuer, port, redirectUrl)));
  const server = await startServer({ command: program, args: ['serve', config] }, discoveryUrlOf(issuer));
  return {
    issuer,
    tokenEndpoint: `${issuer}/token`,
    async stop() {
      await server.stop();
      folder.remove();
    },
  };
}

/** Dex reads YAML, of which JSON is a part. */
function dexConfig(issuer: string, port: number, redirectUrl: string): object {
  return {
    issuer,
    storage: { type: 'memory' },
    web: { http: `127.0.0.1:${port}` },
    oauth2: { skipApprovalScreen: true },
    staticClients: [
      { id: PUBLIC_CLIENT, name: PUBLIC_CLIENT, public: true, redirectURIs: [redirectUrl] },
      { id: PROGRAM.id, name: PROGRAM.id, secret: PROGRAM.secret, redirectURIs: [] },
      { id: LOGIN_CLIENT.id, name: LOGIN_CLIENT.id, secret: LOGIN_CLIENT.secret, redirectURIs: [redirectUrl] },
    ],
    enablePasswordDB: true,
    staticPasswords: [
      {
        email: PERSON.email,
        username: PERSON.name,
        hash: PASSWORD_HASH,
        userID: '08a8684b-db88-4b73-90a9-3cd1661f5466',
      },
    ],
  };
}
