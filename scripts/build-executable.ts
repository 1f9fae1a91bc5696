/** Makes `dist/obex`: the product and the Node it runs on in one executable file, without the demo. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { bundle } from './bundle.ts';

const PROGRAM = 'dist/executable.mjs';
const LOGIN = 'dist/executable-login.mjs';
const PROGRAMS = 'dist/executable-programs.mjs';
const NODE = 'dist/node';
const CONFIG = 'dist/executable.json';
const EXECUTABLE = 'dist/obex';

// A single executable imports no file, so all but the demo goes in; the threads that have programs of their own, as assets.
await bundle('src/main.ts', PROGRAM, { outside: ['src/commands/demo.ts'] });
await bundle('src/login/thread.ts', LOGIN);
await bundle('src/programs/thread.ts', PROGRAMS);
copyFileSync(process.execPath, NODE);
strip(NODE);
const config = {
  main: PROGRAM,
  mainFormat: 'module',
  executable: NODE,
  output: EXECUTABLE,
  disableExperimentalSEAWarning: true,
  // Else it would open Node's debugger.
  execArgv: ['--disable-sigusr1'],
  // A quarter of the time to start is compiling.
  useCodeCache: true,
  // What `src/workers/thread.ts` starts threads from.
  assets: { 'obex.mjs': PROGRAM, 'login.mjs': LOGIN, 'programs.mjs': PROGRAMS },
};
writeFileSync(CONFIG, JSON.stringify(config));
execFileSync(process.execPath, ['--build-sea', CONFIG], { stdio: ['ignore', 'ignore', 'inherit'] });
for (const file of [PROGRAM, LOGIN, PROGRAMS, NODE, CONFIG]) rmSync(file);
console.log(`${EXECUTABLE} ${Math.round(statSync(EXECUTABLE).size / 2 ** 20)} MiB, Node ${process.version}`);

/** Symbols are a quarter of Node, and nothing at run time needs them. */
function strip(file: string): void {
  try {
    execFileSync('strip', [file]);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    console.log('strip is not installed: the executable keeps 30 MiB of symbols');
  }
}
