/**
 * Program: minutes of mixed load on the release bundle in phase 2, then the books are checked: every request is accounted
 * for, nothing is stuck, nothing leaks, nothing unexpected is logged. Exits 0 or 1. `SOAK_SECONDS` sets its length.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { formatConfig } from '../support/obex.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { startTestIssuer } from '../support/test-issuer.ts';
import { until } from '../support/until.ts';
import { SoakBackend } from './backend.ts';
import { Books, slope } from './books.ts';
import { CLIENTS, type Client, type Soak } from './clients.ts';
import { ObexUnderLoad, type Scrape } from './obex-under-load.ts';

const SOAK_SECONDS = Number(process.env['SOAK_SECONDS'] ?? 240);
/** Heaps grow into their size first. */
const WARM_UP_SHARE = 0.4;
/** Of resident memory behind the warm-up. Generous: garbage is collected when it suits the collector. */
const MAX_GROWTH_PERCENT = 10;
const SETTLE_MS = 15_000;
const MAX_IDLE_CONNECTIONS = 10;
const EXPECTED_EVENTS: ReadonlySet<string> = new Set([
  // That nobody terminates TLS in front.
  'config_warning',
  'listening',
  'jwks_fetched',
  'request',
  'request_refused',
  'draining',
  'stopped',
]);

interface Check {
  readonly name: string;
  readonly expected: unknown;
  readonly actual: unknown;
  readonly passed: boolean;
}

const folder = createTempFolder('soak');
const stops: (() => void | Promise<void>)[] = [() => folder.remove()];
const cleanup = { after: (stop: () => void | Promise<void>): void => void stops.push(stop) };
try {
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  for (const stop of stops.toReversed()) await stop();
}

async function run(): Promise<boolean> {
  const { obex, soak } = await prepare();
  const books = new Books();
  const memory: (readonly [minutes: number, megabytes: number])[] = [];
  console.log(`Node ${process.version}, ${SOAK_SECONDS} s of load on port ${soak.port}`);
  const startedMs = performance.now();
  const deadlineMs = startedMs + SOAK_SECONDS * 1000;
  let scrapes = 0;
  const sampled = (async () => {
    while (performance.now() < deadlineMs) {
      const scrape = await obex.scrape();
      scrapes += 1;
      const minutes = (performance.now() - startedMs) / 60_000;
      memory.push([minutes, scrape('process_resident_memory_bytes') / 1e6]);
      await pause(1000);
    }
  })();
  await Promise.all(CLIENTS.map((client) => runClient(client, { soak, books, deadlineMs })));
  await sampled;

  const settled = await settle(obex, () => (scrapes += 1));
  for (let before = scrapes - 1; before > 0; before -= 1) books.record('Prometheus', { kind: 'answered', status: 200 });
  const checks = [...checkMetrics(settled, books), ...checkMemory(memory)];
  checks.push(atMost('connections kept to the backend', await soak.backend.connections(), MAX_IDLE_CONNECTIONS));
  checks.push(equal('requests open at the backend', soak.backend.open, 0));
  checks.push(equal('exit code after SIGTERM', await obex.stop(), 0));
  checks.push(...checkLog(obex, books));
  checks.push(equal('faults that clients saw', books.faults.length, 0));
  print(books, checks);
  return checks.every(({ passed }) => passed);
}

async function prepare(): Promise<{ obex: ObexUnderLoad; soak: Soak }> {
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
    [`${tokens[0] ?? ''}x`, 401],
    [await issue({ exp: clock.nowSeconds - 3600 }), 401],
    [await issue({ aud: 'https://elsewhere.example/' }), 401],
    [await issue({ scope: 'other' }), 403],
  ];
  const metricsPort = await freePort();
  const configPath = join(folder.path, 'obex.yaml');
  const sections = {
    backend: `max_idle_conns: ${MAX_IDLE_CONNECTIONS}`,
    authz: 'required_scopes: ["mcp:read"]',
    limits: 'read_timeout: "3s"\nwrite_timeout: "4s"',
    metrics: `listen: "127.0.0.1:${metricsPort}"`,
  };
  writeFileSync(configPath, formatConfig({ backend, issuer, sections }));
  const obex = new ObexUnderLoad(configPath, metricsPort);
  await obex.started();
  await until('the keys of the issuer', () => obex.events.get('jwks_fetched'));
  return { obex, soak: { port: obex.port, backend, tokens, refused, quietMs: SOAK_SECONDS * 600 } };
}

interface Shift {
  readonly soak: Soak;
  readonly books: Books;
  readonly deadlineMs: number;
}

async function runClient(client: Client, { soak, books, deadlineMs }: Shift): Promise<void> {
  let turn = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < deadlineMs) {
      turn += 1;
      try {
        await client.visit(soak, turn, (ending) => books.record(client.name, ending));
      } catch (error) {
        books.fault(client.name, error);
      }
      await pause(client.pauseMs);
    }
  };
  await Promise.all(Array.from({ length: client.count }, one));
}

/** The last scrape: as soon as nothing is going on but itself, or when that does not come. */
async function settle(obex: ObexUnderLoad, scraped: () => void): Promise<Scrape> {
  const giveUpMs = performance.now() + SETTLE_MS;
  for (;;) {
    const scrape = await obex.scrape();
    scraped();
    const quiet = scrape('obex_connections') === 0 && scrape('obex_requests_in_flight') === 1;
    if (quiet || performance.now() > giveUpMs) return scrape;
    await pause(200);
  }
}

function checkMetrics(scrape: Scrape, books: Books): readonly Check[] {
  const { cut, left } = books.totals;
  return [
    equal('obex_connections at the end', scrape('obex_connections'), 0),
    equal('obex_requests_in_flight at the end, but for the scrape', scrape('obex_requests_in_flight') - 1, 0),
    equal('obex_event_streams at the end', scrape('obex_event_streams'), 0),
    ...books.statuses.map(([status, count]) =>
      equal(`obex_requests_total{code="${status}"}`, scrape('obex_requests_total', { code: String(status) }), count),
    ),
    equal(
      'obex_requests_total, all codes',
      scrape('obex_requests_total'),
      books.statuses.reduce((sum, [, count]) => sum + count, 0),
    ),
    equal('obex_aborted_total', scrape('obex_aborted_total'), cut + left),
    equal('obex_access_lines_dropped_total', scrape('obex_access_lines_dropped_total'), 0),
  ];
}

function checkMemory(memory: readonly (readonly [minutes: number, megabytes: number])[]): readonly Check[] {
  const all = memory.map(([, megabytes]) => megabytes);
  const step = Math.ceil(all.length / 12);
  const shown = all.filter((_, i) => i % step === 0).map((megabytes) => megabytes.toFixed(0));
  console.log(`resident memory, MB: ${shown.join(' ')}`);
  const warm = memory.slice(Math.floor(memory.length * WARM_UP_SHARE));
  const minutes = (warm.at(-1)?.[0] ?? 0) - (warm[0]?.[0] ?? 0);
  const growth = (100 * slope(warm) * minutes * warm.length) / warm.reduce((sum, [, megabytes]) => sum + megabytes, 0);
  return [atMost('growth of resident memory behind the warm-up, %', Number(growth.toFixed(1)), MAX_GROWTH_PERCENT)];
}

function checkLog(obex: ObexUnderLoad, books: Books): readonly Check[] {
  const { answered, refused, cut, left } = books.totals;
  const unexpected = [...obex.events.keys()].filter((event) => !EXPECTED_EVENTS.has(event));
  return [
    equal('unexpected log events', unexpected.join(' '), ''),
    equal('what was written to stderr', obex.stderr.join(''), ''),
    // The last scrape counts itself only here.
    equal('access lines', obex.events.get('request'), answered + cut + left + 1),
    equal('access lines without an answer', obex.unanswered, left),
    equal('request_refused lines', obex.events.get('request_refused'), refused),
  ];
}

function equal(name: string, actual: unknown, expected: unknown): Check {
  return { name, expected, actual, passed: actual === expected };
}

function atMost(name: string, actual: number, limit: number): Check {
  return { name, expected: `≤ ${limit}`, actual, passed: actual <= limit };
}

function print(books: Books, checks: readonly Check[]): void {
  const width = Math.max(
    ...[...books.rows.map(([row]) => row), ...checks.map(({ name }) => name)].map(({ length }) => length),
  );
  console.log('\nwhat clients saw');
  for (const [row, count] of books.rows) console.log(`  ${row.padEnd(width)} ${String(count).padStart(9)}`);
  console.log('\nchecks');
  for (const { name, actual, expected, passed } of checks) {
    const verdict = passed ? 'ok' : `FAILED, expected ${String(expected)}`;
    console.log(`  ${name.padEnd(width)} ${String(actual).padStart(9)}  ${verdict}`);
  }
  for (const fault of books.faults.slice(0, 20)) console.log(`  fault: ${fault}`);
}
