/** Latency at a fixed rate that every contender can serve. */
import type { Bench } from '../bench.ts';
import { everyContender } from '../contenders/all.ts';
import { runFixedRate } from '../load/programs.ts';
import { runWrk } from '../load/wrk.ts';
import type { Outcome } from '../measurement.ts';
import { takeTurns, warmUp } from './race.ts';

/** Below this share of the rate, the contender was full, and its latency is that of a queue. */
const SERVED = 0.95;

export function runRate(bench: Bench): Promise<Outcome> {
  const { seconds, rate } = bench.options;
  const direct = { ...bench.backend, stop: () => Promise.resolve() };
  const starts = [() => Promise.resolve(direct), ...everyContender(bench)];
  return takeTurns(
    bench,
    'rate',
    starts.map((start) => async () => {
      const contender = await start();
      try {
        await warmUp(bench, { contender, credential: 'first', runLoad: runWrk });
        const { requests, refused, ...latency } = await runFixedRate(bench, contender, seconds);
        const full = requests < SERVED * rate * seconds;
        return {
          name: contender.name,
          sample: { requestsPerSecond: requests / seconds, ...latency },
          fault:
            refused > 0 ? `${refused} requests refused` : full ? `cannot serve ${rate} requests a second` : undefined,
        };
      } finally {
        await contender.stop();
      }
    }),
  );
}
