/** `obex check` as a user sees it: exit code, and which stream says what. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCheck } from '../../../src/commands/check.ts';
import { createTempFolder, type TempFolder } from '../../support/temp-folder.ts';
import { minimal, minimalIdp } from './loading.ts';

let folder: TempFolder;
before(() => {
  folder = createTempFolder('check');
});
after(() => folder.remove());

async function check(text: string, env: Readonly<Record<string, string>> = {}): Promise<object> {
  const config = join(folder.path, 'obex.yaml');
  writeFileSync(config, text);
  return run(config, env);
}

async function run(config: string | undefined, env: Readonly<Record<string, string>> = {}): Promise<object> {
  let stdout = '';
  let stderr = '';
  const code = await runCheck({
    config,
    env,
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
  });
  return { code, stdout, stderr: stderr.replaceAll(folder.path, '…') };
}

describe('obex check', () => {
  it('prints every problem, one a line, with their number, and ends with 1', async () => {
    assert.deepEqual(
      await check(minimal('log: { levle: info }\nzap: 1\n').replace('zap', 'cros'), { OBEX_LOG_LEVLE: 'x' }),
      {
        code: 1,
        stdout: '',
        stderr: `…/obex.yaml:7: log.levle: unknown key; did you mean level?
…/obex.yaml:8: cros: unknown key; did you mean cors?
warning: OBEX_LOG_LEVLE is ignored: no value of the config has this name; did you mean OBEX_LOG_LEVEL?
2 problems
`,
      },
    );
    assert.deepEqual(await check(minimal('log: { levle: info }\n')), {
      code: 1,
      stdout: '',
      stderr: '…/obex.yaml:7: log.levle: unknown key; did you mean level?\n1 problem\n',
    });
  });

  it('prints the effective config, the phase and warnings, and ends with 0', async () => {
    const outcome = await check(
      minimalIdp().replace('obex:\n', 'obex:\n  tls: { enabled: true, key_file: /none/k, cert_file: /none/c }\n'),
    );
    const { stdout } = Object.assign({ stdout: '' }, outcome);
    assert.deepEqual(outcome, { code: 0, stdout, stderr: '' });
    assert.ok(stdout.includes('  issuer: https://auth.example/\n  clock_skew: 10s\n'));
    assert.deepEqual(stdout.split('\n').slice(-4), [
      'phase: 2 (every request needs a token that the idp has signed for this resource)',
      'warning: on this machine, obex.tls.cert_file: cannot read /none/c (ENOENT); check the path and that this user may read it',
      'warning: on this machine, obex.tls.key_file: cannot read /none/k (ENOENT); check the path and that this user may read it',
      '',
    ]);
  });

  it('says which file of a certificate authority is of no use', async () => {
    const { stdout } = Object.assign(
      { stdout: '' },
      await check(
        minimalIdp().replace('backend:\n', `backend:\n  tls: { ca_file: "${join(folder.path, 'obex.yaml')}" }\n`),
      ),
    );
    assert.match(stdout, /^warning: on this machine, backend\.tls\.ca_file: \/.* holds no certificate in PEM form/m);
  });

  it('says in phase 1 that nobody is authenticated', async () => {
    const { stdout } = Object.assign({ stdout: '' }, await check(minimal()));
    assert.match(stdout, /^phase: 1 \(AUTHENTICATES NOBODY: any bearer token passes; add idp to verify tokens\)$/m);
    assert.match(stdout, /^warning: PHASE 1: OBEX AUTHENTICATES NOBODY\./m);
  });

  it('finds the file by $OBEX_CONFIG', async () => {
    const config = join(folder.path, 'other.yaml');
    writeFileSync(config, minimal());
    assert.equal(Object.assign({ code: 2 }, await run(undefined, { OBEX_CONFIG: config })).code, 0);
  });

  it('ends with 2 when there is no file to check, or none that can be read', async () => {
    const missing = join(folder.path, 'none.yaml');
    assert.deepEqual(await run(missing), {
      code: 2,
      stdout: '',
      stderr: 'obex: …/none.yaml (from --config) does not exist\n',
    });
    const directory = join(folder.path, 'directory');
    mkdirSync(directory);
    assert.deepEqual(await run(directory), {
      code: 2,
      stdout: '',
      stderr: 'obex: cannot read …/directory; is it a file that this user may read?\n',
    });
  });
});
