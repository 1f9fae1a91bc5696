/** The port for remembering proofs, so that none is accepted twice. RFC 9449 §11.1. */

/**
 * `claimed` = this is the first use, and it is recorded; `replayed` = it was used before; `full` = there is no room to
 * record it. Only `claimed` lets a request pass.
 */
export type ClaimOutcome = 'claimed' | 'replayed' | 'full';

/** How long proofs are accepted, which says how long their use must be remembered. */
export interface ProofTimes {
  readonly proofLifetimeMs: number;
  readonly clockSkewMs: number;
}

/** Longest time from the first use of a proof to its `expiresAtMs`: its `iat` may be ahead by the skew. */
export function replayWindowMs({ proofLifetimeMs, clockSkewMs }: ProofTimes): number {
  return proofLifetimeMs + 2 * clockSkewMs;
}

/** `expiresAtMs` of a proof that is made now: in whole seconds, as nearly every client writes `iat`. */
export function freshExpiryMs({ proofLifetimeMs, clockSkewMs }: ProofTimes, nowMs: number): number {
  return Math.floor(nowMs / 1000) * 1000 + proofLifetimeMs + clockSkewMs;
}

/** Two implementations: `MemoryReplayCache` for one process, `RedisReplayCache` for several. */
export interface ReplayCache {
  /**
   * Records the use of `key`, in one atomic step, until `expiresAtMs` (`iat` + proof lifetime + clock skew). Of any number of claims of one key at most one is
   * `claimed`. Throws, or rejects with, `ReplayCacheUnavailable` when it cannot know.
   */
  claim(key: string, expiresAtMs: number, nowMs: number): ClaimOutcome | Promise<ClaimOutcome>;
}

/** The cache cannot tell whether a proof was used before, so the proof must not be accepted. */
export class ReplayCacheUnavailable extends Error {
  override readonly name = 'ReplayCacheUnavailable';
}
