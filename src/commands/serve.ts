/** `obex serve`: runs the proxy until a signal ends it. Signals as in docs/operations.md. */
import { unwatchFile, watchFile } from 'node:fs';
import { formatProblem } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type Obex, startObex } from '../obex.ts';
import { LineWriter } from '../observe/line-writer.ts';
import { errorField, type Log } from '../observe/log.ts';
import { createObservers, type Observers } from '../observe/observers.ts';
import { loadOrExplain, readConfigFile, type ServedConfig } from './config-file.ts';

export interface ServeOptions {
  readonly config: string | undefined;
  /** Reload when the config file changes. */
  readonly watch: boolean;
  stderr(text: string): void;
}

/** How often watched files are looked at. Polling also sees the swapped symbolic links of mounted Kubernetes volumes. */
const WATCH_INTERVAL_MS = 1_000;

/** Bad usage, or a configuration that cannot be put in force. */
const EXIT_CONFIG = 2;

/** Resolves to the exit code when Obex has stopped. */
export async function runServe(options: ServeOptions): Promise<number> {
  const loaded = loadOrExplain(options.config, options.stderr);
  if (loaded === undefined) return EXIT_CONFIG;
  const lines = new LineWriter(1, () => observers.metrics.accessLineDropped());
  const observers: Observers = createObservers(loaded.config.log.level, lines);
  process.on('exit', () => lines.flushSync());
  for (const message of loaded.warnings) observers.log.warn('config_warning', { message });
  // The log may be far away; whoever starts phase 1 shall know it here and now.
  if (loaded.phase === 1) options.stderr(`obex: WARNING: ${loaded.warnings[0]}\n`);
  try {
    const obex = await startObex(loaded.config, observers);
    observers.log.info('listening', {
      url: obex.url,
      phase: obex.phase,
      public_url: loaded.config.obex.public_url.origin,
      backend: loaded.config.backend.url.origin,
    });
    return await new Supervisor(obex, loaded, { log: observers.log, options }).run();
  } catch (error) {
    options.stderr(`obex: ${errorField(error)}\n`);
    return EXIT_CONFIG;
  }
}

/** Waits for signals and for changed files. */
class Supervisor {
  readonly #obex: Obex;
  readonly #file: string;
  readonly #log: Log;
  readonly #options: ServeOptions;
  readonly #stopped = Promise.withResolvers<number>();
  #config: Config;
  #stopping = false;

  constructor(obex: Obex, loaded: ServedConfig, parts: { log: Log; options: ServeOptions }) {
    this.#obex = obex;
    this.#file = loaded.file;
    this.#config = loaded.config;
    this.#log = parts.log;
    this.#options = parts.options;
  }

  run(): Promise<number> {
    process.on('SIGTERM', () => this.#stop('SIGTERM'));
    process.on('SIGINT', () => this.#stop('SIGINT'));
    process.on('SIGHUP', () => this.#reload('SIGHUP'));
    if (this.#options.watch) this.#watch(this.#file, () => this.#reload('file changed'));
    const { tls } = this.#config.obex;
    if (tls.enabled)
      for (const file of [tls.cert_file, tls.key_file]) this.#watch(file, () => this.#rereadCertificate());
    return this.#stopped.promise;
  }

  #stop(signal: string): void {
    if (this.#stopping) {
      this.#log.warn('stopped_at_once', { signal });
      this.#obex.stop();
      return this.#stopped.resolve(1);
    }
    this.#stopping = true;
    this.#log.info('draining', { signal, drain_timeout_ms: this.#config.limits.drain_timeout });
    void this.#obex.drain().then(() => {
      this.#log.info('stopped');
      this.#stopped.resolve(0);
    });
  }

  #reload(cause: string): void {
    const found = readConfigFile(this.#file, process.env);
    if ('problem' in found) return this.#refuse(cause, [found.problem]);
    const { outcome } = found;
    if ('problems' in outcome) return this.#refuse(cause, outcome.problems.map(formatProblem));
    try {
      this.#obex.reload(outcome.config);
    } catch (error) {
      return this.#refuse(cause, [errorField(error)]);
    }
    this.#config = outcome.config;
    for (const message of outcome.warnings) this.#log.warn('config_warning', { message });
    this.#log.info('reloaded', { cause, phase: this.#obex.phase });
  }

  #rereadCertificate(): void {
    try {
      this.#obex.reload(this.#config);
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
