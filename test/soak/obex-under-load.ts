/** The release bundle in a process of its own: its log is counted as it comes, its metrics are read once a second. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { parseExposition } from '../support/exposition.ts';
import { sendOn } from '../support/obex.ts';
import { openRaw } from '../support/raw-http.ts';

const BUNDLE = join(import.meta.dirname, '../../dist/obex.mjs');

const LogLine = z.looseObject({ event: z.string(), status: z.int().optional(), url: z.string().optional() });

/** A page of metrics: the sum of the samples of a name, if they have these labels. */
export type Scrape = (name: string, labels?: Readonly<Record<string, string>>) => number;

export class ObexUnderLoad {
  port = 0;
  /** Logged lines by event. */
  readonly events = new Map<string, number>();
  /** Access lines of requests that never had an answer. */
  unanswered = 0;
  readonly stderr: string[] = [];
  readonly #metricsPort: number;
  readonly #child: ChildProcess;
  readonly #listening = Promise.withResolvers<number>();
  readonly #logged = Promise.withResolvers<void>();

  constructor(configPath: string, metricsPort: number) {
    this.#metricsPort = metricsPort;
    const child = spawn(process.execPath, [BUNDLE, 'serve', '--config', configPath], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    process.once('exit', () => child.kill('SIGKILL'));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.stderr.push(text));
    child.once('close', () => this.#listening.reject(new Error(`Obex ended: ${this.stderr.join('')}`)));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => this.#take(line));
    lines.on('close', () => this.#logged.resolve());
  }

  async started(): Promise<void> {
    this.port = await this.#listening.promise;
  }

  /** SIGTERM; resolves with the exit code when its whole log has been read. */
  async stop(): Promise<number | null> {
    const closed = this.#child.exitCode === null ? once(this.#child, 'close') : undefined;
    this.#child.kill('SIGTERM');
    await closed;
    await this.#logged.promise;
    return this.#child.exitCode;
  }

  async scrape(): Promise<Scrape> {
    const client = await openRaw(this.#metricsPort);
    const response = await sendOn(client, { target: '/metrics', lines: ['Connection: close'] });
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
    this.events.set(line.event, (this.events.get(line.event) ?? 0) + 1);
    if (line.event === 'request' && line.status === 0) this.unanswered += 1;
    if (line.event === 'listening') this.#listening.resolve(Number(new URL(line.url ?? '').port));
  }
}
