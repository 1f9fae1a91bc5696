/** Standard output for log lines: batched, never blocking a request, bounded when nobody reads. */
import fs from 'node:fs';
import type { LineSink } from './log.ts';

/** Bytes that may wait for a reader that is slower than the log. */
const MAX_WAITING = 8 * 1024 * 1024;

/** How long lines gather before they are written: a write goes through another thread, which costs more than ten lines. */
const GATHER_MS = 10;

/**
 * Collects the lines of a moment and writes them with one system call. While a write is under way lines
 * wait; beyond `MAX_WAITING` they are dropped and counted, because a stuck log collector must not stop the traffic.
 */
export class LineWriter implements LineSink {
  readonly #fd: number;
  readonly #onDrop: (lines: number) => void;
  #waiting = '';
  #busy = false;
  #onIdle: (() => void) | undefined;

  /** `onDrop` is told how many lines are lost. */
  constructor(fd: number, onDrop: (lines: number) => void) {
    this.#fd = fd;
    this.#onDrop = onDrop;
  }

  /** Takes one whole line or several. */
  write(lines: string): void {
    if (this.#waiting.length > MAX_WAITING) return this.#onDrop(lines.split('\n').length - 1);
    if (this.#waiting === '' && !this.#busy) setTimeout(() => this.#flush(), GATHER_MS);
    this.#waiting += lines;
  }

  /** Resolves when everything has been written, or when the time is up: for an end that is not pressing. */
  settle(timeoutMs: number): Promise<void> {
    if (this.#waiting === '' && !this.#busy) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Writes what waits, at once and synchronously: for the end of the process. */
  flushSync(): void {
    const lines = this.#waiting;
    this.#waiting = '';
    try {
      if (lines !== '') fs.writeSync(this.#fd, lines);
    } catch {
      // The reader is gone; there is nobody left to tell.
    }
  }

  #flush(): void {
    if (this.#waiting === '') return this.#onIdle?.();
    const lines = Buffer.from(this.#waiting);
    this.#waiting = '';
    this.#busy = true;
    this.#write(lines);
  }

  #write(lines: Buffer): void {
    fs.write(this.#fd, lines, (error, written) => {
      if (error === null && written < lines.length) return this.#write(lines.subarray(written));
      if (error?.code === 'EAGAIN') return void setTimeout(() => this.#write(lines), 10);
      if (error !== null) this.#onDrop(lines.toString('latin1').split('\n').length - 1);
      this.#busy = false;
      this.#flush();
    });
  }
}
