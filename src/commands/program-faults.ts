/** What keeps `backend.command` from running on this machine. execvp(3), environ(7). */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { buildProgram } from '../compose/programs.ts';
import type { Config, OneServer } from '../config/schema.ts';
import { errorField } from '../observe/log.ts';
import { baseEnvironment } from '../programs/environment.ts';
import type { ProgramOptions } from '../programs/options.ts';
import { findUser, type ProgramUser } from '../programs/user.ts';

export function faultsOfPrograms({ servers }: Config): string[] {
  return servers.flatMap((server) => {
    const of = server.name === undefined ? '' : `servers.${server.name}.`;
    return faultsOfProgram(server).map((fault) => of + fault);
  });
}

function faultsOfProgram(server: OneServer): string[] {
  const program = buildProgram(server);
  if (program === undefined) return [];
  const { user, fault } = findUserOf(program);
  return [fault, faultOfFolder(program), faultOfCommand(program, user), ...missingVariables(program)].filter(
    (each) => each !== undefined,
  );
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
  if (cwd === '' || statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true) return undefined;
  return `backend.cwd: ${cwd} is no folder`;
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
  return `backend.command: ${command} ${where}`;
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
