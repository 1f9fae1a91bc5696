/** File descriptors: how many the process may have, and whether they carry the configured limits. getrlimit(2), proc(5). */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Config, OneServer } from '../config/schema.ts';
import { RESERVE } from '../wire/http1/accepted-sockets.ts';

/** What a process has open beside connections: standard streams, event loop, listeners, files read, Redis, the IdP. */
const OTHERS = 64;
/** The same for each thread beside the first: an event loop of its own (5, measured), its listener. */
const OTHERS_OF_THREAD = 8;
/** The login thread has a store and connections to the IdP besides. */
const OTHERS_OF_LOGIN = OTHERS_OF_THREAD + 32;
/** The programs thread has a listener, and connections to the threads that serve, which count as requests. */
const OTHERS_OF_PROGRAMS = OTHERS_OF_THREAD + 8;
/** Three pipes and what watches the process. */
const OF_SESSION = 4;
/** Most connections on the metrics listener beside its reserve: a few who scrape, however many connect. */
export const MAX_METRICS_CONNECTIONS = 32;
/** The same on the control listener: a person or two. */
export const MAX_CONTROL_CONNECTIONS = 16;

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
  const { limits, servers } = config;
  const forRequests = sum(servers.map(({ backend }) => backend.max_requests * descriptorsOf(backend)));
  const needed = limits.max_connections + RESERVE + forRequests + reserved(config);
  if (limit === undefined || needed <= limit) return undefined;
  const [{ name, backend }] = servers;
  const requests =
    name === undefined ? `backend.max_requests (${backend.max_requests})` : 'backend.max_requests of all servers';
  return (
    `limits.max_connections (${limits.max_connections}) and ${requests} need ${needed} file ` +
    `descriptors, and this process may have ${limit}: connections and requests are refused before it has none left. Raise the limit ` +
    '(LimitNOFILE, ulimit -n), or lower the two'
  );
}

/** How many there are for client connections and requests at the backend together; Infinity where none are known to lack. */
export function spareDescriptors(config: Config, limit: number | undefined): number {
  return limit === undefined ? Number.POSITIVE_INFINITY : limit - reserved(config);
}

function reserved({ servers, obex, metrics, admin, login }: Config): number {
  const workers = obex.workers === 'auto' ? availableParallelism() : obex.workers;
  const forMetrics = metrics.listen === undefined ? 0 : MAX_METRICS_CONNECTIONS + RESERVE;
  const forControl = admin.listen === undefined ? 0 : MAX_CONTROL_CONNECTIONS + RESERVE;
  const forThreads = OTHERS_OF_THREAD * (workers - 1) + (login === undefined ? 0 : OTHERS_OF_LOGIN);
  const idle = sum(servers.map(({ backend }) => backend.max_idle_conns)) * workers;
  return OTHERS + forThreads + forMetrics + forControl + forPrograms(servers) + idle;
}

function forPrograms(servers: Config['servers']): number {
  const programs = servers.filter(({ backend }) => backend.command.length > 0);
  if (programs.length === 0) return 0;
  return OTHERS_OF_PROGRAMS + OF_SESSION * sum(programs.map(({ backend }) => backend.max_sessions));
}

/** How many a request at any backend takes at most. */
export function descriptorsOfRequest({ servers }: Pick<Config, 'servers'>): number {
  return Math.max(...servers.map(({ backend }) => descriptorsOf(backend)));
}

/** One to a program has both of its ends in this process. */
function descriptorsOf({ command }: OneServer['backend']): number {
  return command.length === 0 ? 1 : 2;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
