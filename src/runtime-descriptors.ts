/** File descriptors: how many the process may have, and whether they carry the configured limits. getrlimit(2), proc(5). */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Config } from './config/schema.ts';

/** What a process has open beside connections: standard streams, event loop, listeners, files read, Redis, the IdP. */
const OTHERS = 64;

/** Of this process; undefined where the system does not tell, which is anywhere but on Linux. */
export function readDescriptorLimit(): number | undefined {
  try {
    return parseDescriptorLimit(readFileSync('/proc/self/limits', 'latin1'));
  } catch {
    return undefined;
  }
}

/** The soft limit, which Node has raised to the hard one at its start. */
export function parseDescriptorLimit(limits: string): number | undefined {
  const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

/** A whole sentence, as all warnings about a configuration; undefined when all is well. */
export function warnOfDescriptors(config: Config, limit: number | undefined): string | undefined {
  const { limits, backend } = config;
  const needed = limits.max_connections + backend.max_requests + reserved(config);
  if (limit === undefined || needed <= limit) return undefined;
  return (
    `limits.max_connections (${limits.max_connections}) and backend.max_requests (${backend.max_requests}) need ${needed} file ` +
    `descriptors, and this process may have ${limit}: connections are refused before it has none left. Raise the limit ` +
    '(LimitNOFILE, ulimit -n), or lower the two'
  );
}

/** True while one more connection and its request at the backend can be had. `open`: those that are there. */
export function hasDescriptors(config: Config, limit: number | undefined, open: number): boolean {
  return limit === undefined || open + reserved(config) + 2 <= limit;
}

function reserved({ backend, obex }: Config): number {
  const workers = obex.workers === 'auto' ? availableParallelism() : obex.workers;
  return OTHERS + backend.max_idle_conns * workers;
}
