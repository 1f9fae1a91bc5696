/** The release's program, `program.js`: a script, because V8 gives away what it has compiled of scripts, and not of modules. */
import { hash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Script } from 'node:vm';

const DIGEST_BYTES = 32;

export interface Program {
  readonly folder: string;
  readonly filename: string;
  /** ASCII. */
  readonly source: Buffer;
}

export function readProgram(folder: string): Program {
  const filename = path.join(folder, 'program.js');
  return { folder, filename, source: readFileSync(filename) };
}

/** Compiles the program, or takes what V8 compiled of it before. */
export function compileProgram({ filename, source }: Program, cachedData?: Buffer): Script {
  return new Script(source.toString('latin1'), { filename, cachedData });
}

/** `url`: of the file that a worker thread starts from. */
export async function runProgram(script: Script, url: string): Promise<void> {
  const run: unknown = script.runInThisContext();
  const importBeside = (specifier: string): Promise<unknown> => import(new URL(specifier, url).href);
  if (typeof run === 'function') await Reflect.apply(run, undefined, [url, importBeside]);
}

/** Keeps what V8 compiled of the program while it was tried. */
export function writeCodeCache(program: Program, cachedData: Buffer): void {
  writeFileSync(codeCacheFile(program.folder), Buffer.concat([digest(program, cachedData), cachedData]));
}

/**
 * Undefined when there is none for this Node, or when it or the program is not what was written: V8 compares the length of
 * the program alone, and runs a damaged cache. Then the program is compiled; that takes longer, and nothing else differs.
 */
export function readCodeCache(program: Program): Buffer | undefined {
  try {
    const file = readFileSync(codeCacheFile(program.folder));
    const cachedData = file.subarray(DIGEST_BYTES);
    return file.subarray(0, DIGEST_BYTES).equals(digest(program, cachedData)) ? cachedData : undefined;
  } catch {
    return undefined;
  }
}

/** V8 checks its version, and not the processor. */
function codeCacheFile(folder: string): string {
  return path.join(folder, `program-${process.version}-${process.arch}.cache`);
}

function digest({ source }: Program, cachedData: Buffer): Buffer {
  return hash('sha256', hash('sha256', source) + hash('sha256', cachedData), 'buffer');
}
