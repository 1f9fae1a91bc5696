/** What every request of the process reports to: clock, counters, event log, access lines. Reloads keep it. */
import { type Clock, systemClock } from '../lib/clock.ts';
import { createLog, type LineSink, type Log, type LogLevel } from './log.ts';
import { Metrics } from './metrics.ts';

export interface Observers {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly accessLines: LineSink;
}

/** Events and access lines go to one sink, so that they stand in the order in which they happened. */
export function createObservers(level: LogLevel, sink: LineSink, metrics = new Metrics()): Observers {
  return { clock: systemClock, metrics, log: createLog(level, sink), accessLines: sink };
}
