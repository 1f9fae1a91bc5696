/** Runs the bench's own load programs, on the load's cores. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type Bench, firstToken } from '../bench.ts';
import type { Contender } from '../contenders/contender.ts';
import { errorTail, launch, run, stop } from '../processes.ts';
import { formatRequest, formatStreamRequest } from './raw-request.ts';

const CONNECTIONS = 64;
const WARM_UP_SECONDS = 1;

const RateReport = z.object({
  requests: z.number(),
  refused: z.number(),
  p50Micros: z.number(),
  p99Micros: z.number(),
});
const StreamReport = z.object({ events: z.number(), broken: z.number(), p50Micros: z.number(), p99Micros: z.number() });

const ReplayCacheReport = z.object({
  outcome: z.string(),
  p50Micros: z.number(),
  p99Micros: z.number(),
  loadedMegabytes: z.number(),
});
const OnceReport = z.object({ requests: z.number(), refused: z.number(), seconds: z.number() });

export type RateReport = z.output<typeof RateReport>;
export type StreamReport = z.output<typeof StreamReport>;
export type OnceReport = z.output<typeof OnceReport>;

export async function runFixedRate(bench: Bench, { origin }: Contender, seconds: number): Promise<RateReport> {
  const { hostname: host, port } = new URL(origin);
  const request = formatRequest(origin, firstToken(bench));
  const settings = { host, port: Number(port), request, rate: bench.options.rate, connections: CONNECTIONS };
  const output = await run({
    cpus: bench.cpus.load,
    command: process.execPath,
    args: [program('fixed-rate.ts'), JSON.stringify({ ...settings, warmUpSeconds: WARM_UP_SECONDS, seconds })],
    errorsTo: bench.errorsTo,
  });
  return RateReport.parse(JSON.parse(output));
}

/** Lines of a file of tokens and proofs, each to be sent once. */
export interface OnceOptions {
  readonly file: string;
  readonly from: number;
  readonly count: number;
}

export async function runOnce(bench: Bench, { origin }: Contender, lines: OnceOptions): Promise<OnceReport> {
  const output = await run({
    cpus: bench.cpus.load,
    command: process.execPath,
    args: [program('once.ts'), JSON.stringify({ origin, connections: CONNECTIONS, ...lines })],
    errorsTo: bench.errorsTo,
  });
  return OnceReport.parse(JSON.parse(output));
}

/** CPU time of one ES256 verification on the proxy's core, in µs. The other cores do the same, as they are busy in a run. */
export async function runVerification({ cpus, errorsTo }: Bench): Promise<number> {
  const [micros = ''] = await Promise.all(
    [cpus.proxy, cpus.load].map((on) =>
      run({ cpus: on, command: process.execPath, args: [program('verification.ts')], errorsTo }),
    ),
  );
  return Number(micros);
}

/** Claims in a replay cache of which a share is taken. */
export async function runReplayCache(
  { cpus, errorsTo }: Bench,
  settings: { readonly maxEntries: number; readonly share: number },
): Promise<z.output<typeof ReplayCacheReport>> {
  const args = [program('replay-cache.ts'), JSON.stringify(settings)];
  return ReplayCacheReport.parse(
    JSON.parse(await run({ cpus: cpus.proxy, command: process.execPath, args, errorsTo })),
  );
}

/** Many open event streams. */
export interface Streams {
  /** Forgets the events so far. */
  measure(): void;
  /** Closes the streams and tells of the events since `measure`. */
  finish(): Promise<StreamReport>;
}

/** Resolves when all streams are open. */
export async function openStreams(bench: Bench, { origin }: Contender, streams: number): Promise<Streams> {
  const { hostname: host, port } = new URL(origin);
  const request = formatStreamRequest(origin, firstToken(bench));
  const settings = { host, port: Number(port), request, streams };
  const child = launch({
    cpus: bench.cpus.load,
    command: process.execPath,
    args: [program('sse-client.ts'), JSON.stringify(settings)],
    errorsTo: bench.errorsTo,
    stdin: 'pipe',
    stdout: 'pipe',
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the client of event streams has no pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the client of event streams ended: ${errorTail(bench.errorsTo)}`);
    return value;
  };
  await nextLine();
  return {
    measure: () => stdin.write('measure\n'),
    async finish() {
      stdin.write('stop\n');
      const report = StreamReport.parse(JSON.parse(await nextLine()));
      await stop(child);
      return report;
    },
  };
}

export function program(name: string): string {
  return join(import.meta.dirname, name);
}
