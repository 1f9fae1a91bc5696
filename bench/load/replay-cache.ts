/** Program: what a claim takes in a replay cache that is filled to a share of its size with live proofs. RFC 9449 §11.1. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/observe/log.ts';
import { createReplayMemory, MemoryReplayCache } from '../../src/state/replay-cache-memory.ts';
import { percentile } from '../statistics.ts';

const Settings = z.object({ maxEntries: z.int(), share: z.number() });

const CLAIMS = 20_000;
const LIFETIME_MS = 3_600_000;

const { maxEntries, share } = Settings.parse(JSON.parse(process.argv[2] ?? ''));
const nowMs = Date.now();

function createCache(entries: number): MemoryReplayCache {
  return new MemoryReplayCache(createReplayMemory(entries), {
    proofLifetimeMs: LIFETIME_MS,
    clockSkewMs: 0,
    clock: systemClock,
    log: createLog('warn', process.stderr),
  });
}

const cache = createCache(maxEntries);

function claimNew(): string {
  return cache.claim(randomUUID(), nowMs + LIFETIME_MS, Date.now());
}

/** The compiler settles on a cache of its own, so that the fill is as asked for. */
function warmUp(): void {
  const other = createCache(CLAIMS);
  for (let n = 0; n < 2 * CLAIMS; n += 1) other.claim(randomUUID(), nowMs + LIFETIME_MS, Date.now());
}

warmUp();
for (let n = 0; n < share * maxEntries; n += 1) claimNew();
const micros = Array.from({ length: CLAIMS }, () => {
  const key = randomUUID();
  const startedMs = performance.now();
  cache.claim(key, nowMs + LIFETIME_MS, Date.now());
  return (performance.now() - startedMs) * 1000;
});
console.log(
  JSON.stringify({
    outcome: claimNew(),
    p50Micros: percentile(micros, 0.5),
    p99Micros: percentile(micros, 0.99),
    loadedMegabytes: process.memoryUsage.rss() / 1e6,
  }),
);
