/** `obex.mjs` of the release: runs the program beside it, from the code cache if there is one for this Node. */
import { isMainThread } from 'node:worker_threads';
import { catchSignals } from '../src/signals.ts';
import { compileProgram, readCodeCache, readProgram, runProgram } from './program.ts';

// Reading the program takes a tenth of the time to start.
if (isMainThread) catchSignals();
const { dirname, url } = import.meta;
const program = readProgram(dirname);

await runProgram(compileProgram(program, readCodeCache(program)), url);
