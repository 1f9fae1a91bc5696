/** test/dpop/test-dpop.ts as users run it, against the development IdP and Obex in a process of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Stage, startStage } from '../../src/demo/stage.ts';
import { type Child, startChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { listenOnLoopback } from '../support/loopback-server.ts';
import { startObexProcess } from '../support/obex-process.ts';
import { createTempFolder } from '../support/temp-folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, 'test/dpop/test-dpop.ts');
const FAILED = 'Phase 3 DPoP test FAILED.';

const folder = createTempFolder('test-dpop');
const keyFile = join(folder.path, 'key.pem');
let stage: Stage;

before(async () => {
  stage = await startStage({ port: await freePort(), startObex: (config) => startObexProcess({ config }) });
});

after(async () => {
  await stage.stop();
  folder.remove();
});

/** Runs it to its end; flags and variables replace those that would make it pass. */
async function run(
  flags: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const { id, secret } = stage.idp.client;
  const all = {
    url: stage.resource,
    issuer: stage.idp.issuer,
    'client-id': id,
    scope: 'demo:use',
    'key-file': keyFile,
  };
  const args = Object.entries({ ...all, ...flags }).flatMap(([name, value]) => [`--${name}`, value]);
  const child = startChild({
    command: process.execPath,
    args: [PROGRAM, ...args],
    env: { DPOP_TEST_CLIENT_SECRET: secret, ...env },
    cwd: ROOT,
  });
  await child.ended();
  return child;
}

/** The value printed after a name. */
function valueOf(child: Child, name: string): string | undefined {
  return new RegExp(`^${name}: +(.*)$`, 'm').exec(child.stdout())?.[1];
}

function assertFailed(child: Child, expected: RegExp): void {
  assert.deepEqual(child.exitStatus(), { code: 1, signal: null });
  assert.ok(child.stderr().includes(FAILED), child.stderr());
  assert.match(child.stderr(), expected);
  assert.doesNotMatch(child.stdout(), /PASSED/);
}

describe('test-dpop.ts', () => {
  let first: Child;

  before(async () => {
    first = await run({});
  });

  it('passes, and says so last', () => {
    assert.equal(first.stderr(), '');
    assert.deepEqual(first.exitStatus(), { code: 0, signal: null });
    assert.ok(first.stdout().endsWith('\nPhase 3 DPoP test PASSED.\n'), first.stdout());
  });

  it('prints what the token is, and what Obex and the MCP server answered', () => {
    const names = ['token_type', 'scope', 'expires_in', 'aud', 'HTTP status', 'proof again'];
    assert.deepEqual(Object.fromEntries(names.map((name) => [name, valueOf(first, name)])), {
      token_type: 'DPoP',
      scope: 'demo:use',
      expires_in: '3600',
      aud: stage.resource,
      'HTTP status': '200',
      'proof again': '401 dpop_replayed',
    });
    assert.equal(valueOf(first, 'cnf.jkt'), valueOf(first, 'thumbprint'));
    assert.match(first.stdout(), /"serverInfo":\{"name":"obex-demo"/);
  });

  it('answers the demand of the IdP for a nonce by itself, and says so', () => {
    const lines = first.stdout().match(/^.* demands a nonce .*$/gm);
    assert.deepEqual(lines, [`${stage.idp.issuer} demands a nonce (use_dpop_nonce): asking again with it`]);
  });

  it('has made a P-256 key that only its owner can read', () => {
    assert.equal(statSync(keyFile).mode & 0o777, 0o600);
    assert.match(readFileSync(keyFile, 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/);
    assert.match(valueOf(first, 'key') ?? '', /, made now$/);
  });

  it('uses the key again, under the Bearer scheme, all by environment', async () => {
    const { id } = stage.idp.client;
    const env = {
      DPOP_TEST_SCHEME: 'bearer',
      DPOP_TEST_URL: stage.resource,
      DPOP_TEST_TOKEN_URL: stage.idp.tokenEndpoint,
      DPOP_TEST_CLIENT_ID: id,
      DPOP_TEST_CLIENT_SECRET: stage.idp.client.secret,
      DPOP_TEST_CLIENT_AUTH: 'basic',
      DPOP_TEST_SCOPE: 'demo:use',
      DPOP_TEST_KEY_FILE: keyFile,
    };
    const child = startChild({ command: process.execPath, args: [PROGRAM], env, cwd: ROOT });
    assert.deepEqual(await child.ended(), { code: 0, signal: null }, child.stderr());
    assert.equal(valueOf(child, 'thumbprint'), valueOf(first, 'thumbprint'));
    assert.doesNotMatch(valueOf(child, 'key') ?? '', /made now/);
    assert.equal(valueOf(child, 'calling'), `${stage.resource} with Authorization: Bearer`);
  });

  it('prints neither token nor proof, key or secret', () => {
    const printed = first.stdout() + first.stderr();
    assert.doesNotMatch(printed, /eyJ/);
    assert.ok(!printed.includes(stage.idp.client.secret));
    assert.ok(!printed.includes(readFileSync(keyFile, 'utf8').split('\n')[1] ?? ''));
  });

  it('keeps its key out of git', () => {
    const { status } = spawnSync('git', ['check-ignore', '-q', 'test/dpop/dpop_key.pem'], { cwd: ROOT });
    assert.equal(status, 0);
  });
});

describe('test-dpop.ts, when something is wrong, says what and where to look', () => {
  it('the client at the IdP', async () => {
    assertFailed(
      await run({}, { DPOP_TEST_CLIENT_SECRET: 'wrong' }),
      /The IdP refused a token with 401 .*look at the client/,
    );
  });

  it('the audience', async () => {
    const child = await run({ resource: 'https://other.example/mcp' });
    assertFailed(child, /Obex refused the request [0-9a-f-]{36} with audience_mismatch: .*resource\.url/);
  });

  it('the scope', async () => {
    assertFailed(await run({ scope: 'demo:other' }), /with insufficient_scope: .*--scope/);
  });

  it('a token that is bound to nothing', async (context) => {
    const claims = Buffer.from(JSON.stringify({ aud: stage.resource })).toString('base64url');
    const answer = JSON.stringify({ access_token: `e30.${claims}.e30`, token_type: 'Bearer' });
    const idp = createServer((_request, response) =>
      response.setHeader('Content-Type', 'application/json').end(answer),
    );
    context.after(() => idp.close());
    const port = await listenOnLoopback(idp);
    const child = await run({ 'token-url': `http://127.0.0.1:${port}` });
    assertFailed(child, /The token is not bound to a key: switch DPoP on/);
    assert.equal(valueOf(child, 'cnf.jkt'), '(missing)');
    assert.equal(valueOf(child, 'scope'), '(missing)');
  });

  it('the URL, when it leads around Obex', async () => {
    assertFailed(await run({ url: stage.mcpServer.url, resource: stage.resource }), /not from Obex/);
  });

  it('Obex or the IdP, when they are down', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const down = await run({ url: `${nobody}/mcp`, resource: stage.resource });
    assertFailed(down, /Obex at .* cannot be reached: .*ECONNREFUSED/);
    assertFailed(await run({ issuer: nobody }), /metadata .* cannot be read: .*ECONNREFUSED.*--token-url/);
  });

  it('the key file', async () => {
    const child = await run({ 'key-file': join(ROOT, 'package.json') });
    assert.deepEqual(child.exitStatus(), { code: 1, signal: null });
  });
});

describe('test-dpop.ts, usage', () => {
  const start = (...args: readonly string[]) =>
    spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'] } });

  it('--help names every flag, the environment and an example', () => {
    const { status, stdout, stderr } = start('--help');
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    for (const text of ['--scheme DPoP|Bearer', 'DPOP_TEST_CLIENT_SECRET', 'NODE_EXTRA_CA_CERTS', 'Example:']) {
      assert.ok(stdout.includes(text), text);
    }
  });

  it('wrong flags are one line and exit code 2', () => {
    for (const [args, text] of [
      [[], '--url (or DPOP_TEST_URL) is missing'],
      [['--nonsense'], "Unknown option '--nonsense'"],
      [['--url', 'http://localhost/mcp'], '--issuer or --token-url is missing'],
    ] as const) {
      const { status, stderr } = start(...args);
      assert.equal(status, 2);
      assert.ok(stderr.includes(text) && stderr.trimEnd().split('\n').length === 1, stderr);
    }
  });
});
