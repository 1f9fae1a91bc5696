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

const NO_COMMAND = 'nothing stands after --; write the command of the MCP server there: obex serve -- npx my-server';
const TWO_BACKENDS = 'are two backends, one that runs already and one that Obex runs; write one of them';

describe('wrong usage ends with 2 and one line that says why', () => {
  const cases: Readonly<Record<string, string>> = {
    'check other.yaml':
      'unexpected argument "other.yaml"; write --config other.yaml, or -- other.yaml for a server that speaks stdio',
    'serve other.yaml':
      'unexpected argument "other.yaml"; write --config other.yaml, or -- other.yaml for a server that speaks stdio',
    'serve --config a.yaml other.yaml':
      'unexpected argument "other.yaml"; write --config other.yaml, or -- other.yaml for a server that speaks stdio',
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
    'check --config a --config b': '--config is given twice; write it once',
    'serve --backend http://localhost:1 --backend http://localhost:2': '--backend is given twice; write it once',
    'serve --public-url http://localhost --public-url http://localhost': '--public-url is given twice; write it once',
    'check --issuer https://a.example --issuer https://a.example': '--issuer is given twice; write it once',
    'check --set log.level=info --set log.level=info':
      '--set log.level is given twice; write it once, a list with commas between its values',
    'check --issuer https://a.example --set idp.issuer=https://b.example':
      '--set idp.issuer sets what --issuer has set; write one of them',
    'check --set log.level': '--set log.level: expected key=value, for example --set log.level=VALUE',
    'check --set dpop.nonce_secret:hunter2':
      '--set dpop.nonce_secret: expected key=value, for example --set dpop.nonce_secret=VALUE',
    'check --set =x': '--set: expected key=value, for example --set log.level=debug',
    'check --set': "option '--set <key=value>' argument missing",
    'serve --': NO_COMMAND,
    'check --issuer https://a.example --': NO_COMMAND,
    '--': NO_COMMAND,
    'serve --backend http://localhost:1 -- npx serve': `--backend and -- ${TWO_BACKENDS}`,
    '--backend http://localhost:1 -- serve': `--backend and -- ${TWO_BACKENDS}`,
    'check --backend http://localhost:1 --set backend.command=npx': `--backend and --set backend.command ${TWO_BACKENDS}`,
    'check --set backend.url=http://localhost:1 -- npx': `--set backend.url and -- ${TWO_BACKENDS}`,
    '--config a.yaml check': '--config stands before "check"; write it after that',
    '--backend http://localhost:1 serve': '--backend stands before "serve"; write it after that',
    'schema -- x': 'unexpected argument "--"',
    serve:
      'no config file: neither /etc/obex/obex.yaml nor ./obex.yaml exists; name one with --config FILE or OBEX_CONFIG, or do ' +
      'without: obex serve --backend URL',
    'check --debug --config /nowhere': '/nowhere (from --config) does not exist',
  };
  for (const [line, problem] of Object.entries(cases)) {
    it(`obex ${line}`, () =>
      assert.deepEqual(obex(...line.split(' ')), { status: 2, stdout: '', stderr: `obex: ${problem}\n` }));
  }
});

describe('$OBEX_CONFIG beside flags that stand in place of a file', () => {
  for (const [flag, args] of [
    ['--backend', ['--backend', 'http://localhost:1']],
    ['--', ['--', 'npx']],
  ] as const) {
    it(`is wrong usage with ${flag}, and no file is passed over in silence`, () => {
      const { status, stdout, stderr } = spawnSync(PROGRAM.command, [...PROGRAM.args, 'check', ...args], {
        encoding: 'utf8',
        env: { OBEX_CONFIG: '/etc/obex/other.yaml' },
      });
      const problem = `OBEX_CONFIG is set beside ${flag}, with which no file is read; unset it, or name the file with --config, which lays the flags over it`;
      assert.deepEqual({ status, stdout, stderr }, { status: 2, stdout: '', stderr: `obex: ${problem}\n` });
    });
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
