/** The fixed-answer backend, an nginx of its own, which also serves the identity provider's key set. */
import { freePort } from '../../test/support/free-port.ts';
import type { BenchBase } from '../bench-base.ts';
import { RESPONSE_BODY } from '../exchange.ts';
import { TokenIssuer } from '../tokens.ts';
import type { Contender } from './contender.ts';
import { startContender } from './contender.ts';
import { nginxCommand } from './nginx.ts';

export async function startBackend(bench: BenchBase): Promise<{ backend: Contender; issuer: TokenIssuer }> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const issuer = new TokenIssuer(origin);
  const server = `
  default_type application/json;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /jwks { return 200 '${issuer.jwks}'; }
    location / { return 200 '${RESPONSE_BODY}'; }
  }`;
  const backend = await startContender(bench, {
    name: 'direct',
    origin,
    cpus: bench.cpus.load,
    ...nginxCommand(bench, 'backend', server),
  });
  return { backend, issuer };
}
