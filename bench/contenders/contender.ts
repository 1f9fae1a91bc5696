/** A server under test: started and pinned, asked until it answers, measured as a process group. */
import { once } from 'node:events';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { until } from '../../test/support/until.ts';
import type { BenchBase } from '../bench-base.ts';
import { PATH, REQUEST_BODY, REQUEST_FIELDS } from '../exchange.ts';
import { groupResidentBytes } from '../proc.ts';
import { errorTail, launch, stop } from '../processes.ts';

export interface Contender {
  readonly name: string;
  /** Scheme and authority. */
  readonly origin: string;
  /** The number of its process group. */
  readonly group: number;
  /** Resident memory when it had just answered its first request. */
  readonly idleBytes: number;
  stop(): Promise<void>;
}

/** A server's command line, its files written and its port chosen. */
export interface ServerSetup {
  readonly name: string;
  readonly origin: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where its stdout goes; default: nowhere. */
  readonly stdout?: number;
  /** Sent as a Bearer credential by the request that must be answered 200 before the server counts as ready. */
  readonly token?: string;
  /** Default: the proxy's core. */
  readonly cpus?: string;
}

/** Starts a server and resolves when it answers 200. */
export async function startContender(bench: BenchBase, setup: ServerSetup): Promise<Contender> {
  const { name, origin, command, args, stdout, token } = setup;
  const cpus = setup.cpus ?? bench.cpus.proxy;
  const child = launch({ cpus, command, args, errorsTo: bench.errorsTo, ...(stdout !== undefined && { stdout }) });
  const answers = until(`${name} to answer 200`, async () => ((await ask(origin, token)) === 200 ? true : undefined));
  const ends = once(child, 'exit').then(() => Promise.reject(new Error(`${name} ended`)));
  try {
    await Promise.race([answers, ends]);
  } catch (cause) {
    await stop(child);
    throw new Error(`${name} does not start: ${errorTail(bench.errorsTo)}`, { cause });
  }
  return { name, origin, group: child.pid, idleBytes: groupResidentBytes(child.pid), stop: () => stop(child) };
}

/** Sends the bench's request on a connection of its own and returns the status. */
export function ask(origin: string, token?: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const send = origin.startsWith('https:') ? requestTls : request;
  const call = send(`${origin}${PATH}`, {
    method: 'POST',
    headers: { ...REQUEST_FIELDS, ...authorization },
    agent: false,
    rejectUnauthorized: false,
    timeout: 5_000,
  });
  call.once('response', (response) => resolve(response.resume().statusCode ?? 0));
  call.once('timeout', () => call.destroy(new Error('no answer')));
  call.once('error', reject);
  call.end(REQUEST_BODY);
  return promise;
}
