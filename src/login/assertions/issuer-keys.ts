/** The keys of those whose identity assertions are honoured, kept from one configuration to the next. RFC 7517 §5, RFC 7523 §3. */
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../observe/log.ts';
import { fetchJson } from '../../state/fetch-json.ts';
import { type IssuerKeys, identifySource, JwksCache, type JwksSource } from '../../state/jwks-cache.ts';
import type { LoginOptions } from '../options.ts';

const LIMITS = { timeoutMs: 5_000, maxBytes: 1024 * 1024 };
/** As `idp.jwks_refresh` and `idp.jwks_max_stale` are by default. */
const TIMES = { refreshMs: 600_000, maxStaleMs: 24 * 3_600_000 };

interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
}

export class AssertionKeys {
  readonly #surroundings: Surroundings;
  /** By source. */
  #caches: ReadonlyMap<string, JwksCache> = new Map();

  constructor({ clock, log }: Surroundings) {
    this.#surroundings = { clock, log };
  }

  /** Keeps the keys of issuers that stay, begins to fetch those of new ones, and lets the others go. */
  follow(options: Pick<LoginOptions, 'identityAssertions' | 'upstream'>): void {
    const before = this.#caches;
    const sources = sourcesOf(options).map((source) => [identifySource(source), source] as const);
    this.#caches = new Map(sources.map(([id, source]) => [id, before.get(id) ?? this.#begin(source)]));
    for (const [id, cache] of before) if (!this.#caches.has(id)) cache.stop();
  }

  find(issuer: string): IssuerKeys | undefined {
    return this.#caches.values().find(({ source }) => source.issuer === issuer);
  }

  stop(): void {
    for (const cache of this.#caches.values()) cache.stop();
  }

  #begin(source: JwksSource): JwksCache {
    const { ca } = source;
    const fetch = (url: string): Promise<unknown> => fetchJson(url, { ...LIMITS, ca });
    const cache = new JwksCache(source, { ...this.#surroundings, fetchJson: fetch });
    cache.start(TIMES);
    return cache;
  }
}

/** It is the IdP at which people log in, and is reached as that is. */
function sourcesOf({
  identityAssertions,
  upstream,
}: Pick<LoginOptions, 'identityAssertions' | 'upstream'>): readonly JwksSource[] {
  const { allowHttp, ca } = upstream;
  return identityAssertions.map(({ issuer, jwksUri }) => ({ issuer, jwksUri, allowHttp, ca }));
}
