/** What goes wrong in the HTTP engine beside requests, counted. Prometheus naming conventions. */
import { Cells } from './cells.ts';
import type { MetricFamily, Sample } from './exposition.ts';

/** Why a connection was not accepted. */
const ACCEPT_FAILURES = ['max_connections', 'descriptors', 'system'] as const;

/** Why a TLS handshake failed. */
const HANDSHAKE_FAILURES = [
  'timeout',
  'closed',
  'not_tls',
  'protocol_version',
  'no_shared_cipher',
  'no_shared_protocol',
  'client_alert',
  'other',
] as const;

export type AcceptFailure = (typeof ACCEPT_FAILURES)[number];
export type HandshakeFailure = (typeof HANDSHAKE_FAILURES)[number];

// Which cell counts what.
const HANDSHAKES = ACCEPT_FAILURES.length;
const BUGS = HANDSHAKES + HANDSHAKE_FAILURES.length;

/** Cells of one thread. */
export const ENGINE_METRIC_CELLS = BUGS + 1;

/** Counters live as long as the process: a reload keeps them. */
export class EngineMetrics {
  readonly families: readonly MetricFamily[];
  readonly #cells: Cells;

  /** `cells`: those of a process with several threads; what one of them shows is then the sum. */
  constructor(cells = new Cells(new Float64Array(ENGINE_METRIC_CELLS))) {
    this.#cells = cells;
    const byReason = (reasons: readonly string[], first: number) => (): Iterable<Sample> =>
      reasons.map((reason, index) => ({ labels: { reason }, value: cells.sum(first + index) }));
    this.families = [
      {
        name: 'obex_accept_failures_total',
        type: 'counter',
        help: 'Client connections that were not accepted, by reason.',
        samples: byReason(ACCEPT_FAILURES, 0),
      },
      {
        name: 'obex_tls_handshake_failures_total',
        type: 'counter',
        help: 'TLS handshakes of clients that failed, by reason.',
        samples: byReason(HANDSHAKE_FAILURES, HANDSHAKES),
      },
      {
        name: 'obex_bugs_total',
        type: 'counter',
        help: 'Bugs that ended one connection.',
        samples: () => [{ value: cells.sum(BUGS) }],
      },
    ];
  }

  acceptFailed(failure: AcceptFailure): void {
    this.#cells.add(ACCEPT_FAILURES.indexOf(failure), 1);
  }

  handshakeFailed(failure: HandshakeFailure): void {
    this.#cells.add(HANDSHAKES + HANDSHAKE_FAILURES.indexOf(failure), 1);
  }

  bug(): void {
    this.#cells.add(BUGS, 1);
  }
}
