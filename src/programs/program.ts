/** One process of a program from its start to its end: lines in, lines out, its last words in the log. */
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../observe/log.ts';
import type { ProgramEndReason } from '../observe/program-metrics.ts';
import type { BodyBudget } from './body-budget.ts';
import type { ByteBudget } from './byte-budget.ts';
import { describeCaller } from './describe-caller.ts';
import { Flow } from './flow.ts';
import { LineReader } from './line-reader.ts';
import { ProcessGroup } from './process-group.ts';
import { ProgramInput } from './program-input.ts';
import { type ProgramMessage, readProgramMessage } from './program-message.ts';
import { SkippedLines } from './skipped-lines.ts';
import { explainSpawnError, type ProgramChild, type SpawnOptions, spawnProgram } from './spawn-program.ts';
import { StderrLines } from './stderr-lines.ts';

export interface ProgramSettings extends SpawnOptions {
  readonly server: string;
  /** Whom it counts for. */
  readonly subjectKey: string;
  readonly startTimeoutMs: number;
  readonly maxMessageBytes: number;
}

/** What a process is used for; it hears of it. */
export interface ProgramOwner {
  onMessage(message: ProgramMessage): void;
  /** Nothing more comes. `why`: for the client. */
  onEnd(why: string): void;
}

export interface ProgramParts {
  readonly clock: Clock;
  readonly log: Log;
  /** What unfinished lines of all processes may hold. */
  readonly lineBudget: ByteBudget;
  /** What waits for processes to read it. */
  readonly bodyBudget: BodyBudget;
  /** In what it has said; it ends. */
  onBug(error: unknown): void;
  /** None of its group is left. */
  onGone(program: Program, reason: ProgramEndReason): void;
}

/** How long output may take to be read when the process has ended: a grandchild may hold it open. */
const LAST_WORDS_MS = 500;

/** Nothing more of it is of use. */
const AT_ONCE: ReadonlySet<ProgramEndReason> = new Set(['start_timeout', 'message_too_large', 'bug']);

/** Nobody asked for it. */
const FAULTS: ReadonlySet<ProgramEndReason> = new Set([...AT_ONCE, 'exited']);

const END_WORDS: Readonly<Partial<Record<ProgramEndReason, string>>> = {
  start_timeout: 'the program did not answer in time',
  message_too_large: 'the program sent a message that is too large',
  start_failed: 'the program could not be started',
  exited: 'the program has ended',
};

export class Program {
  readonly flow: Flow;
  readonly input: ProgramInput;
  /** Of the last message either way, by the monotonic clock. */
  lastMessageMs: number;
  readonly #settings: ProgramSettings;
  readonly #parts: ProgramParts;
  readonly #owner: ProgramOwner;
  readonly #child: ProgramChild | undefined;
  readonly #group: ProcessGroup | undefined;
  readonly #lines: LineReader;
  readonly #skipped: SkippedLines;
  readonly #stderr: StderrLines;
  #startDeadline: NodeJS.Timeout | undefined;
  #lastWords: NodeJS.Timeout | undefined;
  #reason: ProgramEndReason | undefined;
  /** Its output is over. */
  #hasEnded = false;
  #tellEnd: (() => void) | undefined;
  #isGroupGone = false;

  constructor(settings: ProgramSettings, parts: ProgramParts, owner: ProgramOwner) {
    this.#settings = settings;
    this.#parts = parts;
    this.#owner = owner;
    this.lastMessageMs = parts.clock.monotonicMs();
    this.flow = new Flow((isFlowing) => void (isFlowing ? this.#child?.stdout.resume() : this.#child?.stdout.pause()));
    const event = { server: settings.server };
    this.#skipped = new SkippedLines(parts.clock, (fields) =>
      parts.log.warn('program_line_skipped', { ...event, ...fields }),
    );
    this.#stderr = new StderrLines(parts.clock, (line, dropped) =>
      parts.log.info('program_stderr', { ...event, pid: this.pid, line, ...(dropped > 0 && { dropped }) }),
    );
    this.#lines = new LineReader({
      maxBytes: settings.maxMessageBytes,
      budget: parts.lineBudget,
      onLine: (line) => this.#onLine(line),
      onTooLong: () => this.end('message_too_large'),
    });
    const spawned = spawnProgram(settings);
    this.#child = 'problem' in spawned ? undefined : spawned;
    this.input = new ProgramInput(this.#child?.stdin, parts.bodyBudget, settings.subjectKey);
    if ('problem' in spawned) {
      process.nextTick(() => this.#failStart(spawned.problem));
      return;
    }
    this.#group = spawned.pid === undefined ? undefined : new ProcessGroup(spawned.pid, () => this.#onGroupGone());
    this.#listen(spawned);
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Why nothing comes of it any more; undefined while something may. */
  get ended(): string | undefined {
    return this.#hasEnded ? (END_WORDS[this.#reason ?? 'exited'] ?? 'the session has ended') : undefined;
  }

  get isEnding(): boolean {
    return this.#reason !== undefined;
  }

  /** A line of JSON each. */
  send(...lines: readonly Buffer[]): void {
    if (this.input.write(lines)) this.lastMessageMs = this.#parts.clock.monotonicMs();
  }

  /** What is on its way is still read, unless it cannot be. */
  end(reason: ProgramEndReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    clearTimeout(this.#startDeadline);
    this.input.end();
    this.#group?.beginEnd();
    if (AT_ONCE.has(reason)) this.#closeOutput();
  }

  #listen(child: ProgramChild): void {
    const { log } = this.#parts;
    const { server, startTimeoutMs } = this.#settings;
    child.on('error', (error) => this.#failStart(explainSpawnError(error, this.#settings)));
    child.on('exit', (code, signal) => this.#onExit(code, signal));
    // It takes no more; what it says last is still read.
    child.stdin.on('error', () => this.end('exited'));
    child.stdout.on('data', (chunk: Buffer) => this.#lines.read(chunk));
    child.stdout.on('error', () => undefined);
    child.stderr.on('data', (chunk: Buffer) => this.#stderr.read(chunk));
    child.stderr.on('end', () => this.#stderr.end());
    child.stderr.on('error', () => undefined);
    child.on('close', () => this.#onClosed());
    if (child.pid === undefined) return;
    child.stdout.on('end', () => this.#onOutputEnd());
    log.info('program_started', { server, pid: child.pid, ...describeCaller(this.#settings.environment) });
    this.#startDeadline = setTimeout(() => this.end('start_timeout'), startTimeoutMs);
  }

  #onLine(line: Buffer): void {
    if (this.#hasEnded) return;
    const message = readProgramMessage(line);
    if (message === undefined) return this.#skipped.add(line);
    clearTimeout(this.#startDeadline);
    this.lastMessageMs = this.#parts.clock.monotonicMs();
    try {
      this.#owner.onMessage(message);
    } catch (error) {
      this.#parts.onBug(error);
      this.end('bug');
    }
  }

  /** It may live on, but nothing comes of it any more. */
  #onOutputEnd(): void {
    this.#lines.end();
    this.end('exited');
    this.#closeOutput();
  }

  #failStart(problem: string): void {
    // Node says so, too, of a signal that could not be sent.
    if (this.#hasEnded || this.pid !== undefined) return;
    this.#reason ??= 'start_failed';
    this.#parts.log.error('program_start_failed', { server: this.#settings.server, error: problem });
    clearTimeout(this.#startDeadline);
    this.#closeOutput();
    this.#onGone();
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.end('exited');
    const reason = this.#reason ?? 'exited';
    this.#tellEnd = () => {
      const fields = {
        server: this.#settings.server,
        pid: this.pid,
        ...describeCaller(this.#settings.environment),
        reason,
        code,
        signal,
      };
      if (FAULTS.has(reason)) this.#parts.log.warn('program_ended', { ...fields, stderr: this.#stderr.last });
      else this.#parts.log.info('program_ended', fields);
    };
    this.#group?.onLeaderExit();
    this.flow.open();
    this.#lastWords = setTimeout(() => this.#onClosed(), LAST_WORDS_MS);
  }

  /** It has exited, and all that it wrote has been read, or too long was waited for it. */
  #onClosed(): void {
    clearTimeout(this.#lastWords);
    this.#closeOutput();
    this.input.destroy();
    this.#child?.stdout.destroy();
    this.#child?.stderr.destroy();
    if (this.#tellEnd === undefined) return;
    this.#tellEnd();
    this.#tellEnd = undefined;
    if (this.#isGroupGone) this.#onGone();
  }

  /** Whoever waits for its end may end the thread: its last event goes before. */
  #onGroupGone(): void {
    this.#isGroupGone = true;
    if (this.#tellEnd === undefined) this.#onGone();
  }

  #closeOutput(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#lines.close();
    this.#owner.onEnd(this.ended ?? '');
  }

  #onGone(): void {
    this.#parts.onGone(this, this.#reason ?? 'exited');
  }
}
