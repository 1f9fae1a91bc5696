/** The command line as people get it wrong, or ask it for help: one line, one prefix, an exit code. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PROGRAM } from '../support/program.ts';
import { createTempFolder } from '../support/temp-folder.ts';

function obex(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(PROGRAM.command, [...PROGRAM.args, ...args], {
    encoding: 'utf8',
    env: {},
  });
  return { status, stdout, stderr };
}

describe('wrong usage ends with 2 and one line that says why', () => {
  const cases: Readonly<Record<string, string>> = {
    'check other.yaml': 'unexpected argument "other.yaml"; write --config other.yaml',
    'serve other.yaml': 'unexpected argument "other.yaml"; write --config other.yaml',
    'serve --config a.yaml other.yaml': 'unexpected argument "other.yaml"; write --config other.yaml',
    'schema foo': 'unexpected argument "foo"',
    'certs foo': 'unexpected argument "foo"',
    certs:
      'the environment variable TLS_MODE: expected self-signed, provided or external, got ""; for example TLS_MODE=self-signed SERVER_IP=localhost obex certs',
    'demo foo': 'unexpected argument "foo"',
    'help check foo': 'unexpected argument "foo"',
    foo: 'unknown command "foo"; "obex --help" lists them',
    'help foo': 'unknown command "foo"; "obex --help" lists them',
    'demo --port abc': "option '--port <port>' argument 'abc' is invalid. Expected a number from 1 to 65535.",
    'demo --port 0': "option '--port <port>' argument '0' is invalid. Expected a number from 1 to 65535.",
    'demo --port 99999': "option '--port <port>' argument '99999' is invalid. Expected a number from 1 to 65535.",
    'check --confg x': "unknown option '--confg' (Did you mean --config?)",
    'check --config': "option '--config <file>' argument missing",
    'check --debug --config /nowhere': '/nowhere (from --config) does not exist',
  };
  for (const [line, problem] of Object.entries(cases)) {
    it(`obex ${line}`, () =>
      assert.deepEqual(obex(...line.split(' ')), { status: 2, stdout: '', stderr: `obex: ${problem}\n` }));
  }
});

describe('help and version', () => {
  it('of obex say what it does without a command', () => {
    const { status, stdout, stderr } = obex('--help');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^Without a command it runs serve\.$/m);
    for (const args of [['-h'], ['help']]) assert.deepEqual(obex(...args), { status, stdout, stderr });
  });

  it('of a command are the same however they are asked for', () => {
    const asked = obex('demo', '--help');
    assert.equal(asked.status, 0);
    assert.match(asked.stdout, /--port <port> +port of Obex, 1 to 65535 \(default: 8080, or the next free one\)/);
    for (const args of [
      ['demo', '-h'],
      ['help', 'demo'],
    ])
      assert.deepEqual(obex(...args), asked);
  });

  it('of check name the option that a pipeline wants', () => {
    assert.match(obex('check', '--help').stdout, /^ {2}--strict +exit 1 if there are warnings \(default: false\)$/m);
  });

  it('-v, -V and --version print the version', () => {
    const version = obex('--version');
    assert.equal(version.status, 0);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    for (const flag of ['-v', '-V']) assert.deepEqual(obex(flag), version);
  });
});

describe('obex --health-probe', () => {
  it('says that a listener on port 0 cannot be probed', (context) => {
    const folder = createTempFolder('probe');
    context.after(() => folder.remove());
    const file = join(folder.path, 'obex.yaml');
    writeFileSync(
      file,
      `obex: { public_url: "http://localhost:1", listen: "127.0.0.1:0" }
backend: { url: "http://localhost:9090" }
resource: { url: "http://localhost:1/mcp" }
`,
    );
    assert.deepEqual(obex('--health-probe', '--config', file), {
      status: 2,
      stdout: '',
      stderr:
        'obex: --health-probe: only the running process knows the port behind port 0; give obex.listen a fixed port\n',
    });
  });
});
