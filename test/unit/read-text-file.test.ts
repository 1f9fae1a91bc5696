/** A pipe in the place of a file does not stop the process, which waits for nobody. open(2), fifo(7). */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createTempFolder } from '../support/temp-folder.ts';

const MODULE = new URL('../../src/read-text-file.ts', import.meta.url).href;

/** In a process of its own, which would hang: what it prints, and whether it came to an end. */
function read(command: string) {
  const script = `import { readTextFile } from '${MODULE}';
const read = (path) => { try { return readTextFile(path); } catch (error) { return error.code; } };
${command}`;
  // A shell, since a child of Node's own gets a socket for its stdin, which has no path that could be opened.
  const { stdout, error } = spawnSync(
    '/bin/sh',
    ['-c', 'printf piped | "$0" --input-type=module -e "$1"', process.execPath, script],
    {
      encoding: 'utf8',
      timeout: 30_000,
    },
  );
  assert.equal(error, undefined);
  return stdout.trimEnd();
}

describe('a file that is read', () => {
  const folder = createTempFolder('read');
  const path = join(folder.path, 'file');
  const pipe = join(folder.path, 'pipe');
  execFileSync('mkfifo', [pipe]);
  process.on('exit', () => folder.remove());

  it('may be regular, and nothing else', () => {
    writeFileSync(path, 'text');
    const paths = [path, pipe, folder.path, `${path}.none`];
    assert.equal(
      read(`for (const path of ${JSON.stringify(paths)}) console.log(read(path));`),
      'text\nnot a regular file\nEISDIR\nENOENT',
    );
  });

  it('may be handed over by a pipe, once: the second time nobody writes', () => {
    const twice = `console.log(read('/dev/stdin')); console.log(read('/dev/stdin'));`;
    assert.equal(read(twice), 'piped\na pipe is read only once');
  });
});
