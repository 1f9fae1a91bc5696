/** What a program prints that is no message: an event each, bounded in number and length. */
import type { Clock } from '../lib/clock.ts';
import { EventCap } from '../lib/event-cap.ts';

const MAX_EVENTS = 10;
const PERIOD_MS = 60_000;
const SHOWN_BYTES = 200;

export class SkippedLines {
  readonly #clock: Clock;
  readonly #cap = new EventCap(MAX_EVENTS, PERIOD_MS);
  readonly #tell: (fields: { readonly line: string; readonly bytes: number }) => void;

  constructor(clock: Clock, tell: (fields: { readonly line: string; readonly bytes: number }) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(line: Buffer): void {
    const shown = line.toString('utf8', 0, SHOWN_BYTES).trimEnd();
    if (shown === '' || this.#cap.isExceeded(this.#clock.monotonicMs())) return;
    this.#tell({ line: shown, bytes: line.length });
  }
}
