/** When proofs that are made now are refused for a while: until when, and a word in the log, so that nobody takes it for an outage. */
import type { Log } from '../observe/log.ts';
import { type ClockEras, SLICE_MS, sliceOf } from './clock-eras.ts';
import { freshExpiryMs, type ProofTimes } from './replay-cache.ts';

/** Why a proof is refused that may have been used at a time which the wall clock shows once more. */
export const WENT_BACK = 'the clock has gone back: the proof may have been used before';

export class UnsettledAnnouncement {
  readonly #log: Log;
  #untilMs = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Once for each `untilMs`: the time from which on proofs that are made then are accepted. */
  announce(sinceMs: number, untilMs: number): void {
    if (untilMs === this.#untilMs) return;
    this.#untilMs = untilMs;
    const [since, until] = [sinceMs, untilMs].map((ms) => new Date(ms).toISOString());
    this.#log.warn('replay_cache_unsettled', { since, until });
  }
}

/**
 * By the wall clock, when proofs that are made then are not refused for what the eras have forgotten; undefined when none is
 * now. `now` is the slice by the monotonic clock.
 */
export function unsettledUntilMs(
  eras: ClockEras,
  times: ProofTimes,
  { nowMs, now }: { readonly nowMs: number; readonly now: number },
): number | undefined {
  const last = eras.forgottenUntil(sliceOf(freshExpiryMs(times, nowMs)), now);
  return last === 0 ? undefined : (last + 1) * SLICE_MS - times.proofLifetimeMs - times.clockSkewMs;
}
