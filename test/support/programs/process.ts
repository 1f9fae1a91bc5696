/** Whether a process that is no child of the test still runs. proc(5). */
import { readFileSync } from 'node:fs';
import { until } from '../until.ts';

export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`).toString();
    // A zombie has ended; who buries it is another matter.
    return stat.slice(stat.lastIndexOf(')') + 2).charAt(0) !== 'Z';
  } catch {
    return false;
  }
}

export function isGone(pid: number): Promise<true> {
  return until(`the end of ${pid}`, () => (isRunning(pid) ? undefined : true));
}
