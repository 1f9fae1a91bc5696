/** What happens to a running Obex from outside: signals, and files that change. Signals as in docs/operations.md. */
import type { Admin } from '../compose/admin.ts';
import { runtimeFilePaths } from '../compose/files.ts';
import { formatProblem } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Obex } from '../obex.ts';
import { errorField, type Log } from '../observe/log.ts';
import type { Signal, Signals } from '../signals.ts';
import { type ConfigOrigin, readConfig, type ServedConfig } from './config-file.ts';
import { FollowedFiles } from './followed-files.ts';

/** An Obex in this thread, or one in several. */
interface Served extends Pick<Obex, 'phase' | 'drain' | 'stop'> {
  reload(config: Config): void | Promise<void>;
}

interface SupervisorParts {
  readonly log: Log;
  /** Undefined without a control listener. */
  readonly admin: Admin | undefined;
  readonly options: { readonly signals: Signals; readonly watch: boolean };
}

const NO_FILES = 'the configuration is made of flags and the environment alone: to change it, start Obex anew';
const WATCHES_NOTHING = '--watch has no effect: the configuration was read from no file, and names no secret in one';

/** Waits for signals and for changed files. */
export class Supervisor {
  readonly #obex: Served;
  readonly #origin: ConfigOrigin;
  readonly #log: Log;
  readonly #admin: Admin | undefined;
  readonly #options: SupervisorParts['options'];
  readonly #stopped = Promise.withResolvers<number>();
  #config: Config;
  #signals = 0;
  /** Everything that the configuration is made of; with `watch` alone. */
  readonly #sources = new FollowedFiles(() => this.#inTurn('file changed', () => this.#reload('file changed')));
  /** Certificates, keys and authorities that the configuration in force names. */
  readonly #certificates = new FollowedFiles(() =>
    this.#inTurn('certificate changed', () => this.#rereadCertificates()),
  );
  /** Reloads happen one after the other. */
  #reloading = Promise.resolve();

  constructor(obex: Served, loaded: ServedConfig, parts: SupervisorParts) {
    this.#obex = obex;
    const { flags, name, file, read } = loaded;
    this.#origin = { flags, name, file, read };
    this.#config = loaded.config;
    this.#log = parts.log;
    this.#admin = parts.admin;
    this.#options = parts.options;
  }

  run(): Promise<number> {
    this.#options.signals.handOver((signal) => this.#obey(signal));
    if (this.#options.watch && this.#origin.read.length === 0)
      this.#log.warn('config_warning', { message: WATCHES_NOTHING });
    this.#followSources(this.#origin.read);
    this.#certificates.follow(runtimeFilePaths(this.#config));
    void this.#stopped.promise.then(() => this.#followNothing());
    return this.#stopped.promise;
  }

  #followSources(read: readonly string[]): void {
    if (this.#options.watch) this.#sources.follow(read);
  }

  #followNothing(): void {
    this.#sources.follow([]);
    this.#certificates.follow([]);
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

  /** Flags and environment are what they were at the start. */
  #isFixed(): boolean {
    const { file, read } = this.#origin;
    return file === undefined && read.length === 0 && runtimeFilePaths(this.#config).length === 0;
  }

  async #reload(cause: string): Promise<void> {
    if (this.#isFixed()) return this.#log.info('nothing_to_reload', { cause, message: NO_FILES });
    const found = readConfig(this.#origin.flags, process.env);
    if ('problem' in found) return this.#refuse(cause, [found.problem]);
    const { outcome, read } = found;
    // Of a refused one too: what was missing may come.
    this.#followSources(read);
    if ('problems' in outcome) return this.#refuse(cause, outcome.problems.map(formatProblem));
    await this.#obex.reload(outcome.config);
    this.#config = outcome.config;
    this.#admin?.update(this.#config);
    this.#certificates.follow(runtimeFilePaths(this.#config));
    for (const message of outcome.warnings) this.#log.warn('config_warning', { message });
    this.#log.info('reloaded', { cause, phase: this.#obex.phase });
  }

  async #rereadCertificates(): Promise<void> {
    await this.#obex.reload(this.#config);
    this.#log.info('certificate_reloaded');
  }

  #refuse(cause: string, problems: readonly string[]): void {
    this.#log.error('reload_refused', { cause, problems, message: 'the configuration in force stays as it is' });
  }
}
