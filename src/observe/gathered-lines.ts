/** Log lines on their way from a thread to the main one, which alone writes, so that they stay whole. */
import type { LineSink } from './log.ts';

/** Waking the main thread costs as much as a request, so lines travel together. */
const PAUSE_MS = 10;

export class GatheredLines implements LineSink {
  readonly #send: (text: string) => void;
  #waiting = '';

  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  write(line: string): void {
    if (this.#waiting === '') setTimeout(() => this.flush(), PAUSE_MS);
    this.#waiting += line;
  }

  flush(): void {
    const text = this.#waiting;
    this.#waiting = '';
    if (text !== '') this.#send(text);
  }
}
