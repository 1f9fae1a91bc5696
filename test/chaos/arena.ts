/** One Obex of a chaos run in a process of its own, with its backend and its issuer, and what must be true of it when all have gone. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Door, Way } from '../support/doors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { type Cleanup, formatConfig } from '../support/obex.ts';
import { ObexUnderLoad, type Program } from '../support/obex-under-load.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { startTestIssuer } from '../support/test-issuer.ts';
import { writeTlsSection } from '../support/tls-section.ts';
import { until } from '../support/until.ts';
import { ChaosBackend } from './backend.ts';
import { Ledger } from './ledger.ts';
import type { Tokens } from './visit.ts';

/** All deadlines of the configuration below, the five seconds of a closing connection included, and some for a slow machine. */
const SETTLE_MS = 25_000;
/** Of the second that the configuration gives it; the rest is for a slow machine. */
const LONGEST_DRAIN_MS = 10_000;
const SUBJECTS = 20;
const LOOKS = 10;

export interface ArenaSpec {
  readonly name: string;
  readonly ways: readonly Way[];
  readonly workers: number;
  /** Connections to the backend that are kept and used again. */
  readonly keptConnections: number;
}

export const ARENAS: readonly ArenaSpec[] = [
  { name: 'plain', ways: ['plain'], workers: 1, keptConnections: 0 },
  { name: 'plain-2', ways: ['plain'], workers: 2, keptConnections: 4 },
  { name: 'tls', ways: ['tls', 'h2'], workers: 1, keptConnections: 0 },
  { name: 'tls-2', ways: ['tls', 'h2'], workers: 2, keptConnections: 4 },
  { name: 'unix', ways: ['unix'], workers: 1, keptConnections: 4 },
];

const SECTIONS = {
  authz: 'required_scopes: ["mcp:read"]',
  limits: 'read_timeout: "2s"\nbody_timeout: "10s"\nwrite_timeout: "1s"\nidle_timeout: "2s"\ndrain_timeout: "1s"',
} as const;

interface ArenaParts {
  readonly obex: ObexUnderLoad;
  readonly backend: ChaosBackend;
  readonly tokens: Tokens;
  readonly address: Door['address'];
  readonly tls: Door['tls'];
  readonly ledger: Ledger;
}

export class Arena {
  readonly spec: ArenaSpec;
  readonly tokens: Tokens;
  readonly ledger: Ledger;
  readonly #parts: ArenaParts;
  #descriptors = 0;

  constructor(spec: ArenaSpec, parts: ArenaParts) {
    this.spec = spec;
    this.tokens = parts.tokens;
    this.ledger = parts.ledger;
    this.#parts = parts;
  }

  get isRunning(): boolean {
    return this.#parts.obex.exitCode === undefined;
  }

  openDoor(): Door {
    const { address, tls } = this.#parts;
    return { address, tls, opened: [] };
  }

  /** What is open now is what has to be open in the end: to be called when everything has been used once. */
  async remember(): Promise<void> {
    this.#descriptors = Number.POSITIVE_INFINITY;
    const faults = await this.settle();
    if (faults.length > 0)
      throw new Error(`${this.spec.name} does not come to rest at the start: ${faults.join('; ')}`);
    // The metrics of the last moment came over a connection.
    for (let look = 0; look < LOOKS; look += 1) {
      this.#descriptors = Math.min(this.#descriptors, this.#parts.obex.descriptors);
      await pause(20);
    }
  }

  /** The clients have gone, then the backend goes too: waits until nothing is left of them; returns what stays. */
  async settle(): Promise<readonly string[]> {
    const { keptConnections, workers } = this.spec;
    const withBackend = await this.#rest(this.#descriptors + keptConnections * workers);
    this.#parts.backend.dropAll();
    const withoutBackend = withBackend.length > 0 ? [] : await this.#rest(this.#descriptors);
    return [...withBackend, ...withoutBackend, ...(this.isRunning ? this.ledger.settle() : [])];
  }

  /** SIGTERM; what is wrong with its end. */
  async stop(): Promise<readonly string[]> {
    const { obex } = this.#parts;
    const code =
      obex.exitCode ?? (await Promise.race([obex.stop(), pause(LONGEST_DRAIN_MS, 'none so far', { ref: false })]));
    const stderr = obex.stderr.join('');
    return [
      ...(code === 0 ? [] : [`exit code ${code} instead of 0`]),
      ...(stderr === '' ? [] : [`it wrote to stderr: ${stderr}`]),
    ];
  }

  /** It has ended by itself: who was with it then. */
  #findLast(): readonly string[] {
    const { exitCode, stderr } = this.#parts.obex;
    const present = new Set(this.ledger.missing.map((text) => text.replace(/: .*/, '')));
    return [`Obex has ended: ${exitCode}, ${stderr.join('').trim()}`, ...[...present].map((by) => `there was: ${by}`)];
  }

  async #rest(mostDescriptors: number): Promise<readonly string[]> {
    const giveUpMs = performance.now() + SETTLE_MS;
    for (;;) {
      if (!this.isRunning) return this.#findLast();
      const left = await this.#remains(mostDescriptors);
      if (left.length === 0 || performance.now() > giveUpMs) return left;
      await pause(100);
    }
  }

  async #remains(mostDescriptors: number): Promise<readonly string[]> {
    const { obex } = this.#parts;
    const before = obex.scrapes;
    const scrape = await obex.scrape();
    const gauges: readonly (readonly [name: string, value: number, most: number])[] = [
      ['obex_connections', scrape('obex_connections'), 0],
      // The one that asks.
      ['obex_requests_in_flight', scrape('obex_requests_in_flight'), 1],
      ['obex_event_streams', scrape('obex_event_streams'), 0],
      ['descriptors', obex.descriptors, mostDescriptors],
    ];
    return [
      ...gauges
        .filter(([, value, most]) => value > most)
        .map(([name, value, most]) => `${name}: ${value}, not ${most}`),
      ...this.ledger.missing.slice(0, 20),
      ...this.ledger.compare(scrape, before),
    ];
  }
}

export async function startArena(spec: ArenaSpec, cleanup: Cleanup, program: Program): Promise<Arena> {
  const folder = createTempFolder('chaos');
  cleanup.after(() => folder.remove());
  const backend = new ChaosBackend();
  await backend.start();
  cleanup.after(() => backend.stop());
  const clock = new FakeClock();
  clock.advance(Date.now() - clock.nowMs());
  const issuer = await startTestIssuer(cleanup, clock);
  const exp = clock.nowSeconds + 7200;
  const issue = (claims: Readonly<Record<string, unknown>>): Promise<string> =>
    issuer.token({ claims: { exp, ...claims } });
  const tokens: Tokens = {
    good: await Promise.all(Array.from({ length: SUBJECTS }, (_, user) => issue({ sub: `user-${user}` }))),
    expired: await issue({ exp: clock.nowSeconds - 3600 }),
    forElsewhere: await issue({ aud: 'https://elsewhere.example/' }),
  };
  const tls = spec.ways.includes('tls') ? writeTlsSection(folder.path) : undefined;
  const metricsPort = await freePort();
  const configPath = join(folder.path, 'obex.yaml');
  const path = join(folder.path, 'obex.sock');
  const config = formatConfig({
    backend,
    issuer,
    sections: {
      ...SECTIONS,
      backend: `max_idle_conns: ${spec.keptConnections}\ntimeout: "6s"\nconnect_timeout: "6s"`,
      obex: `workers: ${spec.workers}\n${tls?.lines ?? ''}`,
      metrics: `listen: "127.0.0.1:${metricsPort}"`,
    },
  });
  const isUnix = spec.ways.includes('unix');
  writeFileSync(configPath, isUnix ? config.replace('listen: "127.0.0.1:0"', `listen: "unix:${path}"`) : config);
  const ledger = new Ledger();
  backend.onRequest = (requestPath) => ledger.arrived(requestPath);
  const obex = new ObexUnderLoad({ program, configPath, metricsPort, onLine: (line) => ledger.take(line) });
  cleanup.after(() => void obex.stop());
  await obex.started();
  await until('the keys of the issuer', () => obex.events.get('jwks_fetched'));
  return new Arena(spec, { obex, backend, tokens, ledger, address: isUnix ? path : obex.port, tls: tls?.client });
}
