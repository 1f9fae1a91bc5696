/** Runs the program as `obex.mjs` does, and at its end writes the code cache. Arguments: its folder, then those of `obex`. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileProgram, runProgram, writeCodeCache } from './program.ts';

const [folder] = process.argv.splice(2, 1);
if (folder === undefined) throw new Error('usage: node scripts/record-program.ts FOLDER ARGUMENTS');
const program = compileProgram(folder);
process.on('exit', () => writeCodeCache(folder, program.createCachedData()));
await runProgram(program, pathToFileURL(path.join(folder, 'obex.mjs')).href);
