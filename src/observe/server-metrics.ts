/** What is counted for each of several servers, beside what is counted for all. Prometheus naming conventions. */
import { DENIAL_REASONS, type DenialReason } from '../oauth/denial.ts';
import { Cells } from './cells.ts';
import type { MetricFamily, Sample } from './exposition.ts';

const HIGHEST_STATUS = 599;
// Statuses come first, each in the cell of its number.
const DENIED = HIGHEST_STATUS + 1;
const PROBES_OK = DENIED + DENIAL_REASONS.length;
const PROBES_FAILED = PROBES_OK + 1;

const REASON_CELLS: ReadonlyMap<DenialReason, number> = new Map(
  DENIAL_REASONS.map((reason, index) => [reason, DENIED + index]),
);

/** Cells of one thread for one server. */
export const SERVER_METRIC_CELLS = PROBES_FAILED + 1;

/** A reload keeps them; a server that is removed takes its own along. */
export class ServerMetrics {
  readonly #cells: Cells;

  constructor(cells = new Cells(new Float64Array(SERVER_METRIC_CELLS))) {
    this.#cells = cells;
  }

  responded(status: number, reason: DenialReason | undefined): void {
    if (status <= HIGHEST_STATUS) this.#cells.add(status, 1);
    const cell = reason && REASON_CELLS.get(reason);
    if (cell !== undefined) this.#cells.add(cell, 1);
  }

  /** Its backend has been asked whether it is there. */
  probed(isThere: boolean): void {
    this.#cells.add(isThere ? PROBES_OK : PROBES_FAILED, 1);
  }

  *requests(server: string): Iterable<Sample> {
    for (let status = 0; status <= HIGHEST_STATUS; status += 1) {
      const value = this.#cells.sum(status);
      if (value > 0) yield { labels: { server, code: String(status) }, value };
    }
  }

  *denials(server: string): Iterable<Sample> {
    for (const [reason, cell] of REASON_CELLS) {
      const value = this.#cells.sum(cell);
      if (value > 0) yield { labels: { server, reason }, value };
    }
  }

  *probes(server: string): Iterable<Sample> {
    yield { labels: { server, result: 'success' }, value: this.#cells.sum(PROBES_OK) };
    yield { labels: { server, result: 'failure' }, value: this.#cells.sum(PROBES_FAILED) };
  }
}

type Samples = (metrics: ServerMetrics, server: string) => Iterable<Sample>;

/** `all`: the servers of the moment, by name. */
export function serverFamilies(
  all: () => readonly (readonly [name: string, metrics: ServerMetrics])[],
): readonly MetricFamily[] {
  const family = (name: string, help: string, samples: Samples): MetricFamily => ({
    name,
    type: 'counter',
    help,
    isShown: () => all().length > 0,
    samples: () => all().flatMap(([server, metrics]) => [...samples(metrics, server)]),
  });
  return [
    family('obex_server_requests_total', 'Requests answered, by server and status code.', (metrics, server) =>
      metrics.requests(server),
    ),
    family('obex_server_denials_total', 'Requests refused by Obex, by server and reason.', (metrics, server) =>
      metrics.denials(server),
    ),
    family(
      'obex_server_backend_probes_total',
      'What `/ready` found when it asked whether the backend of a server is there, by server and result.',
      (metrics, server) => metrics.probes(server),
    ),
  ];
}
