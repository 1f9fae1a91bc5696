/** The replay cache in memory, empty, filling and full: time of a claim, memory of a process that holds nothing else. */
import type { Bench } from '../bench.ts';
import { runReplayCache } from '../load/programs.ts';
import type { Outcome } from '../measurement.ts';
import { takeTurns } from './race.ts';

/** As by default. */
const MAX_ENTRIES = 1_000_000;
const SHARES = [0, 0.5, 0.9, 1];

export function runReplayCacheFill(bench: Bench): Promise<Outcome> {
  return takeTurns(
    bench,
    'replay-cache',
    SHARES.map((share) => async () => {
      const { outcome, ...sample } = await runReplayCache(bench, { maxEntries: MAX_ENTRIES, share });
      const wanted = share === 1 ? 'full' : 'claimed';
      const name = `replay cache ${share * 100} % full${share === 1 ? ', claims refused' : ''}`;
      return { name, sample, fault: outcome === wanted ? undefined : `${outcome} instead of ${wanted}` };
    }),
  );
}
