/** What the product has to reach, each a comparison of two lines of the table. */
import type { Metric, Row } from './measurement.ts';
import type { ScenarioName } from './scenarios/names.ts';

const NGINX = 'nginx, no authentication';
const HAPROXY = 'haproxy, jwt_verify on each request';
const APACHE = 'apache, mod_auth_openidc';
const BASELINE = 'Obex on its first engine, node:http';
const OBEX = 'Obex';
const OBEX_QUIET = 'Obex, no access log';

export interface Threshold {
  readonly title: string;
  /** Undefined when a line that it needs was not measured. */
  measure(rows: readonly Row[]): number | undefined;
  /** `×`, `MB`, … behind the numbers. */
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly required: number;
  readonly aim: number;
}

export const THRESHOLDS: readonly Threshold[] = [
  faster({
    title: 'capacity of nginx without authentication (phase 2, warm cache)',
    than: NGINX,
    at: 'warm',
    required: 0.6,
    aim: 0.75,
  }),
  faster({
    title: 'capacity of haproxy, which verifies each request (Obex: warm cache)',
    than: HAPROXY,
    at: 'warm',
    required: 2,
    aim: 2.5,
  }),
  faster({
    title: 'capacity of apache mod_auth_openidc (Obex: warm cache)',
    than: APACHE,
    at: 'warm',
    required: 4,
    aim: 5,
  }),
  faster({ title: 'capacity of the first engine, over node:http', than: BASELINE, at: 'warm', required: 2.5, aim: 3 }),
  faster({ title: 'a 401 refusal: capacity of nginx proxying', than: NGINX, at: 'refusals', required: 1, aim: 1 }),
  faster({
    title: 'RS256 tokens never seen before: capacity of haproxy',
    than: HAPROXY,
    at: 'verify',
    required: 0.8,
    aim: 1,
  }),
  {
    title: 'phase 3, token cached: CPU of a request, of one ES256 verification',
    measure: (rows) => ratio(dpopMicros(rows, 'Obex, one key'), dpopMicros(rows, 'one ES256 verification')),
    unit: '×',
    better: 'lower',
    required: 1.6,
    aim: 1.6,
  },
  {
    title: 'phase 3, 10,000 client keys: CPU of a request, of that with one key',
    measure: (rows) => ratio(dpopMicros(rows, 'Obex, 10,000 keys'), dpopMicros(rows, 'Obex, one key')),
    unit: '×',
    better: 'lower',
    required: 1.3,
    aim: 1.3,
  },
  {
    title: 'phase 3, replay cache in memory: ES256 proofs a second and core',
    measure: (rows) => ratio(1e6, dpopMicros(rows, 'Obex, one key')),
    unit: '/s',
    better: 'higher',
    required: 5_000,
    aim: 5_000,
  },
  {
    title: 'phase 3, replay cache in a local Redis: ES256 proofs a second and core of Obex',
    measure: (rows) => ratio(1e6, dpopMicros(rows, 'Obex, one key, Redis')),
    unit: '/s',
    better: 'higher',
    required: 3_500,
    aim: 3_500,
  },
  faster({ title: 'TLS keep-alive: capacity of nginx', than: NGINX, at: 'tls', required: 0.55, aim: 0.7 }),
  {
    title: 'memory of one of 5,000 event streams',
    measure: (rows) => find(rows, 'sse-5000', OBEX_QUIET)?.values.kilobytesPerStream,
    unit: ' KB',
    better: 'lower',
    required: 14,
    aim: 10,
  },
  {
    title: '5,000 event streams: added p50 latency, of what nginx adds',
    measure: (rows) => ratio(addedLatency(rows, OBEX_QUIET), addedLatency(rows, NGINX)),
    unit: '×',
    better: 'lower',
    required: 2.5,
    aim: 2,
  },
  {
    title: 'two workers: CPU per request, of that of one',
    measure: (rows) =>
      ratio(
        valueOf(rows, 'workers', ['Obex, 2 workers', 'cpuMicros']),
        valueOf(rows, 'workers', ['Obex, 1 worker', 'cpuMicros']),
      ),
    unit: '×',
    better: 'lower',
    required: 1.15,
    aim: 1.05,
  },
  {
    title: 'idle memory, phase 2, plain HTTP',
    measure: (rows) => valueOf(rows, 'start', [OBEX, 'idleMegabytes']),
    unit: ' MB',
    better: 'lower',
    required: 70,
    aim: 55,
  },
  {
    title: 'from start to the first 200',
    measure: (rows) => valueOf(rows, 'start', [OBEX, 'startMillis']),
    unit: ' ms',
    better: 'lower',
    required: 120,
    aim: 70,
  },
  {
    title: 'CPU per request with the access log, of that without (counters are in both)',
    measure: (rows) =>
      ratio(valueOf(rows, 'warm', [OBEX, 'cpuMicros']), valueOf(rows, 'warm', [OBEX_QUIET, 'cpuMicros'])),
    unit: '×',
    better: 'lower',
    required: 1.15,
    aim: 1.15,
  },
];

interface Faster {
  readonly title: string;
  readonly than: string;
  readonly at: ScenarioName;
  readonly required: number;
  readonly aim: number;
}

/** Capacity of one core, compared by the CPU time that a request takes. */
function faster({ title, than, at, required, aim }: Faster): Threshold {
  const measure = (rows: readonly Row[]): number | undefined =>
    ratio(valueOf(rows, at, [than, 'cpuMicros']), valueOf(rows, at, [OBEX_QUIET, 'cpuMicros']));
  return { title, measure, unit: '×', better: 'higher', required, aim };
}

function dpopMicros(rows: readonly Row[], contender: string): number | undefined {
  return valueOf(rows, 'dpop', [contender, 'cpuMicros']);
}

function addedLatency(rows: readonly Row[], contender: string): number | undefined {
  const through = valueOf(rows, 'sse-5000', [contender, 'p50Micros']);
  const direct = valueOf(rows, 'sse-5000', ['direct', 'p50Micros']);
  return through === undefined || direct === undefined ? undefined : through - direct;
}

function valueOf(
  rows: readonly Row[],
  scenario: ScenarioName,
  [contender, metric]: readonly [string, Metric],
): number | undefined {
  return find(rows, scenario, contender)?.values[metric];
}

function find(rows: readonly Row[], scenario: ScenarioName, contender: string): Row | undefined {
  return rows.find((row) => row.scenario === scenario && row.contender === contender);
}

function ratio(dividend: number | undefined, divisor: number | undefined): number | undefined {
  return dividend === undefined || divisor === undefined ? undefined : dividend / divisor;
}
