/** Starts one process of a program: a group of its own, three descriptors, nothing of Obex's environment. posix_spawn(3). */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { errorField } from '../observe/log.ts';
import { isFolder } from './is-folder.ts';
import type { ProgramUser } from './user.ts';

export type ProgramChild = ChildProcessByStdio<Writable, Readable, Readable>;

export interface SpawnOptions {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly user: ProgramUser | undefined;
}

/** The child, or why there is none, in words for the owner. */
export type Spawned = ProgramChild | { readonly problem: string };

export function spawnProgram({ command, environment, cwd, user }: SpawnOptions): Spawned {
  const [file = '', ...args] = command;
  // The system blames the command for it.
  try {
    if (cwd !== '' && !isFolder(cwd)) return { problem: `its folder ${cwd} is not there` };
    const child = spawn(file, args, {
      env: environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      ...(cwd !== '' && { cwd }),
      ...(user !== undefined && { uid: user.uid, gid: user.gid }),
    });
    return child;
  } catch (error) {
    return { problem: errorField(error) };
  }
}

/** Why a child never began, from the error that Node tells later. */
export function explainSpawnError(error: Error, { command, environment }: SpawnOptions): string {
  const [file = ''] = command;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return `there is no command ${file} on its PATH (${environment['PATH'] ?? ''})`;
  if (code === 'EACCES') return `this user may not run ${file}, or may not enter its folder`;
  return errorField(error);
}
