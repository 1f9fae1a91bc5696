/** The unit of deploy/systemd, judged by systemd itself, and held against what docs/systemd.md says of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { createTempFolder } from '../support/temp-folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const UNIT = join(ROOT, 'deploy/systemd/obex.service');
/** Of 10; what remains is that Obex uses the network. */
const MAX_EXPOSURE = 1.5;

const unit = readFileSync(UNIT, 'utf8');
const page = readFileSync(join(ROOT, 'docs/systemd.md'), 'utf8');
const [, example = ''] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? [];

function settings(name: string): readonly string[] {
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);
}

function analyze(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('deploy/systemd/obex.service', () => {
  it('is a unit that systemd understands to the last line', () => {
    const folder = createTempFolder('unit');
    const path = join(folder.path, 'obex.service');
    // Obex is not installed where the tests run.
    writeFileSync(path, unit.replaceAll('/usr/local/bin/obex', '/bin/true'));
    assert.deepEqual(analyze('verify', path), { status: 0, output: '' });
    writeFileSync(path, unit.replace('KillMode=', 'KillMood='));
    assert.match(analyze('verify', path).output, /Unknown key (name )?'KillMood'/);
    folder.remove();
  });

  it(`is exposed to no more than ${MAX_EXPOSURE}`, () => {
    const { output } = analyze('security', '--offline=true', '--no-pager', UNIT);
    const [, level] = /Overall exposure level for obex\.service: (\d+\.\d)/.exec(output) ?? [];
    assert.ok(Number(level) <= MAX_EXPOSURE, output);
  });

  it('gives the configuration in the documentation the secrets it names', () => {
    const named = [...example.matchAll(/\$\{CREDENTIALS_DIRECTORY\}\/([\w.-]+)/g)].map(([, name]) => name);
    const given = settings('LoadCredential').map((value) => value.split(':')[0]);
    assert.ok(named.length > 0);
    assert.deepEqual(new Set(named), new Set(given));
  });

  it('waits longer than the configuration in the documentation drains', () => {
    const loaded = loadConfig({
      file: 'docs/systemd.md',
      text: example,
      env: { CREDENTIALS_DIRECTORY: '/run/credentials/obex.service' },
      readFile: () => 'a-secret',
    });
    assert.ok('config' in loaded);
    const { drain_delay, drain_timeout, max_connections } = loaded.config.limits;
    assert.ok(Number(settings('TimeoutStopSec')[0]) * 1000 > drain_delay + drain_timeout);
    assert.ok(Number(settings('LimitNOFILE')[0]) > 2 * max_connections);
  });

  it('sends SIGTERM to the main process alone, since a second one ends Obex at once', () => {
    assert.deepEqual(settings('KillMode'), ['mixed']);
    assert.deepEqual(settings('KillSignal'), ['SIGTERM']);
  });

  it('does not start a wrong configuration again and again', () => {
    assert.deepEqual(settings('RestartPreventExitStatus'), ['2']);
  });
});
