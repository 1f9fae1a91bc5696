/** The replay cache in a real Redis: alone, restarted, full, paused, with TLS, behind sentinels, in a cluster. RFC 9449 §11.1. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Clock } from '../../src/lib/clock.ts';
import { parseRedisUrl } from '../../src/lib/redis-url.ts';
import { createLog, type LineSink } from '../../src/observe/log.ts';
import { ReplayCacheUnavailable } from '../../src/state/replay-cache.ts';
import { RedisReplayCache } from '../../src/state/replay-cache-redis.ts';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { freePort } from '../support/free-port.ts';
import { parseObject } from '../support/json.ts';
import { type RedisServer, startRedis, startRedisCluster, startWatchedRedis } from '../support/redis.ts';
import { itIsAReplayCache, NOW_MS, PROOF_TIMES } from '../support/replay-cache-contract.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

requireDebianPackages();

/** How much older than a proof's earliest use a history must be. */
const MARGIN_MS = 6_000;
const SETTLING_MS = PROOF_TIMES.clockSkewMs + MARGIN_MS;
const COMMAND_TIMEOUT_MS = 250;

/** Stands at a time of the test's choice; durations are real. */
class SetClock implements Clock {
  #nowMs: number;
  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }
  nowMs(): number {
    return this.#nowMs;
  }
  monotonicMs(): number {
    return performance.now();
  }
  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

/** A clock by which a history that begins now is old enough once it is moved on to `NOW_MS`. */
const longAgo = (): SetClock => new SetClock(NOW_MS - 1_000_000);

interface CacheOptions {
  readonly clock?: Clock;
  readonly log?: LineSink;
  readonly ca?: string;
}

function createCache(t: Pick<TestContext, 'after'>, url: string, options: CacheOptions = {}): RedisReplayCache {
  const parsed = parseRedisUrl(url);
  assert.ok(parsed !== undefined, url);
  const cache = new RedisReplayCache({
    ...PROOF_TIMES,
    url: parsed,
    ca: options.ca,
    keyPrefix: 'obex:dpop:',
    connectTimeoutMs: 2_000,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    clock: options.clock ?? longAgo(),
    log: options.log === undefined ? createLog('error', process.stderr) : createLog('warn', options.log),
  });
  t.after(() => cache.stop());
  cache.start();
  return cache;
}

async function start(t: TestContext, args: readonly string[] = []): Promise<RedisServer> {
  const redis = await startRedis({ args });
  t.after(() => redis.stop());
  return redis;
}

const urlOf = ({ port }: RedisServer): string => `redis://127.0.0.1:${port}`;

/** `claimed`, `replayed`, or the message of `ReplayCacheUnavailable`. The proof's `iat` is `iatMs`. */
async function claim(cache: RedisReplayCache, key: string, iatMs = NOW_MS, nowMs = iatMs): Promise<string> {
  try {
    return await cache.claim(key, iatMs + PROOF_TIMES.proofLifetimeMs + PROOF_TIMES.clockSkewMs, nowMs);
  } catch (error) {
    if (error instanceof ReplayCacheUnavailable) return error.message;
    throw error;
  }
}

/** Keys of claims, and neither the marker nor what `/ready` writes. */
const CLAIMS = 'obex:dpop:????????????????*';
const UNSETTLED = 'the history of this Redis is younger than the proof may be';

async function untilReady(cache: RedisReplayCache, nowMs = NOW_MS): Promise<void> {
  await until('the replay cache to be ready', async () => {
    await cache.probe(nowMs);
    return true;
  });
}

describe('one Redis', () => {
  it('is a replay cache', async (t) => {
    const cache = createCache(t, urlOf(await start(t)));
    await untilReady(cache);
    await t.test('port', { concurrency: false }, () => itIsAReplayCache(() => cache));
  });

  it('holds each claim under the prefix until iat + lifetime + skew, and a margin', async (t) => {
    const redis = await start(t);
    const cache = createCache(t, urlOf(redis));
    await untilReady(cache);
    assert.equal(await claim(cache, 'a', NOW_MS - 20_000, NOW_MS), 'claimed');
    const keys = redis
      .cli('KEYS', '*')
      .split('\n')
      .filter((key) => key !== 'obex:dpop:probe')
      .toSorted();
    assert.deepEqual(
      keys.map((key) => key.replace(/[0-9a-f]{64}$/, '<hash>')),
      ['obex:dpop:<hash>', 'obex:dpop:history'],
    );
    const lifeMs = Number(redis.cli('PTTL', keys[0] ?? ''));
    assert.ok(lifeMs > 50_000 && lifeMs <= 50_000 + MARGIN_MS, String(lifeMs));
  });

  it('is shared: of 200 claims of one key by two caches at once exactly one succeeds', async (t) => {
    const redis = await start(t);
    const caches = [createCache(t, urlOf(redis)), createCache(t, urlOf(redis))];
    await Promise.all(caches.map((cache) => untilReady(cache)));
    const claims = Array.from({ length: 100 }, () => caches.map((cache) => claim(cache, 'a')));
    const outcomes = await Promise.all(claims.flat());
    assert.deepEqual(outcomes.toSorted(), ['claimed', ...Array.from({ length: 199 }, () => 'replayed')]);
  });

  it('takes user, password and database from the URL, and needs few rights', async (t) => {
    const redis = await start(
      t,
      '--user obex on >p@ss/word ~obex:* +eval +get +set +info +select --user default off'.split(' '),
    );
    const url = (password: string): string => `redis://obex:${password}@127.0.0.1:${redis.port}/3`;
    const cache = createCache(t, url('p%40ss%2Fword'));
    await untilReady(cache);
    assert.equal(await claim(cache, 'a'), 'claimed');
    await assert.rejects(createCache(t, url('wrong')).probe(NOW_MS), ReplayCacheUnavailable);
  });

  it('speaks TLS to a server that the CA file vouches for, and to no other', async (t) => {
    const { path } = createTempFolder('redis-tls');
    const openssl = (...args: readonly string[]) => execFileSync('openssl', [...args], { cwd: path, stdio: 'pipe' });
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', ...subject);
    const port = await freePort();
    const tls = ['--tls-port', String(port), '--tls-cert-file', join(path, 'cert.pem')];
    await start(t, [...tls, '--tls-key-file', join(path, 'key.pem'), '--tls-auth-clients', 'no']);
    const cache = createCache(t, `rediss://127.0.0.1:${port}`, { ca: readFileSync(join(path, 'cert.pem'), 'utf8') });
    await untilReady(cache);
    assert.equal(await claim(cache, 'a'), 'claimed');
    await assert.rejects(createCache(t, `rediss://127.0.0.1:${port}`).probe(NOW_MS), ReplayCacheUnavailable);
  });
});

describe('a Redis that is down or slow', () => {
  it('fails closed while it is not there, and heals by itself', async (t) => {
    const port = await freePort();
    const cache = createCache(t, `redis://127.0.0.1:${port}`);
    await until(
      'the first attempt to fail',
      async () => (await claim(cache, 'a')) === 'no connection to Redis' || undefined,
    );
    await assert.rejects(cache.probe(NOW_MS), ReplayCacheUnavailable);
    const redis = await startRedis({ port });
    t.after(() => redis.stop());
    await untilReady(cache);
    assert.equal(await claim(cache, 'a'), 'claimed');
  });

  it('while it is paused no claim succeeds, nor does one that timed out become a second success', async (t) => {
    const redis = await start(t);
    const cache = createCache(t, urlOf(redis));
    await untilReady(cache);
    redis.child.kill('SIGSTOP');
    const keys = Array.from({ length: 20 }, () => randomUUID());
    const whilePaused = await Promise.all(keys.map((key) => claim(cache, key)));
    assert.deepEqual(new Set(whilePaused), new Set(['no decision from Redis']));
    redis.child.kill('SIGCONT');
    await untilReady(cache);
    // What was under way may have been recorded or not: either way the proof is good for one success at most.
    for (const key of keys) {
      await claim(cache, key);
      assert.equal(await claim(cache, key), 'replayed');
    }
  });

  it('sends nothing for a claim whose time was up while the connection was being opened', async (t) => {
    const redis = await start(t);
    redis.child.kill('SIGSTOP');
    const cache = createCache(t, urlOf(redis));
    assert.equal(await claim(cache, 'a'), 'no decision from Redis');
    redis.child.kill('SIGCONT');
    await untilReady(cache);
    assert.equal(await claim(cache, 'a'), 'claimed');
  });
});

describe('a Redis that has lost claims does not accept what may be a replay', () => {
  /** The claim is lost; a cache that keeps going must not accept it again, but accept proofs made later. */
  async function assertNotFooled(cache: RedisReplayCache, key: string): Promise<void> {
    await until('the connection', async () => (await claim(cache, key)) === UNSETTLED || undefined);
    assert.equal(await claim(cache, key, NOW_MS, NOW_MS + 60_000), UNSETTLED);
    assert.equal(await claim(cache, 'other', NOW_MS + SETTLING_MS), UNSETTLED);
    assert.equal(await claim(cache, 'later', NOW_MS + SETTLING_MS + 1), 'claimed');
  }

  /** Claims a key, moving the clock on to now. */
  async function claimNow(cache: RedisReplayCache, clock: SetClock): Promise<string> {
    await untilReady(cache);
    clock.advance(NOW_MS - clock.nowMs());
    const key = randomUUID();
    assert.equal(await claim(cache, key), 'claimed');
    return key;
  }

  it('after a restart without persistence', async (t) => {
    const redis = await startRedis();
    const clock = longAgo();
    const cache = createCache(t, urlOf(redis), { clock });
    const key = await claimNow(cache, clock);
    await redis.kill();
    const again = await startRedis({ port: redis.port });
    t.after(() => again.stop());
    await assertNotFooled(cache, key);
  });

  it('and says so once for each history, with the time from which proofs are accepted', async (t) => {
    const redis = await start(t);
    const said: Record<string, unknown>[] = [];
    const log = { write: (line: string): void => void said.push(parseObject(line)) };
    const cache = createCache(t, urlOf(redis), { clock: new SetClock(NOW_MS), log });
    const iso = (ms: number): string => new Date(ms).toISOString();
    const announced = (): readonly unknown[] =>
      said.filter(({ event }) => event === 'replay_cache_unsettled').map(({ since, until: end }) => [since, end]);
    await until('the first word of it', () => announced().length > 0 || undefined);
    for (const key of ['a', 'b']) assert.equal(await claim(cache, key), UNSETTLED);
    const first = [iso(NOW_MS), iso(NOW_MS + SETTLING_MS)];
    assert.deepEqual(announced(), [first]);
    redis.cli('FLUSHALL');
    const laterMs = NOW_MS + 60_000;
    assert.equal(await claim(cache, 'a', laterMs), UNSETTLED);
    assert.deepEqual(announced(), [first, [iso(laterMs), iso(laterMs + SETTLING_MS)]]);
    const settledMs = laterMs + SETTLING_MS + 1_000;
    assert.equal(await claim(cache, 'b', laterMs, settledMs), UNSETTLED, 'a proof that is older than the history');
    assert.equal(await claim(cache, 'a', settledMs), 'claimed');
    assert.equal(announced().length, 2);
  });

  it('which was begun by a clock that was a day ahead: it is begun anew, or every proof would be 503 for that day', async (t) => {
    const redis = await start(t);
    const ahead = createCache(t, urlOf(redis), { clock: new SetClock(NOW_MS + 86_400_000) });
    await until('the history', () => redis.cli('GET', 'obex:dpop:history') !== '' || undefined);
    ahead.stop();
    const cache = createCache(t, urlOf(redis), { clock: new SetClock(NOW_MS) });
    await until('the connection', async () => (await claim(cache, 'a')) === UNSETTLED || undefined);
    assert.equal(await claim(cache, 'b', NOW_MS + SETTLING_MS), UNSETTLED);
    assert.equal(await claim(cache, 'c', NOW_MS + SETTLING_MS + 1), 'claimed');
  });

  it('after a restart from a snapshot that is older than the claim', async (t) => {
    const folder = createTempFolder('redis-data').path;
    const redis = await startRedis({ folder });
    const clock = longAgo();
    const cache = createCache(t, urlOf(redis), { clock });
    await untilReady(cache);
    redis.cli('SAVE');
    const key = await claimNow(cache, clock);
    await redis.kill();
    const again = await startRedis({ folder, port: redis.port });
    t.after(() => again.stop());
    assert.notEqual(again.cli('GET', 'obex:dpop:history'), '');
    await assertNotFooled(cache, key);
  });

  it('after FLUSHALL', async (t) => {
    const redis = await start(t);
    const clock = longAgo();
    const cache = createCache(t, urlOf(redis), { clock });
    const key = await claimNow(cache, clock);
    redis.cli('FLUSHALL');
    await assertNotFooled(cache, key);
  });

  it('after an eviction for want of memory', async (t) => {
    const redis = await start(t);
    const clock = longAgo();
    const cache = createCache(t, urlOf(redis), { clock });
    const key = await claimNow(cache, clock);
    // What others write fills the memory, and only what expires, which is the claim, may be evicted for it.
    redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl');
    redis.cli('CONFIG', 'SET', 'maxmemory', '3mb');
    redis.cli('EVAL', "for n = 1, 500 do redis.pcall('SET', n, string.rep('x', 10000)) end", '0');
    // Redis 6.2 evicts before a command, and not within a script.
    redis.cli('PING');
    assert.match(redis.cli('INFO', 'stats'), /evicted_keys:[1-9]/);
    assert.equal(redis.cli('KEYS', CLAIMS), '');
    redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    await assertNotFooled(cache, key);
  });

  it('after a failover to a replica that the claim had not reached', async (t) => {
    await using watched = await startWatchedRedis();
    const clock = longAgo();
    const cache = createCache(t, watched.url, { clock });
    await untilReady(cache);
    const [replica] = watched.replicas;
    // A password that the master does not know keeps the replica from it.
    replica?.cli('CONFIG', 'SET', 'masterauth', 'wrong');
    replica?.cli('CLIENT', 'KILL', 'TYPE', 'master');
    const key = await claimNow(cache, clock);
    assert.equal(replica?.cli('KEYS', CLAIMS), '');
    assert.notEqual(replica?.cli('GET', 'obex:dpop:history'), '');
    await watched.master.kill();
    await assertNotFooled(cache, key);
    assert.match(replica?.cli('ROLE') ?? '', /^master/);
  });

  it('nor while there are two masters, for as long as it may take all to leave the old one', async (t) => {
    const master = await start(t);
    const replica = await start(t, ['--replicaof', '127.0.0.1', String(master.port)]);
    await until('the replica to follow', () => replica.cli('ROLE').includes('connected') || undefined);
    const onOld = createCache(t, urlOf(master));
    await untilReady(onOld);
    replica.cli('REPLICAOF', 'NO', 'ONE');
    const onNew = createCache(t, urlOf(replica), { clock: new SetClock(NOW_MS) });
    await until('the new history', async () => (await claim(onNew, 'first')) === UNSETTLED || undefined);
    for (let elapsedMs = 0; elapsedMs <= MARGIN_MS; elapsedMs += 500) {
      const key = randomUUID();
      const nowMs = NOW_MS + elapsedMs;
      // The latest iat that is accepted then.
      const iatMs = nowMs + PROOF_TIMES.clockSkewMs;
      assert.equal(await claim(onOld, key, iatMs, nowMs), 'claimed');
      assert.equal(await claim(onNew, key, iatMs, nowMs), UNSETTLED);
      assert.equal(await claim(onNew, key, iatMs, iatMs + PROOF_TIMES.proofLifetimeMs), UNSETTLED);
    }
  });

  it('after a failover within a cluster', async (t) => {
    await using cluster = await startRedisCluster();
    const clock = longAgo();
    const cache = createCache(t, cluster.url, { clock });
    await untilReady(cache);
    clock.advance(NOW_MS - clock.nowMs());
    const keys = Array.from({ length: 64 }, () => randomUUID());
    for (const key of keys) assert.equal(await claim(cache, key), 'claimed');
    for (const key of keys) assert.equal(await claim(cache, key), 'replayed');
    const master = cluster.nodes.find((node) => node.cli('ROLE').startsWith('master'));
    await master?.kill();
    // `/ready` reckons with proofs whose iat is in whole seconds.
    await untilReady(cache, NOW_MS + SETTLING_MS + 1_000);
    const outcomes = new Set<string>();
    for (const key of keys) outcomes.add(await claim(cache, key));
    assert.deepEqual(outcomes, new Set(['replayed', UNSETTLED]));
  });
});

describe('a Redis that is demoted, behind a name that then stands for another server', () => {
  /** A port that leads to one server or another, as a name or a proxy does; connections stay where they are. */
  async function startSwitch(t: TestContext, first: RedisServer) {
    let target = first;
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      const onward = connect(target.port, '127.0.0.1');
      for (const each of [socket, onward]) sockets.add(each.on('error', () => {}));
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    return {
      url: `redis://127.0.0.1:${address.port}`,
      leadTo: (next: RedisServer) => {
        target = next;
      },
    };
  }

  async function startPair(t: TestContext) {
    const master = await start(t);
    const replica = await start(t, ['--replicaof', '127.0.0.1', String(master.port)]);
    await until('the replica to follow', () => replica.cli('ROLE').includes('connected') || undefined);
    return { master, replica };
  }

  it('is left for the new master: every proof was 503 for ever', async (t) => {
    const { master, replica } = await startPair(t);
    const name = await startSwitch(t, master);
    const clock = longAgo();
    const cache = createCache(t, name.url, { clock });
    await untilReady(cache);
    clock.advance(NOW_MS - clock.nowMs());
    assert.equal(await claim(cache, 'a'), 'claimed');
    replica.cli('REPLICAOF', 'NO', 'ONE');
    master.cli('REPLICAOF', '127.0.0.1', String(replica.port));
    await until('the old master to be a replica', () => master.cli('ROLE').startsWith('slave') || undefined);
    name.leadTo(replica);
    await until('the new history', async () => (await claim(cache, 'b')) === UNSETTLED || undefined);
    assert.equal(await claim(cache, 'c', NOW_MS + SETTLING_MS + 1), 'claimed');
    assert.equal(await claim(cache, 'a', NOW_MS), UNSETTLED);
  });

  it('and as long as it stands for a replica, /ready says so: it was ready, and every proof 503', async (t) => {
    const { master, replica } = await startPair(t);
    const opener = createCache(t, urlOf(master));
    await untilReady(opener);
    await until('the marker', () => replica.cli('GET', 'obex:dpop:history') !== '' || undefined);
    const onReplica = createCache(t, urlOf(replica));
    await until('the first attempt to fail', async () => (await claim(onReplica, 'a')) !== UNSETTLED || undefined);
    await assert.rejects(onReplica.probe(NOW_MS), ReplayCacheUnavailable);
    assert.notEqual(await claim(onReplica, 'a'), 'claimed');
  });

  it('/ready tries to write: a Redis that is full is not ready', async (t) => {
    const redis = await start(t);
    const cache = createCache(t, urlOf(redis));
    await untilReady(cache);
    redis.cli('CONFIG', 'SET', 'maxmemory', '1');
    await assert.rejects(cache.probe(NOW_MS), ReplayCacheUnavailable);
    redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    await untilReady(cache);
  });
});

describe('a Redis whose sentinels are gone', () => {
  it('is not trusted as master once no majority of them confirms it, and is again when they are back', async (t) => {
    await using watched = await startWatchedRedis();
    const cache = createCache(t, watched.url);
    await untilReady(cache);
    const [, second, third] = watched.sentinels;
    for (const sentinel of [second, third]) sentinel?.child.kill('SIGSTOP');
    const refusal = 'no majority of the sentinels has lately confirmed the master';
    await until('claims to be refused', async () => (await claim(cache, randomUUID())) === refusal || undefined);
    second?.child.kill('SIGCONT');
    await untilReady(cache);
    assert.equal(await claim(cache, 'a'), 'claimed');
  });
});

describe('two caches on one Redis while sentinels replace the master', () => {
  /**
   * Claims key after key through both caches at once, in real time, until the new master has accepted some; returns the
   * keys with more than one success.
   */
  async function claimThroughFailover(t: TestContext, disturb: (master: RedisServer) => Promise<void> | void) {
    await using watched = await startWatchedRedis();
    const clock: Clock = { nowMs: () => NOW_MS + performance.now(), monotonicMs: () => performance.now() };
    const early: Clock = { ...clock, nowMs: () => clock.nowMs() - 1_000_000 };
    const opener = createCache(t, watched.url, { clock: early });
    await untilReady(opener, clock.nowMs());
    // Only what it began is of use: left running, it would begin the history of the new master in the past, too.
    opener.stop();
    const caches = [createCache(t, watched.url, { clock }), createCache(t, watched.url, { clock })];
    await Promise.all(caches.map((cache) => untilReady(cache, clock.nowMs())));
    const successes = new Map<string, number>();
    const attempt = async (): Promise<number> => {
      const key = randomUUID();
      const iatMs = clock.nowMs();
      const order = [...caches, ...caches, ...caches];
      const outcomes = await Promise.all(order.map((cache) => claim(cache, key, iatMs, clock.nowMs())));
      successes.set(key, outcomes.filter((outcome) => outcome === 'claimed').length);
      return successes.get(key) ?? 0;
    };
    for (let n = 0; n < 50; n += 1) assert.equal(await attempt(), 1);
    await disturb(watched.master);
    const [replica] = watched.replicas;
    const roleOf = (server: RedisServer | undefined): string => {
      try {
        return server?.cli('ROLE').split('\n')[0] ?? '';
      } catch {
        return 'gone';
      }
    };
    // Both may be masters for a while; it is over when the old one is none any more.
    await until('claims on the new master', async () => {
      const accepted = await attempt();
      return (accepted > 0 && roleOf(replica) === 'master' && roleOf(watched.master) !== 'master') || undefined;
    });
    for (let n = 0; n < 50; n += 1) await attempt();
    return [...successes].filter(([, count]) => count > 1);
  }

  it('that has died: no proof is accepted twice, and claims go on', async (t) => {
    assert.deepEqual(await claimThroughFailover(t, (master) => master.kill()), []);
  });

  it('that was paused for longer than the failover takes, and came back: no proof is accepted twice', async (t) => {
    const disturb = async (master: RedisServer): Promise<void> => {
      master.child.kill('SIGSTOP');
      // The sentinels need a second to miss it; it is back while they, and both caches, are at work on the change.
      setTimeout(() => master.child.kill('SIGCONT'), 2_500);
    };
    assert.deepEqual(await claimThroughFailover(t, disturb), []);
  });
});
