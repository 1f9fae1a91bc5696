/** Whole logins and refreshes at Obex, one after the other: CPU time of each. The IdP is the bench itself, on the other core. */
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.ts';
import { formatLoginConfig, LoginWalk } from '../../test/support/login-walk.ts';
import { StandInIdp } from '../../test/support/stand-in-idp.ts';
import type { Bench } from '../bench.ts';
import type { Outcome } from '../measurement.ts';
import { groupCpuSeconds, groupResidentBytes } from '../proc.ts';
import { launch, stop } from '../processes.ts';
import { type Measured, takeTurns } from './race.ts';

/** One address may begin 60 times in a minute, and a login begins twice: it registers and it asks. */
const LOGINS = 18;
const WARM_UP = 10;
const DEADLINE_MS = 10_000;
const CONTENDERS = ['Obex, a whole login', 'Obex, a refresh that asks the IdP'] as const;

export function runLogins(bench: Bench): Promise<Outcome> {
  return takeTurns(
    bench,
    'login',
    CONTENDERS.map((name) => () => measure(bench, name)),
  );
}

async function measure(bench: Bench, name: (typeof CONTENDERS)[number]): Promise<Measured> {
  const idp = new StandInIdp();
  await idp.start();
  const port = await freePort();
  const backend = { port: Number(new URL(bench.backend.origin).port) };
  const config = bench.write(`login-${port}.yaml`, formatLoginConfig({ port, backend, idp }));
  const args = [bench.bundle, 'serve', '--config', config];
  const child = launch({ cpus: bench.cpus.proxy, command: process.execPath, args, errorsTo: bench.errorsTo });
  try {
    const base = `http://localhost:${port}`;
    await untilReady(base);
    for (let count = 0; count < WARM_UP; count += 1) await new LoginWalk(base, idp).go('register', 'refresh');
    const walks = Array.from({ length: LOGINS }, () => new LoginWalk(base, idp));
    const login = await timed(child.pid, walks, (walk) => walk.go());
    const refresh = await timed(child.pid, walks, (walk) => walk.steps.refresh());
    return { name, sample: name === CONTENDERS[0] ? login : refresh };
  } finally {
    await stop(child);
    await idp.stop();
  }
}

async function timed(group: number, walks: readonly LoginWalk[], act: (walk: LoginWalk) => Promise<void>) {
  const [cpuBefore, beganMs] = [groupCpuSeconds(group), performance.now()];
  for (const walk of walks) await act(walk);
  const seconds = (performance.now() - beganMs) / 1000;
  return {
    cpuMicros: ((groupCpuSeconds(group) - cpuBefore) / walks.length) * 1e6,
    requestsPerSecond: walks.length / seconds,
    loadedMegabytes: groupResidentBytes(group) / 1e6,
  };
}

async function untilReady(base: string): Promise<void> {
  const beganMs = performance.now();
  while ((await fetch(`${base}/ready`).catch(() => undefined))?.status !== 200) {
    if (performance.now() - beganMs > DEADLINE_MS) throw new Error('Obex with login does not get ready');
    await pause(10);
  }
}
