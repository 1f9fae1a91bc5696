/** Lets contenders take turns under the same load, round after round, and compares what they cost. */
import type { Bench } from '../bench.ts';
import type { Contender } from '../contenders/contender.ts';
import { runH2load } from '../load/h2load.ts';
import type { LoadOptions, LoadReport } from '../load/load.ts';
import { runWrk } from '../load/wrk.ts';
import { type Outcome, type Sample, summarize } from '../measurement.ts';
import { groupCpuSeconds, groupResidentBytes } from '../proc.ts';
import type { ScenarioName } from './names.ts';

/** Enough for every token to have come by, and for a compiler to have settled. */
const WARM_UP_REQUESTS = 40_000;
const MEGABYTE = 1e6;

export interface Lane {
  readonly start: () => Promise<Contender>;
  /** Default: `first`. */
  readonly credential?: LoadOptions['credential'];
  /** All answers are refusals. */
  readonly refused?: boolean;
}

export interface Race {
  readonly scenario: ScenarioName;
  /** The first is the one that the others are compared with. */
  readonly lanes: readonly Lane[];
  readonly http2?: boolean;
}

export interface Measured {
  readonly name: string;
  readonly sample: Sample;
  /** What went wrong, for the notes. */
  readonly fault?: string | undefined;
}

export async function race(bench: Bench, { scenario, lanes, http2 = false }: Race): Promise<Outcome> {
  const runLoad = http2 ? runH2load : runWrk;
  return takeTurns(
    bench,
    scenario,
    lanes.map((lane) => async (): Promise<Measured> => {
      const contender = await lane.start();
      try {
        await warmUp(bench, { contender, credential: lane.credential ?? 'first', runLoad });
        return { name: contender.name, ...(await measure(bench, { ...lane, contender, runLoad })) };
      } finally {
        await contender.stop();
      }
    }),
  );
}

/**
 * One measurement of each contender a round. A measurement starts a process of its own: two processes of the same program
 * can differ by a quarter for as long as they run, by what their compiler and garbage collector made of the first seconds.
 */
export async function takeTurns(
  { options }: Bench,
  scenario: ScenarioName,
  measurements: readonly (() => Promise<Measured>)[],
): Promise<Outcome> {
  const samples = new Map<string, Sample[]>();
  const notes = new Set<string>();
  for (let round = 0; round < options.rounds; round += 1) {
    for (const take of measurements) {
      const { name, sample, fault } = await take();
      samples.set(name, [...(samples.get(name) ?? []), sample]);
      if (fault !== undefined) notes.add(`${scenario}, ${name}: ${fault}`);
    }
  }
  return { rows: [...samples].map(([name, taken]) => summarize(scenario, name, taken)), notes: [...notes] };
}

type RunLoad = (bench: Bench, options: LoadOptions) => Promise<LoadReport>;

interface WarmUp {
  readonly contender: Contender;
  readonly credential: LoadOptions['credential'];
  readonly runLoad: RunLoad;
}

export async function warmUp(bench: Bench, { contender, credential, runLoad }: WarmUp): Promise<void> {
  for (let requests = 0; requests < WARM_UP_REQUESTS; ) {
    const report = await runLoad(bench, { contender, credential, seconds: 1 });
    if (report.requests === 0) throw new Error(`${contender.name} answers no request under load`);
    requests += report.requests;
  }
}

interface Run extends Omit<Lane, 'start'> {
  readonly contender: Contender;
  readonly runLoad: RunLoad;
}

async function measure(
  bench: Bench,
  { contender, runLoad, credential = 'first', refused = false }: Run,
): Promise<Omit<Measured, 'name'>> {
  const before = groupCpuSeconds(contender.group);
  const report = await runLoad(bench, { contender, credential, seconds: bench.options.seconds });
  const cpuSeconds = groupCpuSeconds(contender.group) - before;
  const unexpected = refused ? report.requests - report.refused : report.refused;
  const sample: Sample = {
    cpuMicros: (cpuSeconds / report.requests) * 1e6,
    requestsPerSecond: report.requests / report.seconds,
    busyPercent: (cpuSeconds / report.seconds) * 100,
    idleMegabytes: contender.idleBytes / MEGABYTE,
    loadedMegabytes: groupResidentBytes(contender.group) / MEGABYTE,
  };
  if (unexpected + report.broken === 0) return { sample };
  return { sample, fault: `${unexpected} unexpected statuses, ${report.broken} broken requests` };
}
