/** The documentation of the config: docs/configuration.md is what the schema says, and every complete example loads. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CONFIGURATION_DOCS, renderConfigurationDocs } from '../../../scripts/write-configuration-docs.ts';
import { formatProblem, loadConfig } from '../../../src/config/load.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** A block that opens with ```yaml and has a section obex is a config; "```yaml fragment" is a part of one. */
const YAML_BLOCK = /^([ \t]*)```ya?ml([^\n]*)\n(.*?)^[ \t]*```$/gms;

interface Example {
  readonly place: string;
  readonly text: string;
}

function examplesOf(file: string): readonly Example[] {
  const document = readFileSync(join(ROOT, file), 'utf8');
  return [...document.matchAll(YAML_BLOCK)].flatMap(({ index, 1: indent = '', 2: info = '', 3: block = '' }) => {
    const text = block.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    const line = document.slice(0, index).split('\n').length;
    return info.trim() === '' && /^obex:/m.test(text) ? [{ place: `${file}:${line}`, text }] : [];
  });
}

const examples = globSync(['README.md', 'docs/**/*.md'], { cwd: ROOT }).toSorted().flatMap(examplesOf);

describe('docs/configuration.md', () => {
  it('is up to date: node scripts/write-configuration-docs.ts', () => {
    assert.equal(readFileSync(CONFIGURATION_DOCS, 'utf8'), renderConfigurationDocs());
  });

  it('has complete examples', () => {
    assert.ok(examples.filter(({ place }) => place.startsWith('docs/configuration.md')).length >= 3);
  });
});

describe('complete configs in README.md and docs', () => {
  for (const { place, text } of examples) {
    it(`${place} loads`, () => {
      const variables = [...text.matchAll(/\$\{([A-Za-z_]\w*)/g)].map(([, name = '']) => [name, 'some-value']);
      const loaded = loadConfig({
        file: place,
        text,
        env: Object.fromEntries(variables),
        readFile: () => 'the-content-of-a-secret-file-32b',
      });
      assert.deepEqual('problems' in loaded ? loaded.problems.map(formatProblem) : [], []);
    });
  }
});
