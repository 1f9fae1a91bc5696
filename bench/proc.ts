/** CPU time and memory of a process group, from /proc. See proc(5). */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What of a line of /proc/<pid>/stat counts here. Times in seconds, those of reaped children included. */
export interface ProcessTimes {
  readonly group: number;
  readonly cpuSeconds: number;
}

/** Parses /proc/<pid>/stat. The command in parentheses may itself hold blanks and parentheses. */
export function parseStat(line: string): ProcessTimes {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  // Numbered as in proc(5), where the state, first behind the command, is field 3.
  const field = (number: number): number => Number(fields[number - 3]);
  return { group: field(5), cpuSeconds: (field(14) + field(15) + field(16) + field(17)) / TICKS_PER_SECOND };
}

/** VmRSS of /proc/<pid>/status in bytes; 0 for a zombie, which has none. */
export function parseResidentBytes(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** User and system time of all processes and threads of the group so far. */
export function groupCpuSeconds(group: number): number {
  return sumOverGroup(group, (_pid, times) => times.cpuSeconds);
}

/** Resident memory of all processes of the group; pages that they share count for each. */
export function groupResidentBytes(group: number): number {
  return sumOverGroup(group, (pid) => parseResidentBytes(readFileSync(`/proc/${pid}/status`, 'utf8')));
}

function sumOverGroup(group: number, measure: (pid: string, times: ProcessTimes) => number): number {
  let sum = 0;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const times = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      if (times.group === group) sum += measure(pid, times);
    } catch {
      // Ended between the listing and the look.
    }
  }
  return sum;
}
