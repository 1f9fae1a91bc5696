/** `obex.mjs` of the release: runs the program beside it, from the code cache if there is one for this Node. */
import { readFileSync } from 'node:fs';
import { codeCacheFile, compileProgram, runProgram } from './program.ts';

const { dirname: folder, url } = import.meta;

await runProgram(compileProgram(folder, readCodeCache()), url);

function readCodeCache(): Buffer | undefined {
  try {
    return readFileSync(codeCacheFile(folder));
  } catch {
    return undefined;
  }
}
