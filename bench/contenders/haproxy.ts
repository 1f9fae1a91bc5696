/** haproxy as a resource server: the recipe of its manual for `jwt_verify`, with one RS256 key, one thread. */
import { freePort } from '../../test/support/free-port.ts';
import { type Bench, firstToken } from '../bench.ts';
import { RESOURCE, SCOPE } from '../tokens.ts';
import type { Contender, ServerSetup } from './contender.ts';
import { startContender } from './contender.ts';

export async function startHaproxy(bench: Bench): Promise<Contender> {
  return startContender(bench, await setUpHaproxy(bench));
}

export async function setUpHaproxy(bench: Bench): Promise<ServerSetup> {
  const port = await freePort();
  const key = bench.write('issuer.pem', bench.issuer.publicPem);
  const config = bench.write(`haproxy-${port}.cfg`, formatConfig(bench, port, key));
  return {
    name: 'haproxy, jwt_verify on each request',
    origin: `http://127.0.0.1:${port}`,
    command: 'haproxy',
    args: ['-db', '-f', config],
    token: firstToken(bench),
  };
}

function formatConfig({ issuer: { issuer }, backend }: Bench, port: number, key: string): string {
  const refuse = 'http-request deny deny_status 401 unless';
  return `
global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 120s
  timeout server 60s
  timeout http-keep-alive 120s
  http-reuse always
frontend resource
  bind 127.0.0.1:${port}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request set-var(txn.sub) var(txn.bearer),jwt_payload_query('$.sub')
  http-request set-var(txn.scope) var(txn.bearer),jwt_payload_query('$.scope')
  ${refuse} { var(txn.bearer),jwt_header_query('$.alg') -m str RS256 }
  ${refuse} { var(txn.bearer),jwt_verify('RS256',"${key}") -m int 1 }
  ${refuse} { var(txn.iss) -m str "${issuer}" }
  ${refuse} { var(txn.aud) -m str "${RESOURCE}" }
  ${refuse} { var(txn.exp),sub(txn.now) -m int gt 0 }
  ${refuse} { var(txn.scope) -m sub "${SCOPE}" }
  http-request del-header Authorization
  http-request set-header X-User %[var(txn.sub)]
  http-request set-header X-Scopes %[var(txn.scope)]
  default_backend tool
backend tool
  server tool ${new URL(backend.origin).host}
`;
}
