/** A replay cache that tells how long its claims take. */
import type { Clock } from '../lib/clock.ts';
import type { ReplayCache } from './replay-cache.ts';

/** `onEnd` is called with the seconds that a claim took, whatever its outcome, an outage of Redis included. */
export function measureClaims(replayCache: ReplayCache, clock: Clock, onEnd: (seconds: number) => void): ReplayCache {
  return {
    claim: (key, expiresAtMs, nowMs) => {
      const startedMs = clock.monotonicMs();
      const end = (): void => onEnd((clock.monotonicMs() - startedMs) / 1000);
      const outcome = replayCache.claim(key, expiresAtMs, nowMs);
      if (outcome instanceof Promise) return outcome.finally(end);
      end();
      return outcome;
    },
  };
}
