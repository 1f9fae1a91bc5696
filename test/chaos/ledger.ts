/** Every request of a chaos run by its path, which is its own: what its client saw of it, and what Obex says of it. */
import type { LogLine, Scrape } from '../support/obex-under-load.ts';

/** What a client knows of its answer; `whole` is undefined when it did not wait for the end, or could not tell. */
export interface Seen {
  readonly status: number;
  readonly whole: boolean | undefined;
}

interface Entry {
  /** Who asked, for the report. */
  readonly by: string;
  seen: Seen | undefined;
  isAtBackend: boolean;
  readonly lines: LogLine[];
}

/** Counters that only grow, as the books have them at one moment. */
interface Totals {
  answered: number;
  unanswered: number;
  aborted: number;
  refused: number;
}

export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #strangers: string[] = [];
  readonly #totals: Totals = { answered: 0, unanswered: 0, aborted: 0, refused: 0 };
  #sent = 0;

  /** A request is about to be sent: its path. */
  open(by: string): string {
    this.#sent += 1;
    const path = `/mcp/${this.#sent}`;
    this.#entries.set(path, { by, seen: undefined, isAtBackend: false, lines: [] });
    return path;
  }

  saw(path: string, seen: Seen): void {
    const entry = this.#entries.get(path);
    if (entry !== undefined) entry.seen = seen;
  }

  arrived(path: string): void {
    const entry = this.#entries.get(path);
    if (entry !== undefined) entry.isAtBackend = true;
  }

  take(line: LogLine): void {
    if (line.event === 'request_refused') this.#totals.refused += 1;
    if (line.event !== 'request') return;
    this.#totals[line.status === 0 ? 'unanswered' : 'answered'] += 1;
    if (line.aborted === true) this.#totals.aborted += 1;
    const entry = this.#entries.get(line.path ?? '');
    if (entry === undefined) this.#strangers.push(JSON.stringify(line));
    else entry.lines.push(line);
  }

  get sent(): number {
    return this.#sent;
  }

  /** Of all that were sent, how many Obex tells of; the others never reached it, since their clients had gone. */
  get told(): number {
    return this.#totals.answered + this.#totals.unanswered;
  }

  /** What has not been told yet and must be: the run has to wait for it, or it is stuck. */
  get missing(): readonly string[] {
    return [...this.#entries]
      .filter(([, { seen, isAtBackend, lines }]) => (seen !== undefined || isAtBackend) && lines.length === 0)
      .map(([path, { by }]) => `${by}: ${path} has no access line`);
  }

  /** What does not fit between clients, log and backend. All requests are over. */
  settle(): readonly string[] {
    const faults = [...this.#strangers.map((line) => `an access line of nobody: ${line}`), ...this.missing];
    for (const [path, entry] of this.#entries) {
      const problem = judge(entry);
      if (problem !== undefined) faults.push(`${entry.by}: ${path} ${problem}`);
    }
    this.#strangers.length = 0;
    this.#entries.clear();
    return faults;
  }

  /** What does not fit between log and counters. `scrapes`: pages of metrics that had been read before. */
  compare(scrape: Scrape, scrapes: number): readonly string[] {
    const { answered, aborted, refused } = this.#totals;
    const pairs: readonly (readonly [name: string, value: number, expected: number])[] = [
      ['obex_requests_total', scrape('obex_requests_total'), answered + refused + scrapes],
      ['obex_aborted_total', scrape('obex_aborted_total'), aborted],
      ['obex_access_lines_dropped_total', scrape('obex_access_lines_dropped_total'), 0],
      ['obex_denials_total{reason="internal_error"}', scrape('obex_denials_total', { reason: 'internal_error' }), 0],
      ['obex_bugs_total', scrape('obex_bugs_total'), 0],
    ];
    return pairs
      .filter(([, value, expected]) => value !== expected)
      .map(([name, value, expected]) => `${name} is ${value}, the log says ${expected}`);
  }
}

function judge({ seen, lines }: Entry): string | undefined {
  const [line] = lines;
  if (lines.length > 1) return `has ${lines.length} access lines`;
  if (line === undefined || seen === undefined) return undefined;
  if (line.status !== seen.status) return `was answered ${seen.status}, the access line says ${line.status}`;
  if (seen.whole === undefined) return undefined;
  const wasAborted = line.aborted === true;
  return wasAborted === seen.whole
    ? `came ${seen.whole ? '' : 'not '}whole, the access line says aborted: ${wasAborted}`
    : undefined;
}
