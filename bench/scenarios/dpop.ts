/** Phase 3 at saturation: a token that Obex has seen, and a new ES256 proof with every request. RFC 9449 §7. */
import { setTimeout as pause } from 'node:timers/promises';
import { type RedisServer, startRedis } from '../../test/support/redis.ts';
import type { Bench } from '../bench.ts';
import { type ObexOptions, startObex } from '../contenders/obex.ts';
import { runOnce, runVerification } from '../load/programs.ts';
import type { Outcome } from '../measurement.ts';
import { groupCpuSeconds } from '../proc.ts';
import { createBoundClients } from '../proofs.ts';
import { type Measured, takeTurns, toSample } from './race.ts';

const MANY_KEYS = 10_000;
/** Each client has come by twice. */
const WARM_UP_REQUESTS = 2 * MANY_KEYS;
/** About what a core takes in a second, so that a measurement is as long as was asked for. */
const REQUESTS_PER_SECOND = 7_000;
/** What cannot be saved. */
const VERIFICATION = 'one ES256 verification';
/** docs/dpop.md: for so long after its history began, Redis is not trusted. */
const SETTLE_MS = 17_000;

export async function runDpop(bench: Bench): Promise<Outcome> {
  const redis = await startRedis();
  try {
    const redisPort = redis.port;
    // The history begins with whoever connects first; claims can be taken out again, it cannot.
    await (await startObex(bench, { phase: 3, redisPort })).stop();
    const settled = pause(SETTLE_MS);
    const [one, many] = [await createBoundClients(bench, 1), await createBoundClients(bench, MANY_KEYS)];
    await settled;
    const count = WARM_UP_REQUESTS + bench.options.seconds * REQUESTS_PER_SECOND;
    const [ofOne, ofMany] = [one.prove(count), many.prove(count)];
    return await takeTurns(bench, 'dpop', [
      async () => ({ name: VERIFICATION, sample: { cpuMicros: await runVerification(bench) } }),
      () => measure(bench, ofOne, { name: 'Obex, one key' }),
      () => measure(bench, ofMany, { name: 'Obex, 10,000 keys' }),
      () => measure(bench, ofOne, { name: 'Obex, one key, Redis', redisPort }).finally(() => forgetClaims(redis)),
    ]);
  } finally {
    await redis.stop();
  }
}

async function measure(bench: Bench, file: string, options: ObexOptions): Promise<Measured> {
  const contender = await startObex(bench, { phase: 3, accessLog: 'off', ...options });
  try {
    await runOnce(bench, contender, { file, from: 0, count: WARM_UP_REQUESTS });
    const before = groupCpuSeconds(contender.group);
    const count = bench.options.seconds * REQUESTS_PER_SECOND;
    const report = await runOnce(bench, contender, { file, from: WARM_UP_REQUESTS, count });
    const sample = toSample(contender, report, groupCpuSeconds(contender.group) - before);
    const { refused } = report;
    return { name: contender.name, sample, fault: refused > 0 ? `${refused} requests refused` : undefined };
  } finally {
    await contender.stop();
  }
}

/** So that the next round may use the same proofs; the record of the history stays. */
function forgetClaims(redis: RedisServer): void {
  const script = `for _, key in ipairs(redis.call('KEYS', 'obex:dpop:*')) do
    if key ~= 'obex:dpop:history' then redis.call('DEL', key) end
  end`;
  redis.cli('EVAL', script, '0');
}
