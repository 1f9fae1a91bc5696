/** A replay cache in memory whose clocks go by what each claim says of the time. */
import type { Clock } from '../../src/lib/clock.ts';
import { createLog, type LineSink } from '../../src/observe/log.ts';
import type { ClaimOutcome, ReplayCache } from '../../src/state/replay-cache.ts';
import { MemoryReplayCache, type ReplayMemory } from '../../src/state/replay-cache-memory.ts';
import { NOW_MS, PROOF_TIMES } from './replay-cache-contract.ts';

/** What the monotonic clock shows at `NOW_MS`. */
const MONOTONIC_MS = 1_000_000;

const SILENT: LineSink = { write: () => {} };

export class TimedReplayCache implements ReplayCache {
  readonly #cache: MemoryReplayCache;
  /** How far the wall clock is ahead of where it would be without jumps. */
  #jumpedMs = 0;
  #nowMs = NOW_MS;

  constructor(memory: ReplayMemory, log = SILENT) {
    const clock: Clock = {
      nowMs: () => this.#nowMs,
      monotonicMs: () => MONOTONIC_MS + this.#nowMs - this.#jumpedMs - NOW_MS,
    };
    this.#cache = new MemoryReplayCache(memory, { ...PROOF_TIMES, clock, log: createLog('warn', log) });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** The wall clock is set, and the monotonic one takes no notice. */
  jump(byMs: number): void {
    this.#jumpedMs += byMs;
    this.#nowMs += byMs;
  }

  /** Both clocks go on. */
  advance(byMs: number): void {
    this.#nowMs += byMs;
  }

  claim(key: string, expiresAtMs: number, nowMs = this.#nowMs): ClaimOutcome {
    this.#nowMs = nowMs;
    return this.#cache.claim(key, expiresAtMs, nowMs);
  }

  countEntries(nowMs = this.#nowMs): number {
    this.#nowMs = nowMs;
    return this.#cache.countEntries();
  }

  probe(): void {
    this.#cache.probe(this.#nowMs);
  }
}
