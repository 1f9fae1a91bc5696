/** The programs thread's end of the line to the main thread. */
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../lib/clock.ts';
import { GatheredLines } from '../observe/gathered-lines.ts';
import { createLog, errorField } from '../observe/log.ts';
import { ProgramMetrics } from '../observe/program-metrics.ts';
import type { FromPrograms, ProgramsOrders, ToPrograms } from './messages.ts';
import { startPrograms } from './server.ts';

/** Starts the server and obeys the main thread until it says stop; ends the thread when it cannot start. */
export async function attend(port: MessagePort, orders: ProgramsOrders): Promise<void> {
  const post = (message: FromPrograms): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    port.postMessage(message);
  };
  const lines = new GatheredLines((text) => post({ kind: 'lines', text }));
  process.on('exit', () => lines.flush());
  const log = createLog(orders.level, lines);
  const metrics = new ProgramMetrics(orders.metrics);
  const refuse = (error: unknown): void => post({ kind: 'refused', problem: errorField(error) });
  try {
    const programs = await startPrograms(orders.options, orders.place, {
      clock: systemClock,
      log,
      metrics,
      onGroups: (pgids) => post({ kind: 'groups', pgids }),
    });
    port.on('message', (message: ToPrograms) => {
      if (message.kind === 'stop') return void programs.stop(message.drainMs).then(() => process.exit(0));
      try {
        programs.configure(message.options);
        log.setLevel(message.level);
        post({ kind: 'configured' });
      } catch (error) {
        refuse(error);
      }
    });
    post({ kind: 'started' });
  } catch (error) {
    refuse(error);
    process.exit(1);
  }
}
