/** What becomes of proofs, and what it takes to claim them. RFC 9449 §4.3, §11.1. */
import type { DenialReason } from '../oauth/denial.ts';
import { Cells } from './cells.ts';
import { Histogram, type MetricFamily } from './exposition.ts';

/** Each way in which a proof that came with a bound token can end. */
const RESULTS = [
  'valid',
  'invalid_dpop',
  'use_dpop_nonce',
  'rate_limited',
  'dpop_replayed',
  'replay_cache_full',
  'replay_cache_unavailable',
] as const satisfies readonly ('valid' | DenialReason)[];

/** Bounds in seconds: from a claim in memory to one that a stuck Redis never answers. */
const CLAIM_SECONDS = [0.00001, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

const RESULT_CELLS: ReadonlyMap<'valid' | DenialReason, number> = new Map(
  RESULTS.map((result, index) => [result, index]),
);

/** Cells of one thread. */
export const DPOP_METRIC_CELLS = RESULTS.length + Histogram.cellsFor(CLAIM_SECONDS);

/** Counters live as long as the process: a reload keeps them. */
export class DpopMetrics {
  readonly families: readonly MetricFamily[];
  readonly #cells: Cells;
  readonly #claimSeconds: Histogram;

  /** `cells`: those of a process with several threads; what one of them shows is then the sum. */
  constructor(cells = new Cells(new Float64Array(DPOP_METRIC_CELLS))) {
    this.#cells = cells;
    this.#claimSeconds = new Histogram('obex_dpop_claim_seconds', 'Time that the replay cache takes for a claim.', {
      bounds: CLAIM_SECONDS,
      cells: cells.slice(RESULTS.length, Histogram.cellsFor(CLAIM_SECONDS)),
    });
    this.families = [
      {
        name: 'obex_dpop_proofs_total',
        type: 'counter',
        help: 'Proofs that came with a bound token, by result.',
        samples: () => RESULTS.map((result, cell) => ({ labels: { result }, value: cells.sum(cell) })),
      },
      this.#claimSeconds,
    ];
  }

  proofJudged(result: 'valid' | DenialReason): void {
    const cell = RESULT_CELLS.get(result);
    if (cell !== undefined) this.#cells.add(cell, 1);
  }

  claimEnded(seconds: number): void {
    this.#claimSeconds.observe(seconds);
  }
}
