/** What one process is to read: lines in their order, and never much more of them than it reads. */
import type { Writable } from 'node:stream';
import type { BodyBudget } from './body-budget.ts';

/** So much waits for a process before more bodies are read. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** Bodies that were read at the same time may wait until those before them are gone, as long as they are no more than that. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
const LINE_END = Buffer.from('\n');

export class ProgramInput {
  readonly #stdin: Writable | undefined;
  readonly #budget: BodyBudget;
  readonly #subjectKey: string;
  #waiting: (() => void)[] = [];
  #queued = 0;

  /** Without `stdin` there is no process, and whatever it is sent is gone. */
  constructor(stdin: Writable | undefined, budget: BodyBudget, subjectKey: string) {
    this.#stdin = stdin;
    this.#budget = budget;
    this.#subjectKey = subjectKey;
  }

  /** It has read most of what it was sent, or never will. */
  get isReady(): boolean {
    const stdin = this.#stdin;
    return stdin === undefined || !stdin.writable || stdin.writableLength <= MAX_WAITING_BYTES;
  }

  /** Calls back when it is ready. */
  whenReady(run: () => void): void {
    if (this.isReady) run();
    else this.#waiting.push(run);
  }

  /** Waits until it is ready, with so many bytes that have been read for it; false at once when too many do so already. */
  async queue(bytes: number): Promise<boolean> {
    if (this.#queued > 0 && this.#queued + bytes > MAX_QUEUED_BYTES) return false;
    this.#queued += bytes;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.whenReady(resolve);
    await promise;
    this.#queued -= bytes;
    return true;
  }

  /** False when it takes no more. */
  write(lines: readonly Buffer[]): boolean {
    const stdin = this.#stdin;
    if (stdin?.writable !== true) return false;
    const text = joinLines(lines);
    this.#budget.hold(this.#subjectKey, text.length);
    stdin.cork();
    stdin.write(text);
    stdin.write(LINE_END, () => this.#onTaken(text.length));
    stdin.uncork();
    return true;
  }

  /** What was written before is still read. */
  end(): void {
    this.#stdin?.end();
  }

  destroy(): void {
    this.#stdin?.destroy();
    this.#wake();
  }

  #onTaken(bytes: number): void {
    this.#budget.hold(this.#subjectKey, -bytes);
    if (this.isReady) this.#wake();
  }

  #wake(): void {
    for (const run of this.#waiting.splice(0)) run();
  }
}

/** One write for all of them: thousands would take longer than what they say. */
function joinLines(lines: readonly Buffer[]): Buffer {
  const [only] = lines;
  if (lines.length === 1 && only !== undefined) return only;
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [LINE_END, line])));
}
