/** Keeps the programs thread: starts it, configures it, starts it again when it has died, and leaves none of its processes behind. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { signalGroup } from '../lib/signal-group.ts';
import { LONGEST_SOCKET_PATH } from '../lib/socket-path.ts';
import { errorField, type LogLevel } from '../observe/log.ts';
import type { Observers } from '../observe/observers.ts';
import { ProgramMetrics } from '../observe/program-metrics.ts';
import type { FromPrograms, ProgramsOrders, ToPrograms } from '../programs/messages.ts';
import type { ProgramsOptions, ProgramsPlace } from '../programs/options.ts';
import { RetryPause } from '../state/retry-pause.ts';

export interface ProgramsDeskOptions {
  readonly observers: Observers;
  createThread(orders: ProgramsOrders): Worker;
}

/** One thread from its start to its end. */
interface Life {
  readonly thread: Worker;
  readonly sinceMs: number;
  pgids: readonly number[];
}

const HOP_BYTES = 32;
/** Who has lived for as long as this has not died of its start: the next pause is a short one again. */
const LONG_LIFE_MS = 60_000;
/** How long a thread may take to end by itself when its programs may go on no longer: they get five seconds. */
const END_MS = 7_000;

export class ProgramsDesk {
  /** For the threads that serve; the same for as long as the process runs. */
  readonly place: ProgramsPlace;
  readonly metrics = new ProgramMetrics();
  readonly #folder: string;
  readonly #options: ProgramsDeskOptions;
  readonly #pause = new RetryPause(Math.random);
  #programs: ProgramsOptions;
  #level: LogLevel;
  #life: Life | undefined;
  /** Of `start` or `configure`, one at a time. */
  #question: PromiseWithResolvers<void> | undefined;
  #restart: NodeJS.Timeout | undefined;
  #hasStarted = false;
  #isStopped = false;

  constructor(programs: ProgramsOptions, level: LogLevel, options: ProgramsDeskOptions) {
    this.#programs = programs;
    this.#level = level;
    this.#options = options;
    // Made for this user alone.
    this.#folder = makeFolder();
    process.once('exit', this.#removeFolder);
    this.place = { socketPath: join(this.#folder, 'programs'), hop: randomBytes(HOP_BYTES).toString('base64url') };
  }

  readonly #removeFolder = (): void => rmSync(this.#folder, { recursive: true, force: true });

  /** Resolves when it answers; rejects with the reason when it cannot start. Later deaths it survives. */
  async start(): Promise<void> {
    await this.#begin();
    this.#hasStarted = true;
  }

  /** Rejects when the thread refuses it: then all is as before. One that is down begins with it. */
  async configure(programs: ProgramsOptions, level: LogLevel): Promise<void> {
    if (this.#life !== undefined) {
      const question = Promise.withResolvers<void>();
      this.#question = question;
      tell(this.#life.thread, { kind: 'configure', options: programs, level });
      await question.promise;
    }
    this.#programs = programs;
    this.#level = level;
  }

  /** Requests in flight may take `drainMs`. Resolves when the thread has ended, and all that it started. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#restart);
    const life = this.#life;
    if (life !== undefined) await endThread(life.thread, this.#hasStarted ? drainMs : undefined);
    this.#removeFolder();
    process.off('exit', this.#removeFolder);
  }

  #begin(): Promise<void> {
    const started = Promise.withResolvers<void>();
    this.#question = started;
    const { createThread, observers } = this.#options;
    const metrics = this.metrics.memory;
    const thread = createThread({ options: this.#programs, place: this.place, level: this.#level, metrics });
    const life: Life = { thread, sinceMs: observers.clock.monotonicMs(), pgids: [] };
    this.#life = life;
    thread.on('message', (message: FromPrograms) => this.#receive(life, message));
    thread.on('error', (error: Error) => this.#onEnded(life, error));
    thread.on('exit', (code) => this.#onEnded(life, new Error(`the programs thread has ended with code ${code}`)));
    return started.promise;
  }

  #receive(life: Life, message: FromPrograms): void {
    switch (message.kind) {
      case 'started':
      case 'configured':
        return this.#question?.resolve();
      case 'refused':
        return this.#question?.reject(new Error(message.problem));
      case 'groups':
        life.pgids = message.pgids;
        return;
      case 'lines':
        return this.#options.observers.accessLines.write(message.text);
    }
  }

  #onEnded(life: Life, error: Error): void {
    if (this.#life !== life) return;
    this.#life = undefined;
    // Nobody else is left to end them.
    for (const pgid of life.pgids) signalGroup(pgid, 'SIGKILL');
    this.metrics.forgetOpen();
    this.#question?.reject(error);
    if (this.#isStopped || !this.#hasStarted) return;
    const { clock, log } = this.#options.observers;
    if (clock.monotonicMs() - life.sinceMs >= LONG_LIFE_MS) this.#pause.reset();
    const pauseMs = this.#pause.next();
    log.error('programs_thread_failed', { error: errorField(error), restart_in_ms: Math.round(pauseMs) });
    this.#restart = setTimeout(() => this.#beginAgain(), pauseMs);
  }

  #beginAgain(): void {
    const { log } = this.#options.observers;
    // Of a failure its end will tell.
    this.#begin().then(
      () => log.info('programs_thread_restarted'),
      () => undefined,
    );
  }
}

function makeFolder(): string {
  const parent = tmpdir();
  if (join(parent, 'obex-XXXXXX', 'programs').length > LONGEST_SOCKET_PATH) {
    throw new Error(
      `the folder for temporary files (TMPDIR), ${parent}, has too long a name for a socket; set a shorter one`,
    );
  }
  try {
    return mkdtempSync(join(parent, 'obex-'));
  } catch (cause) {
    throw new Error(`the folder for temporary files (TMPDIR), ${parent}, cannot be written to`, { cause });
  }
}

/** `drainMs` undefined: it has not even begun. */
async function endThread(thread: Worker, drainMs: number | undefined): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    thread.once('exit', () => resolve());
  });
  if (drainMs === undefined) void thread.terminate();
  else tell(thread, { kind: 'stop', drainMs });
  const cut = setTimeout(() => void thread.terminate(), (drainMs ?? 0) + END_MS);
  await ended;
  clearTimeout(cut);
}

function tell(thread: Worker, message: ToPrograms): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  thread.postMessage(message);
}
