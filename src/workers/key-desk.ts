/** Fetches the issuers' keys for all workers: one cache an issuer, every change told to every worker at once. RFC 7517 §5. */
import type { RuntimeFiles } from '../compose/files.ts';
import { buildIssuers, type Issuer, startIssuers } from '../compose/issuers.ts';
import type { Config } from '../config/schema.ts';
import type { PreparedReload } from '../obex.ts';
import type { Observers } from '../observe/observers.ts';
import { type IssuerKeys, identifySource, type JwksSource } from '../state/jwks-cache.ts';
import type { FollowLoginKeys } from '../state/login-keys.ts';
import { createSourceKeys } from '../state/process-wide.ts';
import { countFetches } from './followed-keys.ts';
import type { KeySnapshot, RefreshRequest } from './messages.ts';

export class KeyDesk {
  readonly #observers: Observers;
  readonly #publish: (snapshot: KeySnapshot) => void;
  readonly #followLogin: FollowLoginKeys | undefined;
  #issuers: readonly Issuer[] = [];

  /** `publish` sends a snapshot to all workers. `followLogin`: where Obex itself is an issuer. */
  constructor(observers: Observers, publish: (snapshot: KeySnapshot) => void, followLogin?: FollowLoginKeys) {
    this.#followLogin = followLogin;
    this.#observers = observers;
    this.#publish = publish;
  }

  /** Caches of issuers that stay are kept; nothing new is fetched before the commit. */
  prepare(config: Config, files: RuntimeFiles): PreparedReload {
    const previous = this.#issuers;
    const createIssuerKeys = (source: JwksSource): IssuerKeys => this.#createCache(source);
    const issuers = buildIssuers({ config, files, shared: { createIssuerKeys }, previous });
    const commit = (): void => {
      const kept = new Set(issuers.map(({ jwks }) => jwks));
      for (const { jwks } of this.#issuers) if (!kept.has(jwks)) jwks.stop();
      this.#issuers = issuers;
      startIssuers(issuers, config);
    };
    return { commit, discard: () => undefined };
  }

  /**
   * On behalf of a worker's request, as `IssuerKeys.refresh`; resolves at once for an issuer that a reload has removed, and
   * when keys have been fetched that the worker did not know of when it asked: it has been told of them since.
   */
  async refresh({ source, worthFetching, fetchesSeen }: RefreshRequest): Promise<boolean> {
    const issuer = this.#issuers.find(({ jwks }) => identifySource(jwks.source) === source);
    if (issuer === undefined) return false;
    if (countFetches(issuer.jwks.statistics) > fetchesSeen) return true;
    return issuer.jwks.refresh(worthFetching);
  }

  stop(): void {
    for (const { jwks } of this.#issuers) jwks.stop();
  }

  #createCache(source: JwksSource): IssuerKeys {
    const cache = createSourceKeys(source, this.#observers, this.#followLogin);
    const name = identifySource(source);
    cache.onFetched = () => {
      const { keys, lastFetchFailed, statistics } = cache;
      this.#publish({ source: name, keys, lastFetchFailed, statistics });
    };
    return cache;
  }
}
