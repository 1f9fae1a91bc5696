/** Obex under test, served as TRANSPORT says, and the way to it: raw bytes, however they travel. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { setEnvironmentData } from 'node:worker_threads';
import { build } from 'esbuild';
import type { Phase } from '../../src/config/phase.ts';
import type { Config } from '../../src/config/schema.ts';
import { startObex } from '../../src/obex.ts';
import type { LineSink } from '../../src/observe/log.ts';
import type { Metrics } from '../../src/observe/metrics.ts';
import { createObservers } from '../../src/observe/observers.ts';
import { startPool } from '../../src/workers/pool.ts';
import { createSharedMemory, createSharedMetrics } from '../../src/workers/shared-memory.ts';
import { createCertificate } from './certificate.ts';
import type { FakeClock } from './fake-clock.ts';
import { openHttp2Bytes } from './http2-bytes.ts';
import { openRaw, type RawClient, RawConnection } from './raw-http.ts';
import { createTempFolder } from './temp-folder.ts';
import { TRANSPORT } from './transport.ts';
import { CLOCK_MEMORY } from './worker-on-fake-time.ts';

/** What the tests do with a running Obex, in however many threads it runs. */
export interface ServedObex {
  readonly port: number;
  readonly phase: Phase;
  readonly metrics: Metrics;
  /** Rejects with the reason when the configuration is refused. */
  reload(config: Config): Promise<void>;
  drain(): Promise<void>;
  stop(): void;
}

const WORKERS = 2;
const SERVER_NAME = 'localhost';

const hasTls = TRANSPORT === 'tls' || TRANSPORT === 'http2';
const folder = createTempFolder('transport');
const certificate = hasTls ? writeCertificate() : undefined;
const workerFile = TRANSPORT === 'workers' ? await bundleWorker() : undefined;

/** The configuration with what TRANSPORT adds to it. */
export function configureTransport(config: Config): Config {
  const { obex, log } = config;
  if (certificate !== undefined) return { ...config, obex: { ...obex, tls: { ...obex.tls, ...certificate.files } } };
  if (TRANSPORT !== 'workers') return config;
  return { ...config, obex: { ...obex, workers: WORKERS }, log: { ...log, level: 'debug' } };
}

/** Starts to serve a configuration of `configureTransport`. */
export async function serveObex(config: Config, clock: FakeClock, lines: LineSink): Promise<ServedObex> {
  if (workerFile !== undefined) {
    const memory = createSharedMemory(config, WORKERS);
    const metrics = createSharedMetrics(memory, WORKERS);
    setEnvironmentData(CLOCK_MEMORY, clock.memory);
    const observers = createObservers('debug', lines, { clock, metrics });
    const pool = await startPool(config, { entry: workerFile.href, workers: WORKERS, memory, observers, lines });
    return Object.assign(pool, { port: Number(new URL(pool.url).port), metrics });
  }
  const observers = createObservers('debug', lines, { clock });
  const obex = await startObex(config, observers);
  return {
    port: obex.port,
    get phase() {
      return obex.phase;
    },
    metrics: observers.metrics,
    reload: async (next) => obex.reload(next),
    drain: () => obex.drain(),
    stop: () => obex.stop(),
  };
}

/** A connection to the main listener of a served Obex. */
export async function openTransport(port: number): Promise<RawClient<Duplex>> {
  if (certificate === undefined) return openRaw(port);
  const tls = { ca: certificate.pem, servername: SERVER_NAME };
  if (TRANSPORT === 'tls') return openRaw(port, { ...tls, ALPNProtocols: ['http/1.1'] });
  return new RawConnection(await openHttp2Bytes(port, tls));
}

function writeCertificate() {
  const { cert, key } = createCertificate('transport', SERVER_NAME);
  const files = { enabled: true, cert_file: join(folder.path, 'crt'), key_file: join(folder.path, 'key') };
  writeFileSync(files.cert_file, cert);
  writeFileSync(files.key_file, key);
  return { pem: cert, files };
}

/** One file starts in a fraction of the time that a hundred take, and two are started for every test. */
async function bundleWorker(): Promise<URL> {
  await build({
    entryPoints: { worker: join(import.meta.dirname, 'worker-on-fake-time.ts') },
    outdir: folder.path,
    outExtension: { '.js': '.mjs' },
    // What is loaded on demand is not even read until then.
    splitting: true,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return pathToFileURL(join(folder.path, 'worker.mjs'));
}
