/** Who runs where: the proxy under test has a core to itself, load and backend share the others. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** CPU lists as taskset takes them. */
export interface Cpus {
  readonly proxy: string;
  readonly load: string;
  readonly all: string;
}

/** Splits the CPUs that this process may use. Throws when there is only one. */
export function divideCpus(): Cpus {
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const cpus = expandCpuList(list);
  const proxy = cpus.at(-1);
  if (proxy === undefined || cpus.length < 2)
    throw new Error('the bench needs two cores: one for the proxy, one for the load');
  return { proxy: String(proxy), load: cpus.slice(0, -1).join(','), all: cpus.join(',') };
}

/** `0-2,5` → 0, 1, 2, 5. */
export function expandCpuList(list: string): readonly number[] {
  return list
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** Moves this process, all its threads, away from the proxy's core. */
export function keepOffProxyCore({ load }: Cpus): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', load, String(process.pid)], { stdio: 'ignore' });
}
