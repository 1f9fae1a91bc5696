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

/** A contender that is ready to be measured. */
export interface Runner {
  run(): Promise<Measured>;
  stop(): Promise<void>;
}

export function race(bench: Bench, { scenario, lanes, http2 = false }: Race): Promise<Outcome> {
  const runLoad = http2 ? runH2load : runWrk;
  return alternate(
    bench,
    scenario,
    lanes.map((lane) => async (): Promise<Runner> => {
      const contender = await lane.start();
      const stop = (): Promise<void> => contender.stop();
      try {
        await warmUp(bench, { contender, credential: lane.credential ?? 'first', runLoad });
      } catch (error) {
        await stop();
        throw error;
      }
      return { run: () => measure(bench, { ...lane, contender, runLoad }), stop };
    }),
  );
}

/**
 * Starts all, then measures one after the other, and again in the opposite order: what else the machine does comes and goes
 * within seconds, and shall meet all alike. Each round has processes of its own: two of the same program can differ for as
 * long as they run, by what their compiler and garbage collector made of the first seconds.
 */
export async function alternate(
  { options }: Bench,
  scenario: ScenarioName,
  starts: readonly (() => Promise<Runner>)[],
): Promise<Outcome> {
  const results = new Results(scenario);
  for (let round = 0; round < options.rounds; round += 1) {
    const runners: Runner[] = [];
    try {
      for (const start of starts) runners.push(await start());
      for (let turn = 0; turn < options.turns; turn += 1) {
        for (const runner of turn % 2 === 0 ? runners : runners.toReversed()) results.add(await runner.run());
      }
    } finally {
      for (const runner of runners) await runner.stop();
    }
  }
  return results.summarize();
}

/** One measurement of each contender a round, from its start to its end. */
export async function takeTurns(
  { options }: Bench,
  scenario: ScenarioName,
  measurements: readonly (() => Promise<Measured>)[],
): Promise<Outcome> {
  const results = new Results(scenario);
  for (let round = 0; round < options.rounds; round += 1) {
    for (const take of measurements) results.add(await take());
  }
  return results.summarize();
}

class Results {
  readonly #scenario: ScenarioName;
  readonly #samples = new Map<string, Sample[]>();
  readonly #notes = new Set<string>();

  constructor(scenario: ScenarioName) {
    this.#scenario = scenario;
  }

  add({ name, sample, fault }: Measured): void {
    this.#samples.set(name, [...(this.#samples.get(name) ?? []), sample]);
    if (fault !== undefined) this.#notes.add(`${this.#scenario}, ${name}: ${fault}`);
  }

  summarize(): Outcome {
    const rows = [...this.#samples].map(([name, samples]) => summarize(this.#scenario, name, samples));
    return { rows, notes: [...this.#notes] };
  }
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
): Promise<Measured> {
  const before = groupCpuSeconds(contender.group);
  const report = await runLoad(bench, { contender, credential, seconds: bench.options.seconds });
  const cpuSeconds = groupCpuSeconds(contender.group) - before;
  const unexpected = refused ? report.requests - report.refused : report.refused;
  const fault =
    unexpected + report.broken > 0 ? `${unexpected} unexpected statuses, ${report.broken} broken requests` : undefined;
  return { name: contender.name, sample: toSample(contender, report, cpuSeconds), fault };
}

/** What a contender took for a stretch of load. */
export function toSample(
  contender: Contender,
  { requests, seconds }: Pick<LoadReport, 'requests' | 'seconds'>,
  cpuSeconds: number,
): Sample {
  return {
    cpuMicros: (cpuSeconds / requests) * 1e6,
    requestsPerSecond: requests / seconds,
    busyPercent: (cpuSeconds / seconds) * 100,
    idleMegabytes: contender.idleBytes / MEGABYTE,
    loadedMegabytes: groupResidentBytes(contender.group) / MEGABYTE,
  };
}
