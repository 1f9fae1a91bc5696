/** `obex.mjs` of the release: runs the program beside it, from the code cache if there is one for this Node. */
import { compileProgram, readCodeCache, runProgram } from './program.ts';

const { dirname: folder, url } = import.meta;

await runProgram(compileProgram(folder, readCodeCache(folder)), url);
