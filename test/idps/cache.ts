/** Where the identity providers are installed: once, outside the repository, and kept for the next run. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The environment variable that moves it elsewhere. */
const VARIABLE = 'OBEX_TEST_IDPS_CACHE';

/** A first build of Ory Hydra takes a few minutes on an idle machine. */
const COMMAND_TIMEOUT_MS = 45 * 60_000;
const OUTPUT_TAIL = 3000;

export const CACHE =
  process.env[VARIABLE] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'obex-test-idps');

/** The folder of that name in the cache. `make` fills it where it is not there yet; a half-filled one is thrown away. */
export async function installOnce(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const target = join(CACHE, name);
  if (existsSync(target)) return target;
  mkdirSync(CACHE, { recursive: true });
  const unfinished = mkdtempSync(join(CACHE, `${name}-`));
  try {
    process.stdout.write(`installing ${name} into ${CACHE}\n`);
    await make(unfinished);
    renameSync(unfinished, target);
    return target;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

export interface CommandOptions {
  readonly cwd: string;
  /** Added to the environment of this process, which may name registries and proxies. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end and returns what it wrote to standard output; the error of one that fails says what it wrote. */
export async function runCommand(
  [command = '', ...args]: readonly string[],
  { cwd, env }: CommandOptions,
): Promise<string> {
  try {
    const options = { cwd, env: { ...process.env, ...env }, timeout: COMMAND_TIMEOUT_MS, maxBuffer: Infinity };
    return (await promisify(execFile)(command, args, options)).stdout;
  } catch (error) {
    const printed = error instanceof Error ? `${Reflect.get(error, 'stdout')}${Reflect.get(error, 'stderr')}` : '';
    throw new Error(`${command} ${args.join(' ')}: ${printed.slice(-OUTPUT_TAIL)}`, { cause: error });
  }
}
