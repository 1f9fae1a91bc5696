/** Thousands of open event streams, an event a second on each: memory per stream, and how much later an event arrives. */
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.ts';
import type { Bench } from '../bench.ts';
import type { Contender } from '../contenders/contender.ts';
import { startContender } from '../contenders/contender.ts';
import { startNginx } from '../contenders/nginx.ts';
import { startObex } from '../contenders/obex.ts';
import { openStreams, program } from '../load/programs.ts';
import type { Outcome } from '../measurement.ts';
import { groupCpuSeconds, groupResidentBytes } from '../proc.ts';
import { type Measured, takeTurns } from './race.ts';

/** From the last stream opened to the first measurement. */
const SETTLE_MS = 2_000;

/** Starts what stands between the client and the backend of streams; undefined: nothing. */
type Start = (backend: Contender) => Promise<Contender> | undefined;

export function streamScenario(scenario: 'sse-1000' | 'sse-5000', streams: number): (bench: Bench) => Promise<Outcome> {
  return (bench) => {
    const starts: readonly Start[] = [
      () => undefined,
      ({ origin: backendOrigin }) => startNginx(bench, { backendOrigin, streaming: true }),
      ({ origin: backendOrigin }) => startObex(bench, { backendOrigin, accessLog: 'off', streamsOfOneUser: streams }),
    ];
    return takeTurns(
      bench,
      scenario,
      starts.map((start) => () => measure(bench, streams, start)),
    );
  };
}

async function measure(bench: Bench, count: number, start: Start): Promise<Measured> {
  const backend = await startStreamBackend(bench);
  const proxy = await start(backend);
  try {
    const streams = await openStreams(bench, proxy ?? backend, count);
    await pause(SETTLE_MS);
    const cpuBefore = proxy === undefined ? 0 : groupCpuSeconds(proxy.group);
    streams.measure();
    await pause(bench.options.seconds * 1000);
    const usage = proxy === undefined ? undefined : usageOf(proxy, cpuBefore);
    const { events, broken, ...latency } = await streams.finish();
    const fault = broken > 0 ? `${broken} streams broke` : undefined;
    if (proxy === undefined || usage === undefined) return { name: backend.name, sample: latency, fault };
    const memory = {
      idleMegabytes: proxy.idleBytes / 1e6,
      loadedMegabytes: usage.residentBytes / 1e6,
      kilobytesPerStream: (usage.residentBytes - proxy.idleBytes) / count / 1e3,
    };
    return { name: proxy.name, sample: { ...latency, ...memory, cpuMicros: (usage.cpuSeconds / events) * 1e6 }, fault };
  } finally {
    await proxy?.stop();
    await backend.stop();
  }
}

function usageOf({ group }: Contender, cpuSecondsBefore: number): { cpuSeconds: number; residentBytes: number } {
  return { cpuSeconds: groupCpuSeconds(group) - cpuSecondsBefore, residentBytes: groupResidentBytes(group) };
}

async function startStreamBackend(bench: Bench): Promise<Contender> {
  const port = await freePort();
  return startContender(bench, {
    name: 'direct',
    origin: `http://127.0.0.1:${port}`,
    command: process.execPath,
    args: [program('sse-backend.ts'), String(port)],
    cpus: bench.cpus.load,
  });
}
