/** From the DPoP fields of a request to a proof that was never used before, or to the reason why not. RFC 9449 §4.3, §7, §9. */
import type { Clock } from '../lib/clock.ts';
import { type Denial, deny, isDenied } from '../oauth/denial.ts';
import type { Nonces } from '../oauth/dpop-nonce.ts';
import { checkDpopProof, type DpopProof, type ImportProofKey } from '../oauth/dpop-proof.ts';
import { type ClaimOutcome, type ProofTimes, type ReplayCache, ReplayCacheUnavailable } from '../state/replay-cache.ts';

export interface DpopVerification extends ProofTimes {
  readonly clock: Clock;
  readonly importKey: ImportProofKey;
  /** Undefined = no nonce is asked for. */
  readonly nonces: Nonces | undefined;
  readonly replayCache: ReplayCache;
  /** Begins what is remembered of a proof, where several servers share the cache. */
  readonly scope?: string | undefined;
}

/** A request with a token that is bound to a key. */
export interface PresentedProof {
  /** Values of the DPoP field lines. */
  readonly dpop: readonly string[];
  readonly method: string;
  /** Made by `createTargetUri`. */
  readonly targetUri: string;
  /** `hashAccessToken` of the token. */
  readonly ath: string;
  /** `cnf.jkt` of the token. */
  readonly jkt: string;
  /** Called when the proof holds, before its use is recorded: a request that a rate limit refuses shall not fill the cache. */
  readonly beforeClaim?: () => Denial | undefined;
}

export interface VerifiedProof {
  /** §8.2: a newer nonce than the proof's, to be sent as `DPoP-Nonce` with the answer; undefined when there is none. */
  readonly nextNonce: string | undefined;
}

type Outcome = VerifiedProof | Denial;

const WITHOUT_NONCE: VerifiedProof = { nextNonce: undefined };

/** Synchronous unless the replay cache is elsewhere. */
export type VerifyDpopProof = (presented: PresentedProof) => Outcome | Promise<Outcome>;

/** Nothing is recorded of a proof that fails a check, and a proof that passed them all is recorded last. */
export function createVerifyDpopProof(parts: DpopVerification): VerifyDpopProof {
  const { clock, nonces, importKey, proofLifetimeMs, clockSkewMs } = parts;
  const prefix = parts.scope === undefined ? '' : `${parts.scope} `;
  return (presented) => {
    const { dpop, method, targetUri, ath, jkt } = presented;
    if (dpop.length === 0) return deny('missing_dpop');
    const nowMs = clock.nowMs();
    const expected = { method, targetUri, ath, jkt, proofLifetimeMs, clockSkewMs };
    const proof = checkDpopProof(dpop, { expected, nowMs }, importKey);
    if (isDenied(proof)) return proof;
    const verified = nonces === undefined ? WITHOUT_NONCE : checkNonce(proof, nonces, nowMs);
    if (isDenied(verified)) return verified;
    const limited = presented.beforeClaim?.();
    if (limited !== undefined) return limited;
    return claim(parts.replayCache, proof, { prefix, nowMs, verified });
  };
}

/** §4.3 step 10, §9: once nonces are asked for, a proof without one is refused like one with a wrong one. */
function checkNonce(proof: DpopProof, nonces: Nonces, nowMs: number): Outcome {
  const state = proof.nonce === undefined ? 'none' : nonces.check(proof.nonce, nowMs);
  switch (state) {
    case 'fresh':
      return WITHOUT_NONCE;
    case 'ageing':
      return { nextNonce: nonces.issue(nowMs) };
    case 'none':
    case 'stale':
    case 'unknown':
      return deny('use_dpop_nonce', { expected: 'fresh', actual: state }, ['DPoP-Nonce', nonces.issue(nowMs)]);
  }
}

/** §11.1: the key of a claim covers the proof's key and its `jti`; a thumbprint has one length, so no two pairs are alike. */
function claim(
  replayCache: ReplayCache,
  { jkt, jti, expiresAtMs }: DpopProof,
  { prefix, nowMs, verified }: { readonly prefix: string; readonly nowMs: number; readonly verified: VerifiedProof },
): Outcome | Promise<Outcome> {
  const conclude = (outcome: ClaimOutcome): Outcome => {
    switch (outcome) {
      case 'claimed':
        return verified;
      case 'replayed':
        return deny('dpop_replayed', { actual: jti });
      case 'full':
        return deny('replay_cache_full');
    }
  };
  try {
    const outcome = replayCache.claim(prefix + jkt + jti, expiresAtMs, nowMs);
    return outcome instanceof Promise ? outcome.then(conclude).catch(denyOutage) : conclude(outcome);
  } catch (error) {
    return denyOutage(error);
  }
}

function denyOutage(error: unknown): Denial {
  if (!(error instanceof ReplayCacheUnavailable)) throw error;
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return deny('replay_cache_unavailable', { detail: error.message + cause });
}
