/** The counters that every request touches, and the families that `/metrics` shows. Prometheus naming conventions. */
import { DENIAL_REASONS, type DenialReason } from '../oauth/denial.ts';
import { Cells } from './cells.ts';
import { DPOP_METRIC_CELLS, DpopMetrics } from './dpop-metrics.ts';
import { ENGINE_METRIC_CELLS, EngineMetrics } from './engine-metrics.ts';
import { formatFamily, Histogram, type MetricFamily, type Sample } from './exposition.ts';
import { INTROSPECTION_METRIC_CELLS, IntrospectionMetrics } from './introspection-metrics.ts';
import { LOGIN_METRIC_CELLS, LoginMetrics } from './login-metrics.ts';

const HIGHEST_STATUS = 599;

/** Bounds in seconds: from a cached 401 to a slow tool. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How a look-up in the verified-token cache ended. */
export type TokenCacheResult = 'hit' | 'miss';

// Which cell counts what; statuses come first, each in the cell of its number.
const DENIED = HIGHEST_STATUS + 1;
const CACHE_HITS = DENIED + DENIAL_REASONS.length;
const CACHE_MISSES = CACHE_HITS + 1;
const CACHE_ENTRIES = CACHE_HITS + 2;
const CACHE_BYTES = CACHE_HITS + 3;
const ABORTED = CACHE_HITS + 4;
const IN_FLIGHT = CACHE_HITS + 5;
const ACCESS_LINES_DROPPED = CACHE_HITS + 6;
const RESPONSE_HEAD_SECONDS = CACHE_HITS + 7;
const DPOP = RESPONSE_HEAD_SECONDS + Histogram.cellsFor(SECONDS);
const ENGINE = DPOP + DPOP_METRIC_CELLS;

const INTROSPECTION = ENGINE + ENGINE_METRIC_CELLS;
const LOGIN = INTROSPECTION + INTROSPECTION_METRIC_CELLS;

const REASON_CELLS: ReadonlyMap<DenialReason, number> = new Map(
  DENIAL_REASONS.map((reason, index) => [reason, DENIED + index]),
);

/** Cells of one thread. */
export const METRIC_CELLS = LOGIN + LOGIN_METRIC_CELLS;

/** Counters live as long as the process: a reload keeps them. */
export class Metrics {
  /** Of phase 3. */
  readonly dpop: DpopMetrics;
  readonly engine: EngineMetrics;
  readonly introspection: IntrospectionMetrics;
  readonly login: LoginMetrics;
  readonly #cells: Cells;
  readonly #responseHeadSeconds: Histogram;
  readonly #families: MetricFamily[] = [];

  /** `cells`: those of a process with several threads; what one of them shows is then the sum. */
  constructor(cells = new Cells(new Float64Array(METRIC_CELLS))) {
    this.#cells = cells;
    this.dpop = new DpopMetrics(cells.slice(DPOP, DPOP_METRIC_CELLS));
    this.engine = new EngineMetrics(cells.slice(ENGINE, ENGINE_METRIC_CELLS));
    this.introspection = new IntrospectionMetrics(cells.slice(INTROSPECTION, INTROSPECTION_METRIC_CELLS));
    this.login = new LoginMetrics(cells.slice(LOGIN, LOGIN_METRIC_CELLS));
    this.#responseHeadSeconds = new Histogram(
      'obex_response_head_seconds',
      'Time from a complete request head to the response head.',
      { bounds: SECONDS, cells: cells.slice(RESPONSE_HEAD_SECONDS, Histogram.cellsFor(SECONDS)) },
    );
    this.register(
      counter('obex_requests_total', 'Requests answered, by status code.', () => this.#statusSamples()),
      counter('obex_denials_total', 'Requests refused by Obex, by reason.', () => this.#denialSamples()),
      counter('obex_aborted_total', 'Exchanges that ended before the whole answer was sent.', this.#sample(ABORTED)),
      gauge('obex_requests_in_flight', 'Requests being answered now.', this.#sample(IN_FLIGHT)),
      counter('obex_token_cache_lookups_total', 'Look-ups of verified tokens, by result.', () => [
        { labels: { result: 'hit' }, value: cells.sum(CACHE_HITS) },
        { labels: { result: 'miss' }, value: cells.sum(CACHE_MISSES) },
      ]),
      gauge('obex_token_cache_entries', 'Verified tokens kept.', this.#sample(CACHE_ENTRIES)),
      gauge('obex_token_cache_bytes', 'Estimated memory of the verified tokens kept.', this.#sample(CACHE_BYTES)),
      counter(
        'obex_access_lines_dropped_total',
        'Access lines lost because nobody read the log.',
        this.#sample(ACCESS_LINES_DROPPED),
      ),
      ...this.engine.families,
    );
  }

  began(): void {
    this.#cells.add(IN_FLIGHT, 1);
  }

  ended(outcome: 'complete' | 'aborted'): void {
    this.#cells.add(IN_FLIGHT, -1);
    if (outcome === 'aborted') this.#cells.add(ABORTED, 1);
  }

  responded(status: number, seconds: number): void {
    if (status <= HIGHEST_STATUS) this.#cells.add(status, 1);
    this.#responseHeadSeconds.observe(seconds);
  }

  denied(reason: DenialReason): void {
    const cell = REASON_CELLS.get(reason);
    if (cell !== undefined) this.#cells.add(cell, 1);
  }

  tokenCacheLookup(result: TokenCacheResult): void {
    this.#cells.add(result === 'hit' ? CACHE_HITS : CACHE_MISSES, 1);
  }

  /** This thread's verified tokens. */
  tokenCacheSize(entries: number, bytes: number): void {
    this.#cells.set(CACHE_ENTRIES, entries);
    this.#cells.set(CACHE_BYTES, bytes);
  }

  accessLinesDropped(count: number): void {
    this.#cells.add(ACCESS_LINES_DROPPED, count);
  }

  /** Adds families whose values are read at each scrape. */
  register(...families: readonly MetricFamily[]): void {
    this.#families.push(...families);
  }

  /** The whole page, in text format 0.0.4. */
  format(): string {
    return (
      this.#families
        .filter((family) => family.isShown?.() !== false)
        .map(formatFamily)
        .join('') + this.#responseHeadSeconds.format()
    );
  }

  #sample(cell: number): () => Iterable<Sample> {
    return () => [{ value: this.#cells.sum(cell) }];
  }

  *#statusSamples(): Iterable<Sample> {
    for (let status = 0; status <= HIGHEST_STATUS; status += 1) {
      const value = this.#cells.sum(status);
      if (value > 0) yield { labels: { code: String(status) }, value };
    }
  }

  *#denialSamples(): Iterable<Sample> {
    for (const [reason, cell] of REASON_CELLS) yield { labels: { reason }, value: this.#cells.sum(cell) };
  }
}

export function counter(name: string, help: string, samples: () => Iterable<Sample>): MetricFamily {
  return { name, type: 'counter', help, samples };
}

export function gauge(name: string, help: string, samples: () => Iterable<Sample>): MetricFamily {
  return { name, type: 'gauge', help, samples };
}
