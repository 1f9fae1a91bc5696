/** Starts programs pinned to cores, each in a process group of its own, and leaves none behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE_MS = 3_000;
const ERROR_TAIL = 1_500;

export interface Program {
  /** As taskset takes them. */
  readonly cpus: string;
  readonly command: string;
  readonly args: readonly string[];
  /** A file for what it writes to stderr, quoted when it fails. */
  readonly errorsTo: string;
  /** Where stdout goes; default: nowhere. A file descriptor is the program's from now on and closed here. */
  readonly stdout?: 'pipe' | 'ignore' | number;
  readonly stdin?: 'pipe';
}

const running = new Set<number>();

process.once('exit', endAll);
// By default these signals end a process without `exit`.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** Starts a program as the leader of a process group, whose number is its pid. */
export function launch({
  cpus,
  command,
  args,
  errorsTo,
  stdout = 'ignore',
  stdin,
}: Program): ChildProcess & { pid: number } {
  const stderr = openSync(errorsTo, 'a');
  const child = spawn('taskset', ['--cpu-list', cpus, command, ...args], {
    stdio: [stdin ?? 'ignore', stdout, stderr],
    detached: true,
  });
  closeSync(stderr);
  if (typeof stdout === 'number') closeSync(stdout);
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${command}`);
  running.add(pid);
  child.once('close', () => running.delete(pid));
  return Object.assign(child, { pid });
}

/** Runs a program to its end and returns what it wrote; throws with the end of its stderr when it fails. */
export async function run(program: Omit<Program, 'stdout' | 'stdin'>): Promise<string> {
  const child = launch({ ...program, stdout: 'pipe' });
  const closed = once(child, 'close');
  const output = child.stdout === null ? '' : await text(child.stdout);
  await closed;
  if (child.exitCode !== 0)
    throw new Error(`${program.command} failed: ${errorTail(program.errorsTo)}${output.slice(-ERROR_TAIL)}`);
  return output;
}

/** SIGTERM to the whole group, SIGKILL to one that does not listen; resolves when its leader is gone. */
export async function stop(child: ChildProcess & { pid: number }): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  signalGroup(child.pid, 'SIGTERM');
  await Promise.race([closed, pause(PATIENCE_MS)]);
  signalGroup(child.pid, 'SIGKILL');
  await closed;
}

/** The end of what a program has written to stderr. */
export function errorTail(path: string): string {
  return readFileSync(path, 'utf8').slice(-ERROR_TAIL);
}

function endAll(): void {
  for (const group of running) signalGroup(group, 'SIGTERM');
  // Time for a master to end its workers and remove its semaphores; nothing can be awaited here.
  if (running.size > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  for (const group of running) signalGroup(group, 'SIGKILL');
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // Gone already.
  }
}
