/** What becomes of logins at Obex, and what their store takes. RFC 6749 §4.1, RFC 7591. */
import { Cells } from './cells.ts';
import { Histogram, type MetricFamily } from './exposition.ts';

/** How a request to the authorization server can end; one that only shows something ends as none of them. */
export const LOGIN_EVENTS = [
  'registered',
  'registration_refused',
  'began',
  'authorization_refused',
  'consent_denied',
  'expired',
  'upstream_refused',
  'upstream_invalid',
  'not_allowed',
  'no_scopes',
  'logged_in',
  'tokens_issued',
  'tokens_refreshed',
  'tokens_refused',
  'unavailable',
] as const;

export type LoginEvent = (typeof LOGIN_EVENTS)[number];

/** Bounds in seconds: from memory to a Redis or a disk that is about to be given up. */
const STORE_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

const SECONDS = LOGIN_EVENTS.length;

/** Cells of one thread. */
export const LOGIN_METRIC_CELLS = SECONDS + Histogram.cellsFor(STORE_SECONDS);

/** Counters live as long as the process: a reload keeps them. */
export class LoginMetrics {
  readonly #cells: Cells;
  readonly #storeSeconds: Histogram;

  /** `cells`: those of a process with several threads; what one of them shows is then the sum. */
  constructor(cells = new Cells(new Float64Array(LOGIN_METRIC_CELLS))) {
    this.#cells = cells;
    this.#storeSeconds = new Histogram(
      'obex_login_store_seconds',
      'Time that the store of logins takes for an operation.',
      {
        bounds: STORE_SECONDS,
        cells: cells.slice(SECONDS, Histogram.cellsFor(STORE_SECONDS)),
      },
    );
  }

  ended(event: LoginEvent): void {
    this.#cells.add(LOGIN_EVENTS.indexOf(event), 1);
  }

  stored(seconds: number): void {
    this.#storeSeconds.observe(seconds);
  }

  /** `isOn`: without `login` there are no samples. */
  families(isOn: () => boolean): readonly MetricFamily[] {
    const cells = this.#cells;
    const seconds = this.#storeSeconds;
    return [
      {
        name: 'obex_login_events_total',
        type: 'counter',
        help: 'How requests to the authorization server of Obex ended.',
        samples: () =>
          isOn() ? LOGIN_EVENTS.map((event, cell) => ({ labels: { event }, value: cells.sum(cell) })) : [],
      },
      {
        name: seconds.name,
        type: seconds.type,
        help: seconds.help,
        samples: () => (isOn() ? seconds.samples() : []),
      },
    ];
  }
}
