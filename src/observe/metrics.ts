/** The counters that every request touches, and the families that `/metrics` shows. Prometheus naming conventions. */
import { DENIAL_REASONS, type DenialReason } from '../oauth/denial.ts';
import { formatFamily, Histogram, type MetricFamily, type Sample } from './exposition.ts';

const HIGHEST_STATUS = 599;

/** Bounds in seconds: from a cached 401 to a slow tool. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How a look-up in the verified-token cache ended. */
export type TokenCacheResult = 'hit' | 'miss';

/** Counters live as long as the process: a reload keeps them. */
export class Metrics {
  readonly #requestsByStatus = new Float64Array(HIGHEST_STATUS + 1);
  readonly #denials = new Map<DenialReason, number>(DENIAL_REASONS.map((reason) => [reason, 0]));
  readonly #tokenCache = { hit: 0, miss: 0 };
  readonly #responseHeadSeconds = new Histogram(
    'obex_response_head_seconds',
    'Time from a complete request head to the response head.',
    SECONDS,
  );
  readonly #families: MetricFamily[] = [];
  #aborted = 0;
  #inFlight = 0;
  #accessLinesDropped = 0;

  constructor() {
    this.register(
      counter('obex_requests_total', 'Requests answered, by status code.', () => this.#statusSamples()),
      counter('obex_denials_total', 'Requests refused by Obex, by reason.', () => this.#denialSamples()),
      counter('obex_aborted_total', 'Exchanges that ended before the whole answer was sent.', () => [
        { value: this.#aborted },
      ]),
      gauge('obex_requests_in_flight', 'Requests being answered now.', () => [{ value: this.#inFlight }]),
      counter('obex_token_cache_lookups_total', 'Look-ups of verified tokens, by result.', () => [
        { labels: { result: 'hit' }, value: this.#tokenCache.hit },
        { labels: { result: 'miss' }, value: this.#tokenCache.miss },
      ]),
      counter('obex_access_lines_dropped_total', 'Access lines lost because nobody read the log.', () => [
        { value: this.#accessLinesDropped },
      ]),
    );
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  began(): void {
    this.#inFlight += 1;
  }

  ended(outcome: 'complete' | 'aborted'): void {
    this.#inFlight -= 1;
    if (outcome === 'aborted') this.#aborted += 1;
  }

  responded(status: number, seconds: number): void {
    if (status <= HIGHEST_STATUS) this.#requestsByStatus[status] = (this.#requestsByStatus[status] ?? 0) + 1;
    this.#responseHeadSeconds.observe(seconds);
  }

  denied(reason: DenialReason): void {
    this.#denials.set(reason, (this.#denials.get(reason) ?? 0) + 1);
  }

  tokenCacheLookup(result: TokenCacheResult): void {
    this.#tokenCache[result] += 1;
  }

  accessLineDropped(): void {
    this.#accessLinesDropped += 1;
  }

  /** Adds families whose values are read at each scrape. */
  register(...families: readonly MetricFamily[]): void {
    this.#families.push(...families);
  }

  /** The whole page, in text format 0.0.4. */
  format(): string {
    return this.#families.map(formatFamily).join('') + this.#responseHeadSeconds.format();
  }

  *#statusSamples(): Iterable<Sample> {
    for (const [status, value] of this.#requestsByStatus.entries()) {
      if (value > 0) yield { labels: { code: String(status) }, value };
    }
  }

  *#denialSamples(): Iterable<Sample> {
    for (const [reason, value] of this.#denials) yield { labels: { reason }, value };
  }
}

export function counter(name: string, help: string, samples: () => Iterable<Sample>): MetricFamily {
  return { name, type: 'counter', help, samples };
}

export function gauge(name: string, help: string, samples: () => Iterable<Sample>): MetricFamily {
  return { name, type: 'gauge', help, samples };
}
