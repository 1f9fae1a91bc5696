/** What a program writes to standard error: one event a line, bounded in number and length, the last of them kept for its end. */
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../lib/clock.ts';
import { EventCap } from '../lib/event-cap.ts';

const MAX_CHARACTERS = 1_000;
const MAX_EVENTS = 50;
const PERIOD_MS = 1_000;
const KEPT_LINES = 10;

export class StderrLines {
  readonly #clock: Clock;
  readonly #cap = new EventCap(MAX_EVENTS, PERIOD_MS);
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string, dropped: number) => void;
  #begun = '';
  #last: string[] = [];
  #dropped = 0;

  /** `dropped`: lines before this one that nobody was told of. */
  constructor(clock: Clock, onLine: (line: string, dropped: number) => void) {
    this.#clock = clock;
    this.#onLine = onLine;
  }

  get last(): readonly string[] {
    return this.#last;
  }

  read(chunk: Buffer): void {
    const lines = this.#decoder.write(chunk).split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) this.#take(this.#begun + line);
    this.#begun = (this.#begun + rest).slice(0, MAX_CHARACTERS + 1);
  }

  end(): void {
    if (this.#begun !== '') this.#take(this.#begun);
    this.#begun = '';
  }

  #take(text: string): void {
    this.#begun = '';
    const line = text.trimEnd();
    if (line === '') return;
    const shown = line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS)}…` : line;
    this.#last.push(shown);
    if (this.#last.length > KEPT_LINES) this.#last.shift();
    if (this.#cap.isExceeded(this.#clock.monotonicMs())) {
      this.#dropped += 1;
      return;
    }
    this.#onLine(shown, this.#dropped);
    this.#dropped = 0;
  }
}
