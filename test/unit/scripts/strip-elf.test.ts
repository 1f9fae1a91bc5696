/** The image's Node without symbols is smaller and still runs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { stripElf } from '../../../scripts/strip-elf.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

describe('stripElf', () => {
  it('cuts a fifth off Node, which runs as before', (t) => {
    const node = readFileSync(process.execPath);
    const folder = createTempFolder('strip');
    t.after(() => folder.remove());
    const file = path.join(folder.path, 'node');

    const stripped = stripElf(node);
    writeFileSync(file, stripped, { mode: 0o755 });

    assert.ok(stripped.length < node.length * 0.8, `${node.length} → ${stripped.length}`);
    assert.equal(
      execFileSync(file, ['-p', '[1, 2].at(-1) + process.version'], { encoding: 'utf8' }),
      `2${process.version}\n`,
    );
  });

  it('refuses what is no 64-bit ELF file', () => {
    assert.throws(() => stripElf(Buffer.from('#!/bin/sh\n')), /not a 64-bit little-endian ELF file/);
  });
});
