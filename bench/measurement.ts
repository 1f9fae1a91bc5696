/** What the bench measures, and what of it stands in the table. */

import type { ScenarioName } from './scenarios/names.ts';
import { median, percentile, spread } from './statistics.ts';

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

/**
 * The better quartile of what depends on who else has work for the machine: that only ever makes it worse, and makes it worse
 * for a large program than for a small one. Of all else the median; so of latency, where what counts is a difference of two.
 */
const QUARTILES: Sample = { cpuMicros: 0.25, requestsPerSecond: 0.75, startMillis: 0.25 };

/** One line of the table. */
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
  const typical = (metric: Metric): number => {
    const share = QUARTILES[metric];
    return share === undefined ? median(all(metric)) : percentile(all(metric), share);
  };
  const values = Object.fromEntries(
    METRICS.flatMap((metric) => (all(metric).length > 0 ? [[metric, typical(metric)]] : [])),
  );
  return { scenario, contender, values, cpuSpread: spread(all('cpuMicros')) };
}
