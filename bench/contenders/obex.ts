/** Obex as it is released: `node dist/obex.mjs serve`, everything default but what a scenario is about. */
import { execFileSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { type Bench, firstToken } from '../bench.ts';
import { launch } from '../processes.ts';
import { RESOURCE, SCOPE } from '../tokens.ts';
import type { Certificate } from './certificate.ts';
import type { Contender, ServerSetup } from './contender.ts';
import { startContender } from './contender.ts';

export interface ObexOptions {
  /** Default: 2. */
  readonly phase?: 1 | 2 | 3;
  /** Phase 3: where proofs are remembered. Default: in memory. */
  readonly redisPort?: number;
  /** Default: `all`, as in the product. */
  readonly accessLog?: 'all' | 'off';
  readonly tls?: Certificate;
  readonly tokenCache?: 'off';
  readonly workers?: number;
  /** With an authorization server of its own beside the issuer; nobody logs in. */
  readonly login?: true;
  /** The streams that one user opens; default: as many as the product allows. */
  readonly streamsOfOneUser?: number;
  readonly backendOrigin?: string;
  readonly cpus?: string;
  /** Replaces the name in the table. */
  readonly name?: string;
  /** Default: the release. */
  readonly bundle?: string;
}

export async function startObex(bench: Bench, options: ObexOptions = {}): Promise<Contender> {
  return startContender(bench, await setUpObex(bench, options));
}

export async function setUpObex(bench: Bench, options: ObexOptions = {}): Promise<ServerSetup> {
  const port = await freePort();
  const config = bench.write(`obex-${port}.yaml`, formatConfig(bench, port, options));
  const log = options.accessLog === 'off' ? ', no access log' : '';
  return {
    name: options.name ?? `Obex${log}`,
    origin: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    command: process.execPath,
    args: [options.bundle ?? bench.bundle, 'serve', '--config', config],
    stdout: openDrainedPipe(bench, port),
    token: firstToken(bench),
    ...(options.cpus !== undefined && { cpus: options.cpus }),
  };
}

/** Whether this release takes such a config. */
export function obexAccepts(bench: Bench, options: ObexOptions): boolean {
  const config = bench.write('obex-check.yaml', formatConfig(bench, 1, options));
  try {
    execFileSync(process.execPath, [bench.bundle, 'check', '--config', config], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function formatConfig(bench: Bench, port: number, options: ObexOptions): string {
  const { phase = 2, accessLog, tls, tokenCache, workers, backendOrigin = bench.backend.origin } = options;
  const tlsLine = tls && `  tls: { enabled: true, cert_file: "${tls.certFile}", key_file: "${tls.keyFile}" }`;
  const idp = `idp: { issuer: "${bench.issuer.issuer}", jwks_uri: "${bench.issuer.issuer}/jwks" }
authz: { required_scopes: ["${SCOPE}"] }`;
  const lines = [
    'obex:',
    '  public_url: "https://tool.example"',
    `  listen: "127.0.0.1:${port}"`,
    tlsLine,
    workers && `  workers: ${workers}`,
    `backend: { url: "${backendOrigin}", max_idle_conns: 128 }`,
    `resource: { url: "${RESOURCE}" }`,
    phase > 1 && idp,
    options.login && LOGIN,
    phase === 3 && formatDpop(options.redisPort),
    options.streamsOfOneUser && formatLimits(options.streamsOfOneUser),
    tokenCache && 'token_cache: { max_entries: 0 }',
    accessLog && `log: { access: "${accessLog}" }`,
  ];
  return `${lines.filter(Boolean).join('\n')}\n`;
}

const LOGIN =
  'login: { issuer: "https://idp.example", client_id: obex, client_secret: secret, allow: { subjects: [ann] } }';

/** Twice as many, for those of the turn before that are just ending. */
function formatLimits(streams: number): string {
  const most = 2 * streams;
  return `limits: { max_connections: ${most}, max_requests_per_principal: ${most}, max_streams_per_principal: ${most} }`;
}

/** Proofs are made before the run, so they must be good for long. */
function formatDpop(redisPort: number | undefined): string {
  const redis = redisPort && `, replay_cache: { backend: redis, redis: { url: "redis://127.0.0.1:${redisPort}" } }`;
  return `dpop: { enabled: true, proof_lifetime: "1h"${redis ?? ''} }`;
}

/** A pipe as a container runtime gives it: somebody on another core reads, and throws away. */
function openDrainedPipe(bench: Bench, port: number): number {
  const fifo = join(bench.folder(`obex-${port}`), 'stdout');
  execFileSync('mkfifo', [fifo]);
  launch({ cpus: bench.cpus.load, command: 'cat', args: [fifo], errorsTo: bench.errorsTo });
  // Waits until the reader has opened its end.
  return openSync(fifo, 'w');
}
