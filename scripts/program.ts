/** The release's program, `program.js`: a script, because V8 gives away what it has compiled of scripts, and not of modules. */
import { hash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Script } from 'node:vm';

const DIGEST_BYTES = 32;

/** Compiles the program, or takes what V8 compiled of it before. */
export function compileProgram(folder: string, cachedData?: Buffer): Script {
  const filename = path.join(folder, 'program.js');
  return new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
}

/** `url`: of the file that a worker thread starts from. */
export async function runProgram(program: Script, url: string): Promise<void> {
  const run: unknown = program.runInThisContext();
  const importBeside = (specifier: string): Promise<unknown> => import(new URL(specifier, url).href);
  if (typeof run === 'function') await Reflect.apply(run, undefined, [url, importBeside]);
}

/** Keeps what V8 compiled of the program while it was tried. */
export function writeCodeCache(folder: string, cachedData: Buffer): void {
  writeFileSync(codeCacheFile(folder), Buffer.concat([digest(folder, cachedData), cachedData]));
}

/**
 * Undefined when there is none for this Node, or when it or the program is not what was written: V8 compares the length of
 * the program alone, and runs a damaged cache. Then the program is compiled; that takes longer, and nothing else differs.
 */
export function readCodeCache(folder: string): Buffer | undefined {
  try {
    const file = readFileSync(codeCacheFile(folder));
    const cachedData = file.subarray(DIGEST_BYTES);
    return file.subarray(0, DIGEST_BYTES).equals(digest(folder, cachedData)) ? cachedData : undefined;
  } catch {
    return undefined;
  }
}

/** V8 checks its version, and not the processor. */
function codeCacheFile(folder: string): string {
  return path.join(folder, `program-${process.version}-${process.arch}.cache`);
}

function digest(folder: string, cachedData: Buffer): Buffer {
  const program = hash('sha256', readFileSync(path.join(folder, 'program.js')));
  return hash('sha256', program + hash('sha256', cachedData), 'buffer');
}
