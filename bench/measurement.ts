/** What the bench measures, and the medians that stand in the table. */

import type { ScenarioName } from './scenarios/names.ts';
import { median, spread } from './statistics.ts';

export const METRICS = [
  'cpuMicros',
  'requestsPerSecond',
  'busyPercent',
  'p50Micros',
  'p99Micros',
  'idleMegabytes',
  'loadedMegabytes',
  'kilobytesPerStream',
  'startMillis',
] as const;

export type Metric = (typeof METRICS)[number];

export type Sample = { readonly [metric in Metric]?: number };

/** One line of the table: medians over all that was measured. */
export interface Row {
  readonly scenario: ScenarioName;
  readonly contender: string;
  readonly values: Sample;
  /** How wide the middle half of the measurements of CPU time per request is, as a share of the median. */
  readonly cpuSpread: number;
}

export interface Outcome {
  readonly rows: readonly Row[];
  /** What a reader of the numbers must know: what was left out, what went wrong. */
  readonly notes: readonly string[];
}

export function summarize(scenario: ScenarioName, contender: string, samples: readonly Sample[]): Row {
  const all = (metric: Metric): readonly number[] => samples.flatMap((sample) => sample[metric] ?? []);
  const values = Object.fromEntries(
    METRICS.flatMap((metric) => (all(metric).length > 0 ? [[metric, median(all(metric))]] : [])),
  );
  return { scenario, contender, values, cpuSpread: spread(all('cpuMicros')) };
}
