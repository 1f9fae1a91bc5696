/** `obex serve`: runs the proxy until a signal ends it. Signals as in docs/operations.md. */
import { unwatchFile, watchFile } from 'node:fs';
import { availableParallelism } from 'node:os';
import { formatProblem } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createDebounce } from '../lib/debounce.ts';
import { type Obex, startObex } from '../obex.ts';
import { LineWriter } from '../observe/line-writer.ts';
import { errorField, type Log } from '../observe/log.ts';
import { createObservers, type Observers } from '../observe/observers.ts';
import { readDescriptorLimit, warnOfDescriptors } from '../runtime-descriptors.ts';
import { collectWithoutHelp } from '../young-generation.ts';
import { loadOrExplain, readConfigFile, type ServedConfig } from './config-file.ts';

export interface ServeOptions {
  /** The URL of the program's file, which a worker thread starts from. A single executable has none. */
  readonly entry: string;
  readonly config: string | undefined;
  /** Reload when the config file changes. */
  readonly watch: boolean;
  stderr(text: string): void;
}

/** How often watched files are looked at. Polling also sees the swapped symbolic links of mounted Kubernetes volumes. */
const WATCH_INTERVAL_MS = 1_000;

/** Longer than the time between two looks, so that certificate and key, written one after the other, are one renewal. */
const SETTLE_MS = 1_500;

/** How long a reader of the log may take over the last lines. */
const SETTLE_LOG_MS = 1_000;

/** Bad usage, or a configuration that cannot be put in force. */
const EXIT_CONFIG = 2;

/** Resolves to the exit code when Obex has stopped. */
export async function runServe(options: ServeOptions): Promise<number> {
  const loaded = loadOrExplain(options.config, options.stderr);
  if (loaded === undefined) return EXIT_CONFIG;
  collectWithoutHelp();
  const lines = new LineWriter(1, (count) => observers.metrics.accessLinesDropped(count));
  const workers = await prepareWorkers(loaded.config);
  const observers: Observers = createObservers(loaded.config.log.level, lines, { metrics: workers?.metrics });
  process.on('exit', () => lines.flushSync());
  for (const message of loaded.warnings) observers.log.warn('config_warning', { message });
  const tooFew = warnOfDescriptors(loaded.config, readDescriptorLimit());
  if (tooFew !== undefined) observers.log.warn('config_warning', { message: tooFew });
  // The log may be far away; whoever starts phase 1 shall know it here and now.
  if (loaded.phase === 1) options.stderr(`obex: WARNING: ${loaded.warnings[0]}\n`);
  try {
    const { entry } = options;
    const obex = await (workers?.start({ entry, observers, lines }) ?? startObex(loaded.config, observers));
    observers.log.info('listening', {
      url: obex.url,
      phase: obex.phase,
      ...(workers && { workers: workers.count }),
      public_url: loaded.config.obex.public_url.origin,
      backend: loaded.config.backend.url.origin,
    });
    const code = await new Supervisor(obex, loaded, { log: observers.log, options }).run();
    // Else the last lines would be written into the middle of one that the reader has not taken yet.
    if (code === 0) await lines.settle(SETTLE_LOG_MS);
    return code;
  } catch (error) {
    options.stderr(`obex: ${errorField(error)}\n`);
    return EXIT_CONFIG;
  }
}

/** An Obex in this thread, or one in several. */
interface Served extends Pick<Obex, 'phase' | 'drain' | 'stop'> {
  reload(config: Config): void | Promise<void>;
}

/** Undefined where this thread serves by itself; then nothing of workers is even loaded. */
async function prepareWorkers(config: Config) {
  const { workers, listen } = config.obex;
  // A unix socket belongs to one listener; a config that asks for more by number is refused.
  const count = 'path' in listen ? 1 : workers === 'auto' ? availableParallelism() : workers;
  if (count === 1) return undefined;
  const { startPool } = await import('../workers/pool.ts');
  const { createSharedMemory, createSharedMetrics } = await import('../workers/shared-memory.ts');
  const memory = createSharedMemory(config, count);
  return {
    count,
    metrics: createSharedMetrics(memory, count),
    start: (parts: { entry: string; observers: Observers; lines: LineWriter }) =>
      startPool(config, { ...parts, memory, workers: count }),
  };
}

/** Waits for signals and for changed files. */
class Supervisor {
  readonly #obex: Served;
  readonly #file: string;
  readonly #log: Log;
  readonly #options: ServeOptions;
  readonly #stopped = Promise.withResolvers<number>();
  #config: Config;
  #signals = 0;
  #certificateFiles: readonly string[] = [];
  readonly #onCertificateChange = createDebounce(() => this.#inTurn(() => this.#rereadCertificate()), SETTLE_MS);
  /** Reloads happen one after the other. */
  #reloading = Promise.resolve();

  constructor(obex: Served, loaded: ServedConfig, parts: { log: Log; options: ServeOptions }) {
    this.#obex = obex;
    this.#file = loaded.file;
    this.#config = loaded.config;
    this.#log = parts.log;
    this.#options = parts.options;
  }

  run(): Promise<number> {
    process.on('SIGTERM', () => this.#stop('SIGTERM'));
    process.on('SIGINT', () => this.#stop('SIGINT'));
    process.on('SIGHUP', () => this.#inTurn(() => this.#reload('SIGHUP')));
    if (this.#options.watch) this.#watch(this.#file, () => this.#inTurn(() => this.#reload('file changed')));
    this.#watchCertificate();
    return this.#stopped.promise;
  }

  /** Follows the files that the configuration in force names, which a reload may change. */
  #watchCertificate(): void {
    for (const file of this.#certificateFiles) unwatchFile(file);
    const { tls } = this.#config.obex;
    const files = tls.enabled ? [tls.cert_file, tls.key_file, tls.client_ca_file] : [];
    this.#certificateFiles = files.filter((file) => file !== '');
    for (const file of this.#certificateFiles) this.#watch(file, this.#onCertificateChange);
  }

  #stop(signal: string): void {
    this.#signals += 1;
    if (this.#signals > 1) {
      this.#log.warn('stopped_at_once', { signal });
      this.#obex.stop();
      return this.#stopped.resolve(1);
    }
    this.#log.info('draining', { signal, drain_timeout_ms: this.#config.limits.drain_timeout });
    void this.#obex.drain().then(() => {
      if (this.#signals > 1) return;
      this.#log.info('stopped');
      this.#stopped.resolve(0);
    });
  }

  #inTurn(reload: () => Promise<void>): void {
    this.#reloading = this.#reloading.then(reload);
  }

  async #reload(cause: string): Promise<void> {
    const found = readConfigFile(this.#file, process.env);
    if ('problem' in found) return this.#refuse(cause, [found.problem]);
    const { outcome } = found;
    if ('problems' in outcome) return this.#refuse(cause, outcome.problems.map(formatProblem));
    try {
      await this.#obex.reload(outcome.config);
    } catch (error) {
      return this.#refuse(cause, [errorField(error)]);
    }
    this.#config = outcome.config;
    this.#watchCertificate();
    for (const message of outcome.warnings) this.#log.warn('config_warning', { message });
    this.#log.info('reloaded', { cause, phase: this.#obex.phase });
  }

  async #rereadCertificate(): Promise<void> {
    try {
      await this.#obex.reload(this.#config);
      this.#log.info('certificate_reloaded');
    } catch (error) {
      this.#refuse('certificate changed', [errorField(error)]);
    }
  }

  #refuse(cause: string, problems: readonly string[]): void {
    this.#log.error('reload_refused', { cause, problems, message: 'the configuration in force stays as it is' });
  }

  #watch(file: string, onChange: () => void): void {
    watchFile(file, { interval: WATCH_INTERVAL_MS }, (now, before) => {
      if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) onChange();
    });
    void this.#stopped.promise.then(() => unwatchFile(file));
  }
}
