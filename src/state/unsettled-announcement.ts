/** Says in the log that proofs are refused for a while, so that nobody takes it for an outage. */
import type { Log } from '../observe/log.ts';

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
