/**
 * Program: minutes of mixed load on the release bundle in phase 2, over TCP, TLS and HTTP/2, then the books are checked: every
 * request is accounted for, nothing is stuck, nothing leaks, nothing unexpected is logged. Exits 0 or 1. `SOAK_SECONDS` sets
 * its length.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Way } from '../support/doors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { formatConfig } from '../support/obex.ts';
import { ObexUnderLoad, RELEASE, type Scrape } from '../support/obex-under-load.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { startTestIssuer } from '../support/test-issuer.ts';
import { writeTlsSection } from '../support/tls-section.ts';
import { until } from '../support/until.ts';
import { SoakBackend } from './backend.ts';
import { Books, slope } from './books.ts';
import { CLIENTS, type Client, HTTP2_CLIENTS, type Soak, TLS_CLIENTS } from './clients.ts';
import { UNRULY_CLIENTS, UNRULY_HTTP2_CLIENTS, UNRULY_TLS_CLIENTS } from './unruly-clients.ts';

const SOAK_SECONDS = Number(process.env['SOAK_SECONDS'] ?? 240);
/** Heaps grow into their size first. */
const WARM_UP_SHARE = 0.4;
/**
 * Of resident memory behind the warm-up. Generous: it keeps the size of the largest burst so far, and on a busy machine there
 * are bursts at any time, while what V8 holds stays the same.
 */
const MAX_GROWTH_PERCENT = 25;
/** When all have gone, above the mean behind the warm-up. */
const MAX_REST_PERCENT = 10;
const SETTLE_MS = 15_000;
const MAX_IDLE_CONNECTIONS = 10;
const EXPECTED_EVENTS: ReadonlySet<string> = new Set([
  // That nobody terminates TLS in front; that the certificate is good for two days.
  'config_warning',
  'certificate_warning',
  'listening',
  'jwks_fetched',
  'request',
  'request_refused',
  'refusal_loop',
  'draining',
  'stopped',
]);

interface Check {
  readonly name: string;
  readonly expected: unknown;
  readonly actual: unknown;
  readonly passed: boolean;
}

/** One process, the ways into it, and who comes in by them. */
interface StageSpec {
  readonly name: string;
  readonly crowds: readonly (readonly [way: Way, clients: readonly Client[]])[];
  /** Of the number of each kind of client. */
  readonly share: number;
}

const STAGES: readonly StageSpec[] = [
  { name: 'plain', crowds: [['plain', [...CLIENTS, ...UNRULY_CLIENTS]]], share: 1 },
  {
    name: 'TLS',
    crowds: [
      ['tls', [...TLS_CLIENTS, ...UNRULY_TLS_CLIENTS]],
      ['h2', [...HTTP2_CLIENTS, ...UNRULY_HTTP2_CLIENTS]],
    ],
    share: 0.25,
  },
];

interface Stage {
  readonly spec: StageSpec;
  readonly obex: ObexUnderLoad;
  readonly backend: SoakBackend;
  /** What clients of any way are given. */
  readonly soak: Omit<Soak, 'way'>;
  readonly books: Books;
  /** Open before anybody came. */
  readonly descriptors: number;
}

const folder = createTempFolder('soak');
const stops: (() => void | Promise<void>)[] = [() => folder.remove()];
const cleanup = { after: (stop: () => void | Promise<void>): void => void stops.push(stop) };
try {
  console.log(`Node ${process.version}, ${SOAK_SECONDS} s of load`);
  const stages = await Promise.all(STAGES.map(prepare));
  const verdicts = await Promise.all(stages.map(run));
  process.exitCode = verdicts.every((passed) => passed) ? 0 : 1;
} finally {
  for (const stop of stops.toReversed()) await stop();
}

async function run(stage: Stage): Promise<boolean> {
  const { obex, backend, books, spec } = stage;
  const memory: (readonly [minutes: number, megabytes: number])[] = [];
  const startedMs = performance.now();
  const deadlineMs = startedMs + SOAK_SECONDS * 1000;
  const sampled = (async () => {
    while (performance.now() < deadlineMs) {
      const scrape = await obex.scrape();
      const minutes = (performance.now() - startedMs) / 60_000;
      memory.push([minutes, scrape('process_resident_memory_bytes') / 1e6]);
      await pause(1000);
    }
  })();
  const shifts = spec.crowds.flatMap(([way, clients]) =>
    clients.map((client) => runClient(client, { soak: { ...stage.soak, way }, share: spec.share, books, deadlineMs })),
  );
  await Promise.all(shifts);
  await sampled;

  const kept = await backend.connections();
  const settled = await settle(stage);
  // Nor does a page count itself.
  const checks = [...checkMetrics(settled, books, obex.scrapes - 1), ...checkMemory(memory, settled)];
  checks.push(atMost('connections kept to the backend', kept, MAX_IDLE_CONNECTIONS));
  checks.push(equal('requests open at the backend', backend.open, 0));
  checks.push(atMost('descriptors at the end', obex.descriptors, stage.descriptors));
  checks.push(equal('exit code after SIGTERM', await obex.stop(), 0));
  checks.push(...checkLog(obex, books));
  checks.push(equal('faults that clients saw', books.faults.length, 0));
  print(spec.name, books, checks);
  return checks.every(({ passed }) => passed);
}

async function prepare(spec: StageSpec): Promise<Stage> {
  const backend = new SoakBackend();
  await backend.start();
  cleanup.after(() => backend.stop());
  const clock = new FakeClock();
  clock.advance(Date.now() - clock.nowMs());
  const issuer = await startTestIssuer(cleanup, clock);
  const exp = clock.nowSeconds + 3600 + SOAK_SECONDS;
  const issue = (claims: Readonly<Record<string, unknown>>): Promise<string> =>
    issuer.token({ claims: { exp, ...claims } });
  const tokens = await Promise.all(Array.from({ length: 50 }, (_, user) => issue({ sub: `user-${user}` })));
  const refused: Soak['refused'] = [
    ['', 401],
    ['garbage', 401],
    [await issue({ exp: clock.nowSeconds - 3600 }), 401],
    // No new token cures these, so they are a loop from the 31st in a minute on.
    [`${tokens[0] ?? ''}x`, 401, 429],
    [await issue({ aud: 'https://elsewhere.example/' }), 401, 429],
    [await issue({ scope: 'other' }), 403, 429],
  ];
  const tls = spec.crowds.some(([way]) => way !== 'plain') ? writeTlsSection(folder.path) : undefined;
  const metricsPort = await freePort();
  const configPath = join(folder.path, `${spec.name}.yaml`);
  const sections = {
    obex: tls?.lines ?? '',
    backend: `max_idle_conns: ${MAX_IDLE_CONNECTIONS}`,
    authz: 'required_scopes: ["mcp:read"]',
    limits: 'read_timeout: "3s"\nwrite_timeout: "4s"',
    metrics: `listen: "127.0.0.1:${metricsPort}"`,
  };
  writeFileSync(configPath, formatConfig({ backend, issuer, sections }));
  const obex = new ObexUnderLoad({ program: RELEASE, configPath, metricsPort });
  cleanup.after(() => void obex.stop());
  await obex.started();
  await until('the keys of the issuer', () => obex.events.get('jwks_fetched'));
  const soak = { address: obex.port, tls: tls?.client, backend, tokens, refused, quietMs: SOAK_SECONDS * 600 };
  return { spec, obex, backend, soak, books: new Books(), descriptors: obex.descriptors };
}

interface Shift {
  readonly soak: Soak;
  readonly share: number;
  readonly books: Books;
  readonly deadlineMs: number;
}

async function runClient(client: Client, { soak, share, books, deadlineMs }: Shift): Promise<void> {
  let turn = 0;
  const name = soak.way === 'plain' ? client.name : `${soak.way} · ${client.name}`;
  const one = async (): Promise<void> => {
    while (performance.now() < deadlineMs) {
      turn += 1;
      try {
        await client.visit(soak, turn, (ending) => books.record(name, ending));
      } catch (error) {
        books.fault(name, error);
      }
      await pause(client.pauseMs);
    }
  };
  await Promise.all(Array.from({ length: Math.ceil(client.count * share) }, one));
}

/**
 * The last scrape: as soon as nothing is going on but itself and nothing is open that was not at the start, or when that does
 * not come. The backend closes what is kept.
 */
async function settle({ obex, backend, descriptors }: Stage): Promise<Scrape> {
  const giveUpMs = performance.now() + SETTLE_MS;
  for (;;) {
    backend.dropIdle();
    const scrape = await obex.scrape();
    const quiet = scrape('obex_connections') === 0 && scrape('obex_requests_in_flight') === 1;
    if ((quiet && obex.descriptors <= descriptors) || performance.now() > giveUpMs) return scrape;
    await pause(200);
  }
}

function checkMetrics(scrape: Scrape, books: Books, scrapesBefore: number): readonly Check[] {
  const { cut, left } = books.totals;
  // They are not in the books, nor in the log that is compared with them.
  const statuses = books.statuses.map(
    ([status, count]) => [status, count + (status === 200 ? scrapesBefore : 0)] as const,
  );
  return [
    equal('obex_connections at the end', scrape('obex_connections'), 0),
    equal('obex_requests_in_flight at the end, but for the scrape', scrape('obex_requests_in_flight') - 1, 0),
    equal('obex_event_streams at the end', scrape('obex_event_streams'), 0),
    ...statuses.map(([status, count]) =>
      equal(`obex_requests_total{code="${status}"}`, scrape('obex_requests_total', { code: String(status) }), count),
    ),
    equal(
      'obex_requests_total, all codes',
      scrape('obex_requests_total'),
      statuses.reduce((sum, [, count]) => sum + count, 0),
    ),
    equal('obex_aborted_total', scrape('obex_aborted_total'), cut + left),
    equal('obex_access_lines_dropped_total', scrape('obex_access_lines_dropped_total'), 0),
  ];
}

function checkMemory(
  memory: readonly (readonly [minutes: number, megabytes: number])[],
  settled: Scrape,
): readonly Check[] {
  const all = memory.map(([, megabytes]) => megabytes);
  const step = Math.ceil(all.length / 12);
  const shown = all.filter((_, i) => i % step === 0).map((megabytes) => megabytes.toFixed(0));
  console.log(`\nresident memory, MB: ${shown.join(' ')}`);
  const warm = memory.slice(Math.floor(memory.length * WARM_UP_SHARE));
  const minutes = (warm.at(-1)?.[0] ?? 0) - (warm[0]?.[0] ?? 0);
  const mean = warm.reduce((sum, [, megabytes]) => sum + megabytes, 0) / warm.length;
  const growth = (100 * slope(warm) * minutes) / mean;
  const above = 100 * (settled('process_resident_memory_bytes') / 1e6 / mean - 1);
  return [
    atMost('growth of resident memory behind the warm-up, %', Number(growth.toFixed(1)), MAX_GROWTH_PERCENT),
    atMost('resident memory when all have gone, above its mean, %', Number(above.toFixed(1)), MAX_REST_PERCENT),
  ];
}

function checkLog(obex: ObexUnderLoad, books: Books): readonly Check[] {
  const { answered, refused, cut, left } = books.totals;
  const unexpected = [...obex.events.keys()].filter((event) => !EXPECTED_EVENTS.has(event));
  return [
    equal('unexpected log events', unexpected.join(' '), ''),
    equal('what was written to stderr', obex.stderr.join(''), ''),
    equal('access lines', obex.events.get('request') ?? 0, answered + cut + left),
    equal('access lines without an answer', obex.unanswered, left),
    equal('request_refused lines', obex.events.get('request_refused') ?? 0, refused),
  ];
}

function equal(name: string, actual: unknown, expected: unknown): Check {
  return { name, expected, actual, passed: actual === expected };
}

function atMost(name: string, actual: number, limit: number): Check {
  return { name, expected: `≤ ${limit}`, actual, passed: actual <= limit };
}

function print(stage: string, books: Books, checks: readonly Check[]): void {
  const width = Math.max(
    ...[...books.rows.map(([row]) => row), ...checks.map(({ name }) => name)].map(({ length }) => length),
  );
  console.log(`\n${stage}: what clients saw`);
  for (const [row, count] of books.rows) console.log(`  ${row.padEnd(width)} ${String(count).padStart(9)}`);
  console.log(`\n${stage}: checks`);
  for (const { name, actual, expected, passed } of checks) {
    const verdict = passed ? 'ok' : `FAILED, expected ${String(expected)}`;
    console.log(`  ${name.padEnd(width)} ${String(actual).padStart(9)}  ${verdict}`);
  }
  for (const fault of books.faults.slice(0, 20)) console.log(`  fault: ${fault}`);
}
