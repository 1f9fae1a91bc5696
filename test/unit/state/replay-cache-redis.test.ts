/** The replay cache before a Redis that answers as the test says; test/peers has the real one. RFC 9449 §11.1. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { parseRedisUrl } from '../../../src/lib/redis-url.ts';
import { createLog } from '../../../src/observe/log.ts';
import { ReplayCacheUnavailable } from '../../../src/state/replay-cache.ts';
import { RedisReplayCache } from '../../../src/state/replay-cache-redis.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { parseObject } from '../../support/json.ts';
import { expiryOf, PROOF_TIMES } from '../../support/replay-cache-contract.ts';
import { type StandInRedis, startStandInRedis } from '../../support/stand-in-redis.ts';
import { until } from '../../support/until.ts';

/** What Redis 6.2.14 and 7.0.15 answer when a script writes to a replica. */
const READONLY_6 =
  "-ERR Error running script (call to f_73318add2f1e16288924c731c36f774d43f00d8c): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica.";
const READONLY_7 =
  "-READONLY You can't write against a read only replica. script: 73318add2f1e16288924c731c36f774d43f00d8c, on @user_script:1.";
const OOM_7 = "-OOM command not allowed when used memory > 'maxmemory'. script: 7331, on @user_script:1.";

function createCache(t: TestContext, redis: StandInRedis) {
  const clock = new FakeClock();
  const events: Record<string, unknown>[] = [];
  const url = parseRedisUrl(redis.url);
  assert.ok(url !== undefined);
  const cache = new RedisReplayCache({
    ...PROOF_TIMES,
    url,
    ca: undefined,
    keyPrefix: 'obex:dpop:',
    connectTimeoutMs: 2_000,
    commandTimeoutMs: 2_000,
    clock,
    log: createLog('warn', { write: (line) => void events.push(parseObject(line)) }),
  });
  t.after(() => cache.stop());
  cache.start();
  /** The outcome, or the message of `ReplayCacheUnavailable`. */
  const claim = async (key: string, iatMs = clock.nowMs()): Promise<string> => {
    try {
      return await cache.claim(key, expiryOf(iatMs), clock.nowMs());
    } catch (error) {
      if (error instanceof ReplayCacheUnavailable) return error.message;
      throw error;
    }
  };
  const probe = (): Promise<void> => cache.probe(clock.nowMs());
  return { clock, claim, probe, events, names: () => events.map(({ event }) => event) };
}

describe('a Redis that takes no writes any more', () => {
  const answers = {
    'READONLY, as Redis 6.2 wraps it': READONLY_6,
    'READONLY, as Redis 7 says it': READONLY_7,
    'the role of a replica': 'demoted',
    MASTERDOWN: "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    LOADING: '-LOADING Redis is loading the dataset in memory',
  };
  for (const [how, answer] of Object.entries(answers)) {
    it(`${how}: the connection is dropped, and the next one may lead to the new master`, async (t) => {
      const redis = await startStandInRedis(t);
      const { claim, names } = createCache(t, redis);
      await until('a claim', async () => (await claim('a')) === 'claimed' || undefined);
      assert.equal(redis.asked, 1);
      redis.answer = answer;
      redis.answerLater('claimed');
      assert.equal(await claim('b'), 'no decision from Redis');
      await until('a claim', async () => (await claim('c')) === 'claimed' || undefined);
      assert.equal(redis.asked, 2);
      assert.deepEqual(names(), ['replay_cache_connection_lost']);
    });
  }

  it('while every connection leads there, /ready says so, and the log why', async (t) => {
    const redis = await startStandInRedis(t);
    redis.answer = READONLY_6;
    const { probe, events } = createCache(t, redis);
    await until('the first attempt to fail', () => events[0]);
    await assert.rejects(probe(), ReplayCacheUnavailable);
    assert.equal(events[0]?.['event'], 'replay_cache_connect_failed');
    assert.equal(events[0]['error'], READONLY_6.slice(1));
  });

  it('for want of memory: an answer, and the connection is as good as before', async (t) => {
    const redis = await startStandInRedis(t);
    const { claim, probe, names } = createCache(t, redis);
    await until('a claim', async () => (await claim('a')) === 'claimed' || undefined);
    redis.answer = OOM_7;
    assert.equal(await claim('b'), 'no decision from Redis');
    await assert.rejects(probe(), ReplayCacheUnavailable);
    redis.answer = 'claimed';
    await probe();
    assert.equal(redis.asked, 1);
    assert.deepEqual(names(), []);
  });
});

describe('a wall clock that jumps', () => {
  const WENT_BACK = 'the clock has gone back: the proof may have been used before';
  const HOUR_MS = 3_600_000;

  it('an hour back: a proof that anybody may have used does not pass when its hour comes again, Redis having forgotten it', async (t) => {
    const redis = await startStandInRedis(t);
    const { clock, claim, probe, events } = createCache(t, redis);
    await until('a claim', async () => (await claim('a')) === 'claimed' || undefined);
    const iatMs = clock.nowMs();
    clock.jump(-HOUR_MS);
    await probe();
    assert.equal(await claim('b'), 'claimed');
    clock.advance(HOUR_MS);
    assert.equal(await claim('a', iatMs), WENT_BACK);
    await assert.rejects(probe(), ReplayCacheUnavailable);
    const [jumped, unsettled, ...others] = events.filter(({ event }) => event !== 'replay_cache_connection_lost');
    assert.deepEqual([jumped?.['event'], jumped?.['by_seconds'], others], ['clock_jumped', -3600, []]);
    const untilMs = Date.parse(String(unsettled?.['until']));
    clock.advance(untilMs - clock.nowMs() - 1);
    assert.equal(await claim('c'), WENT_BACK);
    clock.advance(1);
    await probe();
    assert.equal(await claim('c'), 'claimed');
  });

  it('an hour ahead and right again: claims go on', async (t) => {
    const { clock, claim, probe } = createCache(t, await startStandInRedis(t));
    await until('a claim', async () => (await claim('a')) === 'claimed' || undefined);
    clock.jump(HOUR_MS);
    assert.equal(await claim('b'), 'claimed');
    clock.jump(-HOUR_MS);
    await probe();
    assert.equal(await claim('c'), 'claimed');
  });
});
