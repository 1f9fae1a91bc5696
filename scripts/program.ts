/** The release's program, `program.js`: a script, because V8 gives away what it has compiled of scripts, and not of modules. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { constants, Script } from 'node:vm';

/** What V8 compiled of the program while it was tried. V8 checks that it fits its version, and not that it fits the processor. */
export function codeCacheFile(folder: string): string {
  return path.join(folder, `program-${process.version}-${process.arch}.cache`);
}

/** With a code cache that V8 refuses, or without one, the program is compiled: that takes longer, and nothing else differs. */
export function compileProgram(folder: string, cachedData?: Buffer): Script {
  const filename = path.join(folder, 'program.js');
  return new Script(readFileSync(filename, 'latin1'), {
    filename,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

/** `url`: of the file that a worker thread starts from. */
export async function runProgram(program: Script, url: string): Promise<void> {
  const run: unknown = program.runInThisContext();
  if (typeof run === 'function') await Reflect.apply(run, undefined, [url]);
}
