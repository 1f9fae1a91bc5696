/** Observers whose log lines a test reads as events. */
import { createObservers, type Observers } from '../../src/observe/observers.ts';
import { FakeClock } from './fake-clock.ts';
import { parseObject } from './json.ts';
import type { LogEvent } from './obex.ts';
import { until } from './until.ts';

export interface RecordedLog {
  readonly observers: Observers;
  readonly clock: FakeClock;
  events(): readonly LogEvent[];
  /** The first event of that name, as soon as it is there. */
  event(name: string): Promise<LogEvent>;
}

export function recordLog(): RecordedLog {
  const clock = new FakeClock();
  let output = '';
  const observers = createObservers('info', { write: (line) => void (output += line) }, { clock });
  const events = () =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => parseObject(line));
  return { observers, clock, events, event: (name) => until(name, () => events().find(({ event }) => event === name)) };
}
