/** What every request of the process reports to: clock, counters, event log, access lines. Reloads keep it. */
import { type Clock, systemClock } from '../lib/clock.ts';
import { EngineReports } from './engine-reports.ts';
import { createLog, type LineSink, type Log, type LogLevel } from './log.ts';
import { Metrics } from './metrics.ts';

export interface Observers {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly accessLines: LineSink;
  /** What goes wrong below the requests. */
  readonly engine: EngineReports;
}

/** Whose these observers are. */
export interface ObserversOptions {
  readonly metrics?: Metrics | undefined;
  readonly clock?: Clock;
}

/** Events and access lines go to one sink, so that they stand in the order in which they happened. */
export function createObservers(level: LogLevel, sink: LineSink, options: ObserversOptions = {}): Observers {
  const { metrics = new Metrics(), clock = systemClock } = options;
  const log = createLog(level, sink);
  return { clock, metrics, log, accessLines: sink, engine: new EngineReports({ clock, metrics, log }) };
}
