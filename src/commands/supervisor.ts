/** What happens to a running Obex from outside: signals, and files that change. Signals as in docs/operations.md. */
import { unwatchFile, watchFile } from 'node:fs';
import { formatProblem } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createDebounce } from '../lib/debounce.ts';
import type { Obex } from '../obex.ts';
import { errorField, type Log } from '../observe/log.ts';
import type { Signal, Signals } from '../signals.ts';
import { readConfigFile, type ServedConfig } from './config-file.ts';

/** An Obex in this thread, or one in several. */
interface Served extends Pick<Obex, 'phase' | 'drain' | 'stop'> {
  reload(config: Config): void | Promise<void>;
}

interface SupervisorParts {
  readonly log: Log;
  readonly options: { readonly signals: Signals; readonly watch: boolean };
}

/** How often watched files are looked at. Polling also sees the swapped symbolic links of mounted Kubernetes volumes. */
const WATCH_INTERVAL_MS = 1_000;

/** Longer than the time between two looks, so that certificate and key, written one after the other, are one renewal. */
const SETTLE_MS = 1_500;

/** Waits for signals and for changed files. */
export class Supervisor {
  readonly #obex: Served;
  readonly #file: string;
  readonly #log: Log;
  readonly #options: SupervisorParts['options'];
  readonly #stopped = Promise.withResolvers<number>();
  #config: Config;
  #signals = 0;
  #certificateFiles: readonly string[] = [];
  readonly #onCertificateChange = createDebounce(
    () => this.#inTurn('certificate changed', () => this.#rereadCertificate()),
    SETTLE_MS,
  );
  /** Reloads happen one after the other. */
  #reloading = Promise.resolve();

  constructor(obex: Served, loaded: ServedConfig, parts: SupervisorParts) {
    this.#obex = obex;
    this.#file = loaded.file;
    this.#config = loaded.config;
    this.#log = parts.log;
    this.#options = parts.options;
  }

  run(): Promise<number> {
    this.#options.signals.handOver((signal) => this.#obey(signal));
    if (this.#options.watch)
      this.#watch(this.#file, () => this.#inTurn('file changed', () => this.#reload('file changed')));
    this.#watchCertificate();
    return this.#stopped.promise;
  }

  /** Follows the files that the configuration in force names, which a reload may change. */
  #watchCertificate(): void {
    for (const file of this.#certificateFiles) unwatchFile(file);
    const { tls } = this.#config.obex;
    this.#certificateFiles = tls.enabled ? [tls.cert_file, tls.key_file] : [];
    for (const file of this.#certificateFiles) this.#watch(file, this.#onCertificateChange);
  }

  #obey(signal: Signal): void {
    switch (signal) {
      case 'SIGTERM':
      case 'SIGINT':
        return this.#stop(signal);
      case 'SIGHUP':
        return this.#inTurn(signal, () => this.#reload(signal));
      // Elsewhere they reopen log files, end a process, or open a debugger.
      case 'SIGUSR1':
      case 'SIGUSR2':
        return this.#log.info('signal_ignored', { signal });
    }
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

  /** Whatever goes wrong in a reload, a bug in Obex included, is no reason to end what is being served. */
  #inTurn(cause: string, reload: () => Promise<void>): void {
    this.#reloading = this.#reloading.then(reload).catch((error: unknown) => this.#refuse(cause, [errorField(error)]));
  }

  async #reload(cause: string): Promise<void> {
    const found = readConfigFile(this.#file, process.env);
    if ('problem' in found) return this.#refuse(cause, [found.problem]);
    const { outcome } = found;
    if ('problems' in outcome) return this.#refuse(cause, outcome.problems.map(formatProblem));
    await this.#obex.reload(outcome.config);
    this.#config = outcome.config;
    this.#watchCertificate();
    for (const message of outcome.warnings) this.#log.warn('config_warning', { message });
    this.#log.info('reloaded', { cause, phase: this.#obex.phase });
  }

  async #rereadCertificate(): Promise<void> {
    await this.#obex.reload(this.#config);
    this.#log.info('certificate_reloaded');
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
