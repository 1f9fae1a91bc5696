/** Writes the program of a release: `program.js`, its code cache, and `obex.mjs`, which runs it. */
import { spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { bundle, ON_DEMAND } from './bundle.ts';
import { compileProgram, readCodeCache, readProgram } from './program.ts';

/** All but what is imported on demand. Resolves to the files that went into it. */
export async function writeProgram(folder: string): Promise<readonly string[]> {
  const outside = ON_DEMAND.map(({ source }) => source);
  const { inputs } = await bundle('src/main.ts', path.join(folder, 'program.js'), { outside, isScript: true });
  handOverImports(path.join(folder, 'program.js'));
  await bundle('scripts/obex.ts', path.join(folder, 'obex.mjs'));
  await recordCodeCache(folder);
  // Nothing else would show it: V8 refuses the cache of a process that has changed certain flags of V8.
  const program = readProgram(folder);
  const { cachedDataRejected } = compileProgram(program, readCodeCache(program));
  if (cachedDataRejected !== false) throw new Error('V8 refuses the code cache that it has made');
  return Object.keys(inputs);
}

/** A script has no `import` of its own but an experimental one, which warns on standard error. */
function handOverImports(program: string): void {
  const text = readFileSync(program, 'latin1').replaceAll('import("./', 'PROGRAM_IMPORT("./');
  if (/\bimport\(["'`]/.test(text)) throw new Error('the program imports something that is not beside it');
  writeFileSync(program, text, 'latin1');
}

/** The code cache holds what was compiled when this ends: all that it takes from the start to a request that was let through. */
async function recordCodeCache(folder: string): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: '1', alg: 'RS256', use: 'sig' }];
  // Issuer and backend in one.
  const peer = createServer((request, response) => {
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys }));
    request.resume();
  });
  await once(peer.listen(0, '127.0.0.1'), 'listening');
  const temporary = mkdtempSync(path.join(tmpdir(), 'obex-build-'));
  try {
    const origin = originOf(peer.address());
    const config = path.join(temporary, 'obex.yaml');
    writeFileSync(config, formatConfig(origin));
    await record([folder, 'serve', '--config', config], formatToken(origin, privateKey));
  } finally {
    peer.close();
    rmSync(temporary, { recursive: true });
  }
}

async function record(args: readonly string[], token: string): Promise<void> {
  const program = spawn(process.execPath, [path.join(import.meta.dirname, 'record-program.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(program, 'close');
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Connection: 'close' };
  try {
    for await (const line of createInterface(program.stdout)) {
      const { event, url }: Record<string, unknown> = JSON.parse(line);
      if (event !== 'listening') continue;
      const { status } = await fetch(`${String(url)}/mcp`, { method: 'POST', headers, body: '{}' });
      if (status !== 200) throw new Error(`the program was tried and answered ${status}`);
      program.kill();
    }
  } finally {
    program.kill();
    await ended;
  }
  if (program.exitCode !== 0) throw new Error(`the program was tried and ended with ${program.exitCode}`);
}

function originOf(address: ReturnType<ReturnType<typeof createServer>['address']>): string {
  if (address === null || typeof address === 'string') throw new TypeError('no port');
  return `http://127.0.0.1:${address.port}`;
}

function formatConfig(origin: string): string {
  return `obex: { public_url: "https://tool.example", listen: "127.0.0.1:0" }
backend: { url: "${origin}" }
resource: { url: "https://tool.example/mcp" }
idp:
  issuer: "${origin}"
  jwks_uri: "${origin}/jwks"
`;
}

/** RFC 9068 §2. */
function formatToken(issuer: string, key: KeyObject): string {
  const iat = Math.floor(Date.now() / 1000);
  const identity = { iss: issuer, aud: 'https://tool.example/mcp', sub: 'user', client_id: 'client', jti: '1' };
  const content = [
    { alg: 'RS256', typ: 'at+jwt', kid: '1' },
    { ...identity, iat, exp: iat + 60 },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const signature = sign('sha256', Buffer.from(content.join('.')), key).toString('base64url');
  return `${content.join('.')}.${signature}`;
}
