/** The guides say of every shell line what became of it, and JSON in the documentation is JSON. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { readFencedBlocks } from './support/fenced-blocks.ts';

const ROOT = path.join(import.meta.dirname, '..');
const GUIDES = ['docs/identity-providers.md', 'docs/tokens.md', 'docs/clients.md', 'docs/your-backend.md'];

describe('guides', () => {
  const blocks = GUIDES.flatMap(readFencedBlocks).filter(({ language }) => language === 'sh');

  it('mark every shell block: run by a test, tried by hand, not tried, or an example with names to replace', () => {
    assert.ok(blocks.length > 20);
    const marks = new Set(['run', 'tried', 'untried', 'example']);
    assert.deepEqual(
      blocks.filter(({ note }) => !marks.has(note)).map(({ place }) => place),
      [],
    );
  });

  it('mark as run what test/peers/guides.test.ts runs', () => {
    const run = blocks.filter(({ note }) => note === 'run');
    assert.ok(run.length > 8);
    assert.ok(run.every(({ place }) => place.startsWith('docs/tokens.md:')));
  });

  it('say at the head of a section that it was not tried, and why', () => {
    const untried = blocks.filter(({ note }) => note === 'untried');
    assert.ok(untried.length > 0);
    for (const { place, heading } of untried) {
      const [page = ''] = place.split(':');
      const text = readFileSync(path.join(ROOT, page), 'utf8');
      assert.match(text, new RegExp(`^#+ ${heading}\\n\\nNot tried, needs an account`, 'm'));
    }
  });
});

describe('JSON in the documentation', () => {
  const blocks = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT }).toSorted().flatMap(readFencedBlocks);
  for (const { place, text } of blocks.filter(({ language }) => language === 'json')) {
    it(`${place} parses`, () => assert.doesNotThrow(() => JSON.parse(text)));
  }
});
