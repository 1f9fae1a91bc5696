/** Obex in a process of its own whose log is counted as it comes, since it is too long to be kept, and whose metrics are read. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { parseExposition } from './exposition.ts';
import { sendOn } from './obex.ts';
import { openRaw } from './raw-http.ts';

/** What users run: `make build` makes it. */
export const RELEASE: Program = {
  command: process.execPath,
  args: [join(import.meta.dirname, '../../dist/obex.mjs')],
};

/** A program, and the arguments that come before those of Obex. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

const SCRAPE_PATH = '/metrics';

const LogLine = z.looseObject({
  event: z.string(),
  level: z.string(),
  status: z.int().optional(),
  path: z.string().optional(),
  aborted: z.boolean().optional(),
  url: z.string().optional(),
});

export type LogLine = z.output<typeof LogLine>;

/** A page of metrics: the sum of the samples of a name, if they have these labels. */
export type Scrape = (name: string, labels?: Readonly<Record<string, string>>) => number;

export interface UnderLoadOptions {
  readonly program: Program;
  readonly configPath: string;
  readonly metricsPort: number;
  onLine?(line: LogLine): void;
}

/** None of them outlives the test process. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class ObexUnderLoad {
  /** As in the event `listening`. */
  url = '';
  /** Logged lines by event, but those of scrapes. */
  readonly events = new Map<string, number>();
  /** Access lines of requests that never had an answer. */
  unanswered = 0;
  /** Pages of metrics asked for so far. */
  scrapes = 0;
  readonly stderr: string[] = [];
  readonly #options: UnderLoadOptions;
  readonly #child: ChildProcess;
  readonly #listening = Promise.withResolvers<string>();
  readonly #logged = Promise.withResolvers<void>();

  constructor(options: UnderLoadOptions) {
    this.#options = options;
    const { command, args } = options.program;
    const child = spawn(command, [...args, 'serve', '--config', options.configPath], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    running.add(child);
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.stderr.push(text));
    child.once('close', () => {
      running.delete(child);
      this.#listening.reject(new Error(`Obex ended: ${this.stderr.join('')}`));
    });
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => this.#take(line));
    lines.on('close', () => this.#logged.resolve());
  }

  async started(): Promise<void> {
    this.url = await this.#listening.promise;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Undefined while it runs. */
  get exitCode(): number | string | undefined {
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined;
  }

  /** File descriptors that it has open. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length;
  }

  /** SIGTERM; resolves with the exit code when its whole log has been read. */
  async stop(): Promise<number | null> {
    const closed = this.exitCode === undefined ? once(this.#child, 'close') : undefined;
    this.#child.kill('SIGTERM');
    await closed;
    await this.#logged.promise;
    return this.#child.exitCode;
  }

  async scrape(): Promise<Scrape> {
    this.scrapes += 1;
    const client = await openRaw(this.#options.metricsPort);
    const response = await sendOn(client, { target: SCRAPE_PATH, lines: ['Connection: close'] });
    client.destroy();
    const samples = parseExposition(response.body.toString()).flatMap((family) => family.samples);
    return (name, labels = {}) =>
      samples
        .filter(
          (sample) =>
            sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
        )
        .reduce((sum, sample) => sum + sample.value, 0);
  }

  #take(text: string): void {
    const line = LogLine.parse(JSON.parse(text));
    if (line.path === SCRAPE_PATH) return;
    this.events.set(line.event, (this.events.get(line.event) ?? 0) + 1);
    if (line.event === 'request' && line.status === 0) this.unanswered += 1;
    if (line.event === 'listening') this.#listening.resolve(line.url ?? '');
    this.#options.onLine?.(line);
  }
}
