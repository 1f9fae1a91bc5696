/** The npm package: what is in it, and that it works from the tarball in an empty folder, with the machine's own Node. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { createTempFolder, type TempFolder } from '../support/temp-folder.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const Packed = z.tuple([z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })]);

let folder: TempFolder;
let packed: z.output<typeof Packed>[0];

/** Without the Node 26 of this checkout in PATH. */
function run(cwd: string, command: string, ...args: string[]) {
  const entries = (process.env['PATH'] ?? '').split(path.delimiter);
  const PATH = entries.filter((entry) => !entry.includes('node_modules')).join(path.delimiter);
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, PATH } });
  return { status, stdout, stderr };
}

before(() => {
  folder = createTempFolder('npm-package');
  const { status, stdout, stderr } = run(ROOT, 'npm', 'pack', '--json', '--pack-destination', folder.path);
  assert.equal(status, 0, stderr);
  [packed] = Packed.parse(JSON.parse(stdout));
});
after(() => folder.remove());

describe('the npm package', () => {
  it('holds the launcher, the bundles and what a reader needs, and nothing else', () => {
    assert.deepEqual(packed.files.map((file) => file.path).toSorted(), [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin/obex',
      'dist/certs.mjs',
      'dist/demo.mjs',
      'dist/login.mjs',
      'dist/obex.mjs',
      `dist/program-${process.version}-${process.arch}.cache`,
      'dist/program.js',
      'dist/programs.mjs',
      'dist/redis.mjs',
      'dist/sbom.cdx.json',
      'dist/third-party-licenses.txt',
      'package.json',
    ]);
  });

  it('installs nothing but itself and Node 26, and runs where the Node of PATH is older', () => {
    const install = run(
      folder.path,
      'npm',
      'install',
      '--prefer-offline',
      '--no-audit',
      path.join('.', packed.filename),
    );
    assert.equal(install.status, 0, install.stderr);
    const installed = readdirSync(path.join(folder.path, 'node_modules')).filter((name) => !name.startsWith('.'));
    assert.deepEqual(installed.toSorted(), [`node-linux-${process.arch}`, 'obex']);
    const version = run(folder.path, 'npx', 'obex', '--version');
    assert.deepEqual(version, { status: 0, stdout: `${manifest.version}\n`, stderr: '' });
    const demo = run(folder.path, 'npx', 'obex', 'demo', '--once');
    assert.deepEqual({ status: demo.status, stderr: demo.stderr }, { status: 0, stderr: '' }, demo.stdout);
  });
});
