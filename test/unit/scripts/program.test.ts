/** The code cache of a release is used only for the program that it was made of, and only as it was written. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { compileProgram, readCodeCache, readProgram, writeCodeCache } from '../../../scripts/program.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const PROGRAM = '() => "a program"';

/** A folder with a program, and the cache of it. */
function createRelease(): { readonly folder: string; readonly cacheFile: string; remove(): void } {
  const { path: folder, remove } = createTempFolder('program');
  writeFileSync(path.join(folder, 'program.js'), PROGRAM);
  const program = readProgram(folder);
  writeCodeCache(program, compileProgram(program).createCachedData());
  const cache = readdirSync(folder).find((name) => name.endsWith('.cache')) ?? '';
  return { folder, cacheFile: path.join(folder, cache), remove };
}

describe('the code cache', () => {
  it('is what V8 takes for the program that it was made of', () => {
    const { folder, remove } = createRelease();
    assert.equal(compileProgram(readProgram(folder), readCodeCache(readProgram(folder))).cachedDataRejected, false);
    remove();
  });

  it('is passed over for a program that was changed, of the same length too', () => {
    const { folder, remove } = createRelease();
    writeFileSync(path.join(folder, 'program.js'), PROGRAM.replace('a', 'b'));
    assert.equal(readCodeCache(readProgram(folder)), undefined);
    remove();
  });

  it('is passed over when any of its bytes is another', () => {
    const { folder, cacheFile, remove } = createRelease();
    const written = readFileSync(cacheFile);
    for (const at of [0, 40, written.length - 1]) {
      const damaged = Buffer.from(written);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      writeFileSync(cacheFile, damaged);
      assert.equal(readCodeCache(readProgram(folder)), undefined);
    }
    for (const file of [written.subarray(0, 20), Buffer.alloc(0)]) {
      writeFileSync(cacheFile, file);
      assert.equal(readCodeCache(readProgram(folder)), undefined);
    }
    remove();
  });
});
