/** Processes of programs that speak stdio, by server: in memory that threads share, since one of them writes and another shows. */
import type { MetricFamily, Sample } from './exposition.ts';

/** Why a process ended. */
export const PROGRAM_END_REASONS = [
  'idle',
  'deleted',
  'drained',
  'evicted',
  'scopes_reduced',
  'client_gone',
  'era_refused',
  'exited',
  'start_failed',
  'start_timeout',
  'message_too_large',
  'bug',
] as const;

export type ProgramEndReason = (typeof PROGRAM_END_REASONS)[number];

/** Names of servers that a process can have had; beyond it a server is not counted. */
const MAX_SERVERS = 256;
const NAME_BYTES = 64;
// Cells of one server.
const OPEN = 0;
const STARTED = 1;
const ENDED = 2;
const CELLS = ENDED + PROGRAM_END_REASONS.length;
const SERVER_BYTES = NAME_BYTES + CELLS * Float64Array.BYTES_PER_ELEMENT;

/** One thread writes; a server keeps its place for as long as the process runs. */
export class ProgramMetrics {
  readonly memory: SharedArrayBuffer;
  readonly #names: readonly Uint8Array[];
  readonly #cells: readonly Float64Array[];

  constructor(memory = new SharedArrayBuffer(MAX_SERVERS * SERVER_BYTES)) {
    this.memory = memory;
    const places = Array.from({ length: MAX_SERVERS }, (_, index) => index * SERVER_BYTES);
    this.#names = places.map((at) => new Uint8Array(memory, at, NAME_BYTES));
    this.#cells = places.map((at) => new Float64Array(memory, at + NAME_BYTES, CELLS));
  }

  started(server: string): void {
    this.#add(server, OPEN, 1);
    this.#add(server, STARTED, 1);
  }

  ended(server: string, reason: ProgramEndReason): void {
    this.#add(server, OPEN, -1);
    this.#add(server, ENDED + PROGRAM_END_REASONS.indexOf(reason), 1);
  }

  get families(): readonly MetricFamily[] {
    return [
      {
        name: 'obex_program_processes',
        type: 'gauge',
        help: 'Processes of programs that speak stdio, by server.',
        samples: () => this.#samples(OPEN),
      },
      {
        name: 'obex_programs_started_total',
        type: 'counter',
        help: 'Processes of programs that were started, by server.',
        samples: () => this.#samples(STARTED),
      },
      {
        name: 'obex_programs_ended_total',
        type: 'counter',
        help: 'Processes of programs that ended, by server and reason.',
        samples: () => this.#endSamples(),
      },
    ];
  }

  /** The thread that wrote is gone, and so are its processes. */
  forgetOpen(): void {
    for (const cells of this.#cells) cells[OPEN] = 0;
  }

  #add(server: string, cell: number, value: number): void {
    const cells = this.#cells[this.#place(server)];
    if (cells !== undefined) cells[cell] = (cells[cell] ?? 0) + value;
  }

  #place(server: string): number {
    const index = this.#names.findIndex((name) => name[0] === 0 || readName(name) === server);
    const name = this.#names[index];
    if (name?.[0] === 0) name.set(Buffer.from(server.slice(0, NAME_BYTES), 'latin1'));
    return index;
  }

  *#samples(cell: number): Iterable<Sample> {
    for (const [server, cells] of this.#servers()) yield { labels: { server }, value: cells[cell] ?? 0 };
  }

  *#endSamples(): Iterable<Sample> {
    for (const [server, cells] of this.#servers()) {
      for (const [index, reason] of PROGRAM_END_REASONS.entries()) {
        yield { labels: { server, reason }, value: cells[ENDED + index] ?? 0 };
      }
    }
  }

  *#servers(): Iterable<readonly [string, Float64Array]> {
    for (const [index, name] of this.#names.entries()) {
      const cells = this.#cells[index];
      if (name[0] === 0 || cells === undefined) return;
      yield [readName(name), cells];
    }
  }
}

function readName(name: Uint8Array): string {
  const end = name.indexOf(0);
  return Buffer.from(name.subarray(0, end < 0 ? NAME_BYTES : end)).toString('latin1');
}
