/** Runs the program as `obex.mjs` does, and at its end writes the code cache. Arguments: its folder, then those of `obex`. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileProgram, readProgram, runProgram, writeCodeCache } from './program.ts';

const [folder] = process.argv.splice(2, 1);
if (folder === undefined) throw new Error('usage: node scripts/record-program.ts FOLDER ARGUMENTS');
const program = readProgram(folder);
const script = compileProgram(program);
process.on('exit', () => writeCodeCache(program, script.createCachedData()));
await runProgram(script, pathToFileURL(path.join(folder, 'obex.mjs')).href);
