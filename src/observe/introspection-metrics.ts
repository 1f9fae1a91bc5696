/** What becomes of the questions that Obex asks about tokens, and what they take. RFC 7662. */
import { Cells } from './cells.ts';
import { Histogram, type MetricFamily } from './exposition.ts';

/** How a request to the endpoint can end: of these the first two are answers. */
const RESULTS = ['active', 'inactive', 'failure'] as const;

export type IntrospectionResult = (typeof RESULTS)[number];

/** Bounds in seconds: up to the deadline. */
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const IN_FLIGHT = RESULTS.length;
const SECONDS = IN_FLIGHT + 1;

/** Cells of one thread. */
export const INTROSPECTION_METRIC_CELLS = SECONDS + Histogram.cellsFor(REQUEST_SECONDS);

/** Counters live as long as the process: a reload keeps them. */
export class IntrospectionMetrics {
  readonly #cells: Cells;
  readonly #requestSeconds: Histogram;

  /** `cells`: those of a process with several threads; what one of them shows is then the sum. */
  constructor(cells = new Cells(new Float64Array(INTROSPECTION_METRIC_CELLS))) {
    this.#cells = cells;
    this.#requestSeconds = new Histogram(
      'obex_introspection_request_seconds',
      'Time that the introspection endpoint takes for an answer.',
      { bounds: REQUEST_SECONDS, cells: cells.slice(SECONDS, Histogram.cellsFor(REQUEST_SECONDS)) },
    );
  }

  requestBegan(): void {
    this.#cells.add(IN_FLIGHT, 1);
  }

  requestEnded(result: IntrospectionResult, seconds: number): void {
    this.#cells.add(IN_FLIGHT, -1);
    this.#cells.add(RESULTS.indexOf(result), 1);
    this.#requestSeconds.observe(seconds);
  }

  /** `issuer`: the one that is asked now; undefined = there are no samples. */
  families(issuer: () => string | undefined): readonly MetricFamily[] {
    const cells = this.#cells;
    const seconds = this.#requestSeconds;
    return [
      {
        name: 'obex_introspection_requests_total',
        type: 'counter',
        help: 'Requests to the introspection endpoint, by issuer and result.',
        samples: () => {
          const name = issuer();
          if (name === undefined) return [];
          return RESULTS.map((result, cell) => ({ labels: { issuer: name, result }, value: cells.sum(cell) }));
        },
      },
      {
        name: 'obex_introspection_requests_in_flight',
        type: 'gauge',
        help: 'Requests to the introspection endpoint under way.',
        samples: () => (issuer() === undefined ? [] : [{ value: cells.sum(IN_FLIGHT) }]),
      },
      {
        name: seconds.name,
        type: seconds.type,
        help: seconds.help,
        samples: () => (issuer() === undefined ? [] : seconds.samples()),
      },
    ];
  }
}
