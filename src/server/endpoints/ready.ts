/** `/ready`: whether traffic sent here would be served. Single-flight and cached for a second: probes cost the backend little. */
import type { Clock } from '../../lib/clock.ts';
import type { Respond } from '../endpoint.ts';
import { respondInternalError, respondWith } from '../respond.ts';
import { JSON_FIELDS } from './health.ts';

/** Resolves when the thing checked works, rejects when not. */
export type ReadinessCheck = () => Promise<void>;

export interface ReadinessOptions {
  readonly clock: Clock;
  /** By the name that stands in the answer, in that order. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
  /** What is looked at as well, and decides nothing; they report by themselves, and never reject. */
  readonly observed: readonly ReadinessCheck[];
  isDraining(): boolean;
  onFailed(check: string, error: unknown): void;
}

const CACHED_MS = 1_000;

type CheckResults = Readonly<Record<string, 'ok' | 'error'>>;

export function createReadiness(options: ReadinessOptions): Respond {
  let results: Promise<CheckResults> | undefined;
  let goodUntilMs = 0;

  const runOnce = (): Promise<CheckResults> => {
    if (results === undefined || options.clock.monotonicMs() >= goodUntilMs) {
      goodUntilMs = Number.POSITIVE_INFINITY;
      results = runChecks(options).finally(() => {
        goodUntilMs = options.clock.monotonicMs() + CACHED_MS;
      });
    }
    return results;
  };

  return (life) => {
    if (options.isDraining()) return respondWith(life, 503, { fields: JSON_FIELDS, body: '{"status":"draining"}' });
    runOnce()
      .then((checks) => {
        const isReady = Object.values(checks).every((result) => result === 'ok');
        const body = JSON.stringify({ status: isReady ? 'ready' : 'not_ready', checks });
        respondWith(life, isReady ? 200 : 503, { fields: JSON_FIELDS, body });
      })
      .catch((error: unknown) => respondInternalError(life, error));
  };
}

async function runChecks(options: ReadinessOptions): Promise<CheckResults> {
  const entries = Object.entries(options.checks).map(async ([name, check]) => {
    try {
      await check();
      return [name, 'ok'] as const;
    } catch (error) {
      options.onFailed(name, error);
      return [name, 'error'] as const;
    }
  });
  await Promise.all(options.observed.map((look) => look()));
  return Object.fromEntries(await Promise.all(entries));
}
