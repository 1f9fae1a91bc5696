/** A child process of a test: its output is kept, it never outlives the test process, it is stopped by pid. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';

const DEADLINE_MS = 30_000;
const OUTPUT_TAIL = 2_000;

// By default these signals end a process without `exit`, which is where children are killed and folders removed.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** How a child ended. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to PATH, HOME and NODE_V8_COVERAGE; nothing else of the test's own environment reaches the child. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Child {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Undefined while it runs. */
  exitStatus(): ExitStatus | undefined;
  /**
   * Looks with `probe` now and whenever the child has written or ended, until it returns something other than undefined.
   * Rejects, and stops the child, when it ends or the deadline passes without that.
   */
  waitFor<T>(what: string, probe: () => T | undefined): Promise<T>;
  /** From now on nobody reads what it writes to standard output. */
  closeStdout(): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the child has ended by itself or by a signal. */
  ended(): Promise<ExitStatus>;
  /** SIGTERM, then SIGKILL for one that does not listen; resolves when it is gone. */
  stop(): Promise<ExitStatus>;
}

type Process = ChildProcessByStdio<null, Readable, Readable>;

/** Starts a process. It does not keep the test process alive; waiting for it does. */
export function startChild(options: ChildOptions): Child {
  const child = spawn(options.command, options.args, {
    env: childEnvironment(options.env),
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new RunningChild(child, options.command);
}

class RunningChild implements Child {
  readonly pid: number;
  readonly #child: Process;
  readonly #command: string;
  readonly #listeners = new Set<() => void>();
  readonly #killAtExit: () => void;
  #stdout = '';
  #stderr = '';
  #exit: ExitStatus | undefined;

  constructor(child: Process, command: string) {
    this.#child = child;
    this.#command = command;
    this.pid = child.pid ?? 0;
    this.#killAtExit = () => child.kill('SIGKILL');
    process.once('exit', this.#killAtExit);
    child.unref();
    this.#collect(child.stdout, (text) => (this.#stdout += text));
    this.#collect(child.stderr, (text) => (this.#stderr += text));
    child.once('error', (error) => {
      this.#stderr += error.message;
      this.#finish({ code: null, signal: null });
    });
    child.once('close', (code, signal) => this.#finish({ code, signal }));
  }

  stdout(): string {
    return this.#stdout;
  }

  stderr(): string {
    return this.#stderr;
  }

  exitStatus(): ExitStatus | undefined {
    return this.#exit;
  }

  closeStdout(): void {
    this.#child.stdout.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async waitFor<T>(what: string, probe: () => T | undefined): Promise<T> {
    const outcome = await this.#watch(() => {
      const found = probe();
      if (found !== undefined) return { found };
      return this.#exit === undefined ? undefined : 'ended';
    });
    if (typeof outcome === 'object') return outcome.found;
    await this.stop();
    const tail = (this.#stdout + this.#stderr).slice(-OUTPUT_TAIL);
    const failure = outcome ?? `said nothing of it for ${DEADLINE_MS} ms`;
    throw new Error(`waiting for ${what}: ${this.#command} ${failure}; its last output:\n${tail}`);
  }

  async ended(): Promise<ExitStatus> {
    const exit = await this.#watch(() => this.#exit);
    if (exit === undefined) throw new Error(`${this.#command} (pid ${this.pid}) has not ended in ${DEADLINE_MS} ms`);
    return exit;
  }

  async stop(): Promise<ExitStatus> {
    this.kill('SIGTERM');
    const exit = await this.#watch(() => this.#exit);
    if (exit !== undefined) return exit;
    this.kill('SIGKILL');
    return this.ended();
  }

  /** Looks now and at every event; undefined once the deadline has passed. Holds the event loop while it waits. */
  #watch<T>(look: () => T | undefined): Promise<T | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const timer = setTimeout(() => resolve(undefined), DEADLINE_MS);
    const check = (): void => {
      try {
        const seen = look();
        if (seen !== undefined) resolve(seen);
      } catch (error) {
        reject(error);
      }
    };
    this.#listeners.add(check);
    check();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#listeners.delete(check);
    });
  }

  #collect(stream: Readable, append: (text: string) => void): void {
    if (stream instanceof Socket) stream.unref();
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      append(text);
      this.#notify();
    });
  }

  #finish(exit: ExitStatus): void {
    this.#exit ??= exit;
    process.off('exit', this.#killAtExit);
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function childEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'NODE_V8_COVERAGE']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...extra };
}
