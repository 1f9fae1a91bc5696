/** `obex check` as a user sees it: exit code, and which stream says what. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeCertificate } from '../../../src/certs/make-certificate.ts';
import { runCheck } from '../../../src/commands/check.ts';
import type { WrittenFlags } from '../../../src/config/flags.ts';
import { createTempFolder, type TempFolder } from '../../support/temp-folder.ts';
import { minimal, minimalIdp } from './loading.ts';

const NOW_MS = Date.UTC(2026, 2, 1, 12);

let folder: TempFolder;
before(() => {
  folder = createTempFolder('check');
});
after(() => folder.remove());

async function check(text: string, options: RunOptions = {}): Promise<object> {
  const config = join(folder.path, 'obex.yaml');
  writeFileSync(config, text);
  return run({ config: [config] }, options);
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly strict?: boolean;
}

async function run(flags: WrittenFlags, { env = {}, strict = false }: RunOptions = {}): Promise<object> {
  let stdout = '';
  let stderr = '';
  const code = await runCheck({
    flags,
    strict,
    env,
    nowMs: NOW_MS,
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
      await check(minimal('log: { levle: info }\nzap: 1\n').replace('zap', 'cros'), { env: { OBEX_LOG_LEVLE: 'x' } }),
      {
        code: 1,
        stdout: '',
        stderr: `…/obex.yaml:7: log.levle: unknown key; did you mean level?
…/obex.yaml:8: cros: unknown key; did you mean cors?
warning: OBEX_LOG_LEVLE is ignored: no value of the config has this name; did you mean OBEX_LOG_LEVEL?
2 problems, 1 warning
`,
      },
    );
    assert.deepEqual(await check(minimal('log: { levle: info }\n')), {
      code: 1,
      stdout: '',
      stderr: '…/obex.yaml:7: log.levle: unknown key; did you mean level?\n1 problem, no warnings\n',
    });
  });

  it('prints the effective config, the phase and warnings, and ends with 0', async () => {
    const outcome = await check(
      minimalIdp().replace('obex:\n', 'obex:\n  tls: { enabled: true, key_file: /none/k, cert_file: /none/c }\n'),
    );
    const { stdout } = Object.assign({ stdout: '' }, outcome);
    assert.deepEqual(outcome, { code: 0, stdout, stderr: '' });
    assert.ok(
      stdout.includes(
        '  issuer: https://auth.example/\n  preset: ""\n  issuer_aliases: []\n  tls:\n    ca_file: ""\n  clock_skew: 10s\n',
      ),
    );
    assert.deepEqual(stdout.split('\n').slice(-5), [
      'phase: 2 (every request needs a token that the idp has signed for this resource)',
      'warning: on this machine, obex.tls.cert_file: cannot read /none/c (ENOENT); check the path and that this user may read it',
      'warning: on this machine, obex.tls.key_file: cannot read /none/k (ENOENT); check the path and that this user may read it',
      'no problems, 2 warnings; with --strict that is exit code 1',
      '',
    ]);
  });

  it('prints what a preset has filled in', async () => {
    const outcome = await check(minimalIdp('  preset: okta\n'));
    const { stdout } = Object.assign({ stdout: '' }, outcome);
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.includes('preset okta:')),
      ['filled in by preset okta: idp.scope_claims: ["scp"]', 'filled in by preset okta: idp.audience_claim: "aud"'],
    );
  });

  it('ends with 1 for warnings when it is strict, and says so last', async () => {
    const { stdout, ...outcome } = Object.assign({ stdout: '' }, await check(minimalIdp(), { strict: true }));
    assert.match(stdout, /^warning: obex\.listen: plain http .*\n$/m);
    assert.deepEqual(outcome, { code: 1, stderr: 'no problems, 1 warning; --strict allows none\n' });
  });

  it('ends with 0 when it is strict and there is nothing to warn of', async () => {
    const local = minimalIdp()
      .replace('obex:\n', 'obex:\n  listen: "127.0.0.1:8443"\n')
      .replaceAll('https://tool.example', 'http://localhost:8443');
    const { stdout, ...outcome } = Object.assign({ stdout: '' }, await check(local, { strict: true }));
    assert.match(stdout, /\nphase: 2 .*\nno problems, no warnings\n$/);
    assert.deepEqual(outcome, { code: 0, stderr: '' });
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

  it('says what clients will have against the certificate', async () => {
    const [notBefore, notAfter] = [new Date(NOW_MS - 2 * 86_400_000), new Date(NOW_MS - 86_400_000)];
    const { cert, key } = makeCertificate({ commonName: 'x', hosts: ['other.example'], notBefore, notAfter });
    const files = { cert_file: join(folder.path, 'server.crt'), key_file: join(folder.path, 'server.key') };
    writeFileSync(files.cert_file, cert);
    writeFileSync(files.key_file, key);
    const text = minimalIdp().replace('obex:\n', `obex:\n  tls: ${JSON.stringify({ enabled: true, ...files })}\n`);
    const { stdout } = Object.assign({ stdout: '' }, await check(text));
    assert.deepEqual(stdout.replaceAll(folder.path, '…').split('\n').slice(-4, -1), [
      'warning: on this machine, obex.tls.cert_file: …/server.crt expired on 2026-02-28: clients refuse it; put a new one there',
      'warning: on this machine, obex.tls.cert_file: …/server.crt is for other.example and not for tool.example: clients refuse it',
      'no problems, 2 warnings; with --strict that is exit code 1',
    ]);
  });

  it('says in phase 1 that nobody is authenticated', async () => {
    const { stdout } = Object.assign({ stdout: '' }, await check(minimal()));
    assert.match(stdout, /^phase: 1 \(AUTHENTICATES NOBODY: any bearer token passes; add idp to verify tokens\)$/m);
    assert.match(stdout, /^warning: PHASE 1: OBEX AUTHENTICATES NOBODY\./m);
  });

  it('finds the file by $OBEX_CONFIG', async () => {
    const config = join(folder.path, 'other.yaml');
    writeFileSync(config, minimal());
    assert.equal(Object.assign({ code: 2 }, await run({}, { env: { OBEX_CONFIG: config } })).code, 0);
  });

  it('ends with 2 when there is no file to check, or none that can be read', async () => {
    const missing = join(folder.path, 'none.yaml');
    assert.deepEqual(await run({ config: [missing] }), {
      code: 2,
      stdout: '',
      stderr: 'obex: …/none.yaml (from --config) does not exist\n',
    });
    const directory = join(folder.path, 'directory');
    mkdirSync(directory);
    assert.deepEqual(await run({ config: [directory] }), {
      code: 2,
      stdout: '',
      stderr: 'obex: cannot read …/directory; is it a file that this user may read?\n',
    });
  });
});
