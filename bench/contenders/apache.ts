/** Apache with mod_auth_openidc as a resource server. It has the key as a file: it takes a JWK Set by https only. */
import { freePort } from '../../test/support/free-port.ts';
import { type Bench, firstToken } from '../bench.ts';
import { PATH } from '../exchange.ts';
import { KID, RESOURCE, SCOPE } from '../tokens.ts';
import type { Contender, ServerSetup } from './contender.ts';
import { startContender } from './contender.ts';

const MODULES = [
  'mpm_event',
  'authn_core',
  'authz_core',
  'authz_user',
  'auth_openidc',
  'headers',
  'proxy',
  'proxy_http',
];
const MODULE_FOLDER = '/usr/lib/apache2/modules';
/** One process with a thread for each connection of the load, and some to spare. */
const THREADS = 96;

export async function startApache(bench: Bench): Promise<Contender> {
  return startContender(bench, await setUpApache(bench));
}

export async function setUpApache(bench: Bench): Promise<ServerSetup> {
  const port = await freePort();
  const folder = bench.folder(`apache-${port}`);
  const key = bench.write('issuer.pem', bench.issuer.publicPem);
  const config = bench.write(`apache-${port}.conf`, formatConfig(bench, { port, folder, key }));
  return {
    name: 'apache, mod_auth_openidc',
    origin: `http://127.0.0.1:${port}`,
    command: 'apache2',
    args: ['-DFOREGROUND', '-f', config],
    token: firstToken(bench),
  };
}

interface Settings {
  readonly port: number;
  readonly folder: string;
  readonly key: string;
}

function formatConfig({ issuer: { issuer }, backend }: Bench, { port, folder, key }: Settings): string {
  return `
ServerName 127.0.0.1
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/pid
ErrorLog /dev/stderr
LogLevel error
Mutex pthread
${MODULES.map((name) => `LoadModule ${name}_module ${MODULE_FOLDER}/mod_${name}.so`).join('\n')}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
Listen 127.0.0.1:${port}
StartServers 1
ServerLimit 1
ThreadLimit ${THREADS}
ThreadsPerChild ${THREADS}
MaxRequestWorkers ${THREADS}
MinSpareThreads ${THREADS}
MaxSpareThreads ${THREADS}
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 120
OIDCOAuthVerifyCertFiles ${KID}#${key}
OIDCOAuthRemoteUserClaim sub
OIDCCryptoPassphrase bench
<Location ${PATH}>
  AuthType oauth20
  <RequireAll>
    Require claim iss:${issuer}
    Require claim aud:${RESOURCE}
    Require claim scope~${SCOPE}
  </RequireAll>
  RequestHeader unset Authorization
  ProxyPass ${backend.origin}${PATH} max=${THREADS}
</Location>
`;
}
