/** `obex serve` and `obex check` without a file, and with flags over one, in a process of their own. docs/operations.md. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { bearer, formatConfig, type RequestText, sendOn } from '../support/obex.ts';
import { type ObexProcess, type ObexProcessOptions, startObexProcess } from '../support/obex-process.ts';
import { PROGRAM } from '../support/program.ts';
import { openRaw, type RawResponse } from '../support/raw-http.ts';
import { OK_BODY, startRecordingBackend } from '../support/recording-backend.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { startTestIssuer } from '../support/test-issuer.ts';
import { until } from '../support/until.ts';

const STDIO_SERVER = join(import.meta.dirname, '../support/programs/stdio-server.ts');
const ANYWHERE = ['--set', 'obex.listen=127.0.0.1:0', '--public-url', 'http://localhost:1'];

async function start(context: TestContext, options: ObexProcessOptions): Promise<ObexProcess> {
  const obex = await startObexProcess(options);
  context.after(() => obex.stop());
  return obex;
}

async function ask(context: TestContext, obex: ObexProcess, request?: RequestText): Promise<RawResponse> {
  const client = await openRaw(obex.port);
  context.after(() => client.destroy());
  return sendOn(client, request);
}

const tokenOfNow = () => ({
  iat: Math.floor(systemClock.nowMs() / 1000),
  exp: Math.floor(systemClock.nowMs() / 1000) + 300,
});

describe('obex serve --backend URL --issuer URL', () => {
  it('guards that backend on a port of this machine, and says what users type', async (context) => {
    const backend = await startRecordingBackend(context);
    const issuer = await startTestIssuer(context, new FakeClock());
    const port = await freePort();
    const obex = await start(context, {
      args: `--backend http://127.0.0.1:${backend.port}/tools/mcp --issuer ${issuer.url}
        --set obex.listen=127.0.0.1:${port} --set idp.jwks_uri=${issuer.jwksUri}
        --set authz.required_scopes=mcp:read,mcp:write`.split(/\s+/),
    });
    const resource = `http://localhost:${port}/tools/mcp`;
    assert.ok(
      obex
        .output()
        .endsWith(
          `obex: filled in by default: obex.public_url: "http://localhost:${port}"\nobex: filled in by default: resource.url: "${resource}"\n`,
        ),
      obex.output(),
    );
    const { phase, public_url: publicUrl } = await obex.waitForEvent('listening');
    assert.deepEqual([phase, publicUrl], [2, `http://localhost:${port}`]);
    await obex.waitForEvent('jwks_fetched');
    const refused = await ask(context, obex, { target: '/tools/mcp' });
    assert.equal(refused.status, 401);
    const metadata = `http://localhost:${port}/.well-known/oauth-protected-resource/tools/mcp`;
    assert.deepEqual(refused.values('www-authenticate'), [
      `Bearer realm="mcp", resource_metadata="${metadata}", scope="mcp:read mcp:write"`,
    ]);
    const claims = { aud: resource, scope: 'mcp:read mcp:write', ...tokenOfNow() };
    const lines = [bearer(await issuer.token({ claims }))];
    const { status, body } = await ask(context, obex, { target: '/tools/mcp', lines });
    assert.deepEqual([status, body.toString()], [200, OK_BODY]);
    assert.deepEqual(
      backend.requests.map(({ requestLine }) => requestLine),
      ['GET /tools/mcp HTTP/1.1'],
    );
  });

  it('is what obex without a command does, too', (context) => {
    const { status, stderr } = run(context, ['--backend', 'ftp://x']);
    assert.deepEqual(
      [status, stderr],
      [2, '--backend: backend.url: expected a URL such as "http://localhost:9090", got "ftp://x"\n'],
    );
  });

  it('says that a file which stands there is passed over', async (context) => {
    const backend = await startRecordingBackend(context);
    const folder = createTempFolder('passed-over');
    context.after(() => folder.remove());
    writeFileSync(join(folder.path, 'obex.yaml'), 'not: [yaml');
    const flags = ['--backend', `http://127.0.0.1:${backend.port}`, '--issuer', 'https://auth.example/', ...ANYWHERE];
    const { status, stdout } = run(context, ['check', ...flags], folder.path);
    assert.equal(status, 0);
    assert.match(
      stdout,
      /^warning: \.\/obex\.yaml is not read beside --backend; to lay the flags over it, add --config \.\/obex\.yaml$/m,
    );
  });
});

describe('obex serve -- command', () => {
  it('runs the command as the MCP server, options of its own included', async (context) => {
    const resource = ['--set', 'resource.url=http://localhost:1/server'];
    const command = [process.execPath, '--no-warnings', '--', STDIO_SERVER];
    const obex = await start(context, { args: [...ANYWHERE, ...resource, '--', ...command] });
    const initialize = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
    };
    const lines = [bearer('any'), 'Content-Type: application/json', 'Accept: application/json, text/event-stream'];
    const answer = await ask(context, obex, {
      method: 'POST',
      target: '/server',
      lines,
      body: JSON.stringify(initialize),
    });
    assert.equal(answer.status, 200, answer.body.toString());
    assert.match(answer.body.toString(), /"serverInfo"/);
  });
});

describe('SIGHUP', () => {
  it('says without any file that there is nothing to reload, and so does --watch', async (context) => {
    const backend = await startRecordingBackend(context);
    const args = ['--backend', `http://127.0.0.1:${backend.port}`, ...ANYWHERE, '--watch'];
    const obex = await start(context, { args });
    obex.kill('SIGHUP');
    const { cause, message } = await obex.waitForEvent('nothing_to_reload');
    assert.deepEqual(
      [cause, message],
      ['SIGHUP', 'the configuration is made of flags and the environment alone: to change it, start Obex anew'],
    );
    const warnings = obex.logs().filter(({ event }) => event === 'config_warning');
    assert.equal(
      warnings.at(-1)?.['message'],
      '--watch has no effect: the configuration was read from no file, and names no secret in one',
    );
    assert.equal((await ask(context, obex, { lines: [bearer('any')] })).status, 200);
  });

  it('reads a secret anew without a config file, and --watch sees it change', async (context) => {
    const backend = await startRecordingBackend(context);
    const folder = createTempFolder('secret');
    context.after(() => folder.remove());
    const secret = join(folder.path, 'secret');
    writeFileSync(secret, 'a-secret-of-thirty-two-characters');
    const flags = ['--backend', `http://127.0.0.1:${backend.port}`, '--issuer', 'https://auth.example/', ...ANYWHERE];
    const args = [...flags, '--set', `dpop.nonce_secret_file=${secret}`, '--watch'];
    const obex = await start(context, { args });
    obex.kill('SIGHUP');
    await obex.waitForEvent('reloaded');
    writeFileSync(secret, 'short');
    const { cause, problems } = await obex.waitForEvent('reload_refused');
    assert.equal(cause, 'file changed');
    assert.match(String(problems), /^--set: dpop\.nonce_secret_file: /);
  });

  it('reads a config file anew, and lays the flags over it again', async (context) => {
    const backend = await startRecordingBackend(context);
    const config = formatConfig({ backend, sections: { backend: 'headers: { X-Key: "first" }', log: 'access: off' } });
    const obex = await start(context, { config, args: ['--set', 'log.access=all'] });
    await ask(context, obex, { lines: [bearer('any')] });
    writeFileSync(obex.configPath, config.replace('first', 'second'));
    obex.kill('SIGHUP');
    await obex.waitForEvent('reloaded');
    await ask(context, obex, { lines: [bearer('any')] });
    assert.deepEqual(
      backend.requests.map((request) => request.values('X-Key')),
      [['first'], ['second']],
    );
    await until('both access lines', () =>
      obex.logs().filter(({ event }) => event === 'request').length === 2 ? true : undefined,
    );
  });
});

describe('obex check with flags', () => {
  it('prints what they amount to, as a file that says the same', (context) => {
    const folder = createTempFolder('check');
    context.after(() => folder.remove());
    const flags = ['--backend', 'http://localhost:9090/mcp', '--issuer', 'https://auth.example/'];
    const first = run(context, ['check', ...flags], folder.path);
    const [title, yaml = ''] = /^(.*)\n((?:[a-z_]+:\n(?: .*\n)+)+)/.exec(first.stdout)?.slice(1) ?? [];
    assert.equal(title, '# the command line: the effective config, secrets masked');
    assert.equal(
      first.stdout.slice(first.stdout.indexOf('filled in')),
      `filled in by default: obex.listen: "127.0.0.1:8443"
filled in by default: obex.public_url: "http://localhost:8443"
filled in by default: resource.url: "http://localhost:8443/mcp"
phase: 2 (every request needs a token that the idp has signed for this resource)
paths: /mcp → /mcp at http://localhost:9090, for localhost:8443
mount: / ↔ /; no other paths than those of /mcp are served
no problems, no warnings
`,
    );
    mkdirSync(join(folder.path, 'etc'));
    const file = join(folder.path, 'etc/obex.yaml');
    writeFileSync(file, yaml);
    const again = run(context, ['check', '--config', file]);
    assert.deepEqual([again.status, again.stderr], [0, '']);
    assert.ok(again.stdout.includes(`\n${yaml}`));
    const over = run(context, ['check', '--config', file, '--set', 'log.level=debug']);
    assert.ok(over.stdout.startsWith(`# ${file} and the command line: the effective config, secrets masked\n`));
  });
});

function run(context: TestContext, args: readonly string[], cwd?: string) {
  const folder = createTempFolder('run');
  context.after(() => folder.remove());
  return spawnSync(PROGRAM.command, [...PROGRAM.args, ...args], { encoding: 'utf8', env: {}, cwd: cwd ?? folder.path });
}
