/** What a release rests on: one version everywhere, and actions of others pinned to what was looked at. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { VERSION } from '../src/lib/version.ts';

const ROOT = path.join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

describe('a release', () => {
  it('has one version in package, chart and manifests', () => {
    const chart = read('deploy/helm/obex/Chart.yaml');
    assert.equal(/^version: (.*)$/m.exec(chart)?.[1], VERSION);
    assert.equal(/^appVersion: "(.*)"$/m.exec(chart)?.[1], VERSION);
    const manifests = read('deploy/kubernetes/sidecar/kustomization.yaml');
    assert.equal(/newName: obex\n\s+newTag: "(.*)"/.exec(manifests)?.[1], VERSION);
  });
});

describe('workflows', () => {
  const workflows = globSync('.github/workflows/*.yml', { cwd: ROOT });

  it('pin every action by commit, and say which version that is', () => {
    const uses = workflows.flatMap((file) =>
      [...read(file).matchAll(/^\s*-? *uses: (.*)$/gm)].map(([, use = '']) => use),
    );
    assert.ok(uses.length > 5);
    const loose = uses.filter((use) => !use.startsWith('./') && !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(use));
    assert.deepEqual(loose, []);
  });

  it('give no permission to all jobs but reading', () => {
    for (const file of workflows) assert.match(read(file), /^permissions:( \{\}|\n {2}contents: read)\n\n/m, file);
  });
});
