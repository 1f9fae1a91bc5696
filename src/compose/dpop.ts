/** Config → phase 3: what all servers share of it, and the proof check of each. RFC 9449. */
import { createVerifyDpopProof, type VerifiedProof, type VerifyDpopProof } from '../gate/verify-dpop-proof.ts';
import { deriveKey } from '../lib/derive-key.ts';
import { parseRedisUrl, type RedisUrl } from '../lib/redis-url.ts';
import { type Denial, isDenied } from '../oauth/denial.ts';
import { createNonces } from '../oauth/dpop-nonce.ts';
import type { DpopMetrics } from '../observe/dpop-metrics.ts';
import { measureClaims } from '../state/measured-replay-cache.ts';
import { ProofKeys } from '../state/proof-keys.ts';
import { type ProofTimes, type ReplayCache, replayWindowMs } from '../state/replay-cache.ts';
import { MemoryReplayCache } from '../state/replay-cache-memory.ts';
import { RedisReplayCache } from '../state/replay-cache-redis.ts';
import type { CommonConfig, ComposeOptions } from './options.ts';

/** How long a nonce is good: clients keep one for many proofs, and get the next with an answer before it ends. */
const NONCE_LIFETIME_MS = 300_000;

const NONCE_SECRET_BYTES = 32;

/** What phase 3 adds to a runtime. */
export interface DpopParts {
  /** Of one server: what another has seen or given out says nothing here. */
  createProofCheck(server: string | undefined): VerifyDpopProof;
  readonly replayCache: MemoryReplayCache | RedisReplayCache;
  /** How full the replay cache is; undefined when it is in Redis, which tells by itself. */
  readonly replayMemory: { countEntries(): number; readonly maxEntries: number } | undefined;
  readonly metrics: DpopMetrics;
  readonly times: ProofTimes;
  /** Rejects unless a proof could be claimed now. */
  probe(): Promise<void>;
  /** Its configuration is in force: a replay cache that was kept is reached in its way from now on. */
  begin(): void;
  stop(): void;
}

/**
 * Undefined below phase 3. The replay cache outlives reloads: a config that would need another one is refused there.
 * `redisCa`: PEM of the authorities trusted instead of the public ones.
 */
export function buildDpop(
  options: ComposeOptions,
  redisCa: string | undefined,
  previous: DpopParts | undefined,
): DpopParts | undefined {
  const { config, observers } = options;
  const { idp, dpop } = config;
  if (idp === undefined || !dpop.enabled) return undefined;
  const { clock } = observers;
  const times = { proofLifetimeMs: dpop.proof_lifetime, clockSkewMs: idp.clock_skew };
  refuseLongerWindow(previous?.times, times);
  const metrics = observers.metrics.dpop;
  const replayCache = previous?.replayCache ?? createReplayCache(options, { ...times, ca: redisCa });
  return {
    createProofCheck: buildProofCheck(options, replayCache, times),
    replayCache,
    metrics,
    times,
    replayMemory:
      replayCache instanceof MemoryReplayCache
        ? { countEntries: () => replayCache.countEntries(), maxEntries: dpop.replay_cache.max_entries }
        : undefined,
    probe: async () => replayCache.probe(clock.nowMs()),
    begin: () => {
      if (replayCache instanceof RedisReplayCache) {
        replayCache.renewAccess({ url: parseCheckedUrl(dpop.replay_cache.redis.url), ca: redisCa });
      }
    },
    stop: () => {
      if (replayCache instanceof RedisReplayCache) replayCache.stop();
    },
  };
}

/** Proof keys and the place of claims are shared; claims and nonces are the server's own. */
function buildProofCheck(
  { config: { dpop, obex }, observers: { clock, metrics }, shared }: ComposeOptions,
  replayCache: ReplayCache,
  times: ProofTimes,
): DpopParts['createProofCheck'] {
  const proofKeys = new ProofKeys(new Set(dpop.algorithms));
  const secret = nonceSecretOf({ dpop, obex }) ?? shared.nonceSecret;
  const common = {
    clock,
    importKey: (headerPart: string, jkt: string) => proofKeys.import(headerPart, jkt),
    replayCache: measureClaims(replayCache, clock, (seconds) => metrics.dpop.claimEnded(seconds)),
    ...times,
  };
  return (scope) => {
    const nonces =
      dpop.nonce === 'required' ? createNonces({ secret, lifetimeMs: NONCE_LIFETIME_MS, scope }) : undefined;
    return countProofs(createVerifyDpopProof({ ...common, nonces, scope }), metrics.dpop);
  };
}

/** Undefined = one of this process. */
function nonceSecretOf({ dpop, obex }: Pick<CommonConfig, 'dpop' | 'obex'>): string | undefined {
  if (dpop.nonce_secret !== undefined || obex.secret === undefined) return dpop.nonce_secret;
  return deriveKey(obex.secret, 'dpop nonces', NONCE_SECRET_BYTES).toString('base64url');
}

/** The replay cache has let go of proofs that a longer window would let in again. */
function refuseLongerWindow(before: ProofTimes | undefined, after: ProofTimes): void {
  if (before === undefined) return;
  const endsLater = after.proofLifetimeMs + after.clockSkewMs > before.proofLifetimeMs + before.clockSkewMs;
  if (!endsLater && replayWindowMs(after) <= replayWindowMs(before)) return;
  const [was, would] = [before, after].map(
    (times) => `${times.proofLifetimeMs / 1000} s and ${times.clockSkewMs / 1000} s`,
  );
  throw new Error(
    `a reload cannot lengthen dpop.proof_lifetime or idp.clock_skew (in force ${was}, asked for ${would}); restart Obex to change it`,
  );
}

function countProofs(verifyDpopProof: VerifyDpopProof, metrics: DpopMetrics): VerifyDpopProof {
  const count = (outcome: VerifiedProof | Denial): VerifiedProof | Denial => {
    metrics.proofJudged(isDenied(outcome) ? outcome.reason : 'valid');
    return outcome;
  };
  return (presented) => {
    const outcome = verifyDpopProof(presented);
    return outcome instanceof Promise ? outcome.then(count) : count(outcome);
  };
}

function createReplayCache(
  { config, observers, shared }: ComposeOptions,
  { ca, ...times }: ProofTimes & { readonly ca: string | undefined },
): MemoryReplayCache | RedisReplayCache {
  const { clock, log } = observers;
  const { replay_cache: settings } = config.dpop;
  if (settings.backend === 'memory') {
    return new MemoryReplayCache(shared.provideReplayMemory(settings.max_entries), { ...times, clock, log });
  }
  const { redis } = settings;
  const cache = new RedisReplayCache({
    url: parseCheckedUrl(redis.url),
    ca,
    keyPrefix: redis.key_prefix,
    connectTimeoutMs: redis.connect_timeout,
    commandTimeoutMs: redis.command_timeout,
    ...times,
    clock,
    log,
  });
  cache.start();
  return cache;
}

/** The schema has tried it already; a URL that it let through and this does not know is a bug. */
function parseCheckedUrl(url: string): RedisUrl {
  const parsed = parseRedisUrl(url);
  if (parsed === undefined) throw new TypeError('dpop.replay_cache.redis.url passed the schema but cannot be parsed');
  return parsed;
}
