/** `obex.mjs` of the release: runs the program beside it, from the code cache if there is one for this Node. */
import { compileProgram, readCodeCache, readProgram, runProgram } from './program.ts';

const { dirname, url } = import.meta;
const program = readProgram(dirname);

await runProgram(compileProgram(program, readCodeCache(program)), url);
