/** From the spawn to the first request answered 200 through to the backend, and the memory held a second later. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { setUpApache } from '../contenders/apache.ts';
import { setUpBaseline } from '../contenders/baseline.ts';
import { ask, type ServerSetup } from '../contenders/contender.ts';
import { setUpHaproxy } from '../contenders/haproxy.ts';
import { setUpNginx } from '../contenders/nginx.ts';
import { setUpObex } from '../contenders/obex.ts';
import type { Outcome } from '../measurement.ts';
import { groupResidentBytes } from '../proc.ts';
import { launch, stop } from '../processes.ts';
import { alternate, type Measured } from './race.ts';

const SETTLE_MS = 1_000;
const DEADLINE_MS = 10_000;

export function runStart(bench: Bench): Promise<Outcome> {
  const setUps: readonly ((bench: Bench) => Promise<ServerSetup>)[] = [
    setUpNginx,
    setUpHaproxy,
    setUpApache,
    setUpBaseline,
    setUpObex,
    (given) => setUpObex(given, { name: 'Obex, with login', login: true }),
  ];
  return alternate(
    bench,
    'start',
    setUps.map((setUp) => async () => ({
      run: async () => measure(bench, await setUp(bench)),
      stop: async () => undefined,
    })),
  );
}

async function measure(bench: Bench, { name, origin, command, args, stdout, token }: ServerSetup): Promise<Measured> {
  const { cpus, errorsTo } = bench;
  const startedMs = performance.now();
  const child = launch({ cpus: cpus.proxy, command, args, errorsTo, ...(stdout !== undefined && { stdout }) });
  while ((await ask(origin, token).catch(() => 0)) !== 200) {
    const late = performance.now() - startedMs > DEADLINE_MS;
    if (late || child.exitCode !== null) throw new Error(`${name} does not answer`);
    await pause(1);
  }
  const startMillis = performance.now() - startedMs;
  await pause(SETTLE_MS);
  const idleMegabytes = groupResidentBytes(child.pid) / 1e6;
  await stop(child);
  return { name, sample: { startMillis, idleMegabytes } };
}
