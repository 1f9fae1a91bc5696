/** What keeps `backend.command` from running on this machine. execvp(3), environ(7). */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { Config, OneServer } from '../config/schema.ts';
import { errorField } from '../observe/log.ts';
import { baseEnvironment } from '../programs/environment.ts';
import { isFolder } from '../programs/is-folder.ts';
import type { ProgramOptions } from '../programs/options.ts';
import { findUser, type ProgramUser } from '../programs/user.ts';
import { buildProgram } from './programs.ts';

interface ProgramFaults {
  /** With these no process ever starts. */
  readonly fatal: readonly string[];
  /** Perhaps it does without. */
  readonly others: readonly string[];
}

export function findProgramFaults({ servers }: Config): ProgramFaults {
  const all = servers.map((server) => {
    const of = server.name === undefined ? '' : `servers.${server.name}.`;
    const { fatal, others } = faultsOfProgram(server);
    return { fatal: fatal.map((fault) => of + fault), others: others.map((fault) => of + fault) };
  });
  return { fatal: all.flatMap(({ fatal }) => fatal), others: all.flatMap(({ others }) => others) };
}

/** Else every client would hear of it instead of the owner. */
export function refuseBrokenPrograms(config: Config): void {
  const { fatal } = findProgramFaults(config);
  if (fatal.length > 0) throw new Error(fatal.join('; '));
}

function faultsOfProgram(server: OneServer): ProgramFaults {
  const program = buildProgram(server);
  if (program === undefined) return { fatal: [], others: [] };
  const { user, fault } = findUserOf(program);
  return {
    fatal: present([fault, faultOfFolder(program), faultOfCommand(program, user)]),
    others: present([faultOfHome(program, user), ...missingVariables(program)]),
  };
}

function present(faults: readonly (string | undefined)[]): readonly string[] {
  return faults.filter((fault) => fault !== undefined);
}

function findUserOf({ user }: ProgramOptions): { readonly user?: ProgramUser; readonly fault?: string } {
  if (user === '') return {};
  try {
    return { user: findUser(user) };
  } catch (error) {
    return { fault: `backend.user: ${errorField(error)}` };
  }
}

function faultOfFolder({ cwd }: ProgramOptions): string | undefined {
  return cwd === '' || isFolder(cwd) ? undefined : `backend.cwd: ${cwd} is no folder`;
}

/** What fetches or caches (npx, uvx) writes there. */
function faultOfHome(program: ProgramOptions, user: ProgramUser | undefined): string | undefined {
  const { HOME: home = '' } = baseEnvironment(program, user);
  if (user === undefined || isFolder(home)) return undefined;
  return `backend.user: its home "${home}" is no folder, which programs such as npx cannot do without; set HOME in backend.env`;
}

function faultOfCommand(program: ProgramOptions, user: ProgramUser | undefined): string | undefined {
  const [command = ''] = program.command;
  const { PATH: path = '' } = baseEnvironment(program, user);
  // A name with a slash is a path, and one without is looked for.
  const places = command.includes('/')
    ? [isAbsolute(command) ? command : resolve(program.cwd, command)]
    : path.split(delimiter).map((folder) => join(folder, command));
  if (places.some(isExecutable)) return undefined;
  const where = command.includes('/') ? 'is no program that can be run' : `is in no folder of PATH (${path})`;
  const cure = /\s/.test(command) ? '; it is one word: put the others into args, and no shell reads them' : '';
  return `backend.command: ${command} ${where}${cure}`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function missingVariables({ passEnv }: ProgramOptions): string[] {
  return passEnv
    .filter((name) => process.env[name] === undefined)
    .map((name) => `backend.pass_env: ${name} is not set`);
}
