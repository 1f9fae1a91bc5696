/** `obex certs` as the stack runs it: exit codes, and a certificate that clients accept over TLS. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startChild } from '../support/child.ts';
import { createTempFolder } from '../support/temp-folder.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

function createFolder(context: TestContext): string {
  const folder = createTempFolder('certs');
  context.after(() => folder.remove());
  return folder.path;
}

/** In the folder that holds `certs/`. */
function certs(cwd: string, env: Readonly<Record<string, string>>, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'certs', ...args], {
    encoding: 'utf8',
    env,
    cwd,
  });
  return { status, stdout, stderr };
}

/** The port of a server that shows this pair on 127.0.0.2. */
async function serve(context: TestContext, folder: string): Promise<number> {
  const [cert, key] = ['server.crt', 'server.key'].map((name) => readFileSync(join(folder, name)));
  const server = https.createServer({ cert, key }, (_request, response) => response.end('served'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.2', resolve));
  context.after(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** What `fetch` in a Node that trusts these certificates besides the public ones gets from there. */
async function fetchTrusting(authorities: string, url: string): Promise<string> {
  const code = `fetch('${url}').then((answer) => answer.text(), (error) => error.cause.code).then(console.log)`;
  const child = startChild({
    command: process.execPath,
    args: ['-e', code],
    env: { NODE_EXTRA_CA_CERTS: authorities },
  });
  assert.deepEqual(await child.ended(), { code: 0, signal: null });
  return child.stdout().trim();
}

describe('obex certs', () => {
  it('makes a certificate that a client with NODE_EXTRA_CA_CERTS accepts at SERVER_IP', async (context) => {
    const [folder, other] = [createFolder(context), createFolder(context)];
    const env = { TLS_MODE: 'self-signed', SERVER_IP: '127.0.0.2' };
    assert.equal(certs(folder, env).status, 0);
    assert.equal(certs(other, env, '--dir', join(other, 'certs')).status, 0);
    const url = `https://127.0.0.2:${await serve(context, join(folder, 'certs'))}/`;
    const [own, others] = [folder, other].map((path) => join(path, 'certs/server.crt'));
    assert.ok(own !== undefined && others !== undefined);
    assert.equal(await fetchTrusting(own, url), 'served');
    assert.equal(await fetchTrusting(others, url), 'DEPTH_ZERO_SELF_SIGNED_CERT');
    const both = join(folder, 'both.crt');
    writeFileSync(both, readFileSync(others, 'utf8') + readFileSync(own, 'utf8'));
    assert.equal(await fetchTrusting(both, url), 'served', 'beside another of the same name');
  });

  it('ends with 0 when Obex may start and with 1 when it must not', (context) => {
    const folder = createFolder(context);
    const provided = { TLS_MODE: 'provided' };
    assert.equal(certs(folder, { TLS_MODE: 'self-signed' }).status, 0);
    // Who is not root cannot give the key to UID 65532, and would be warned of that.
    chmodSync(join(folder, 'certs/server.key'), 0o644);
    assert.deepEqual(certs(folder, provided), { status: 0, stdout: 'Provided certificate OK.\n', stderr: '' });
    rmSync(join(folder, 'certs/server.crt'));
    assert.deepEqual(certs(folder, provided), {
      status: 1,
      stdout: '',
      stderr: `ERROR: TLS_MODE=provided but certificate files not found.
  Put the certificate into certs/server.crt and its private key into certs/server.key.
`,
    });
  });
});
