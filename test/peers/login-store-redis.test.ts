/** The login's store in a real Redis: alone, stopped, restarted, full, behind sentinels, in a cluster. RFC 6749 §10.5, RFC 9700 §4.14. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { parseRedisUrl } from '../../src/lib/redis-url.ts';
import { RedisStore } from '../../src/login/store/redis-store.ts';
import { StoreFull, StoreUnavailable } from '../../src/login/store/store.ts';
import { createLog, type LineSink } from '../../src/observe/log.ts';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { parseObject } from '../support/json.ts';
import { type RedisServer, startRedis, startRedisCluster, startWatchedRedis } from '../support/redis.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { itIsAStore } from '../unit/login/store/store-contract.ts';

requireDebianPackages();

/** How old a history must be. */
const MARGIN_MS = 6_000;
const COMMAND_TIMEOUT_MS = 250;
const HOUR_MS = 3_600_000;

interface Settings {
  readonly clock?: Clock;
  readonly log?: LineSink;
  readonly keyPrefix?: string;
  readonly commandTimeoutMs?: number;
}

type Ending = Pick<TestContext, 'after'>;

function createStore(t: Ending, url: string, settings: Settings = {}): RedisStore {
  const store = new RedisStore({
    url: parseRedisUrl(url) ?? assert.fail(url),
    ca: undefined,
    keyPrefix: settings.keyPrefix ?? 'obex:login:',
    connectTimeoutMs: 2_000,
    commandTimeoutMs: settings.commandTimeoutMs ?? COMMAND_TIMEOUT_MS,
    clock: settings.clock ?? systemClock,
    log: settings.log === undefined ? createLog('fatal', process.stderr) : createLog('warn', settings.log),
  });
  t.after(() => store.close());
  store.start();
  return store;
}

/** The first one in a process takes longer than a command may. */
async function openStore(t: Ending, url: string, settings: Settings = {}): Promise<RedisStore> {
  const store = createStore(t, url, settings);
  await store.ready();
  return store;
}

async function start(t: TestContext, args: readonly string[] = []): Promise<RedisServer> {
  const redis = await startRedis({ args });
  t.after(() => redis.stop());
  return redis;
}

const urlOf = ({ port }: RedisServer): string => `redis://127.0.0.1:${port}`;
const soon = (clock: Clock = systemClock): number => clock.nowMs() + HOUR_MS;

/** Resolves when the store changes things again. */
async function untilReady(store: RedisStore): Promise<void> {
  await until('the store to be ready', async () => {
    await store.ready();
    return true;
  });
}

async function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StoreUnavailable) return `unavailable: ${error.message}`;
    throw error;
  }
}

const UNSETTLED = 'unavailable: Redis was replaced or restarted just now';

describe('the store in Redis', async () => {
  const redis = await startRedis();
  const opened: RedisStore[] = [];
  itIsAStore((clock) => {
    const store = createStore({ after: () => undefined }, urlOf(redis), {
      clock,
      keyPrefix: `${randomUUID()}:`,
      commandTimeoutMs: 10_000,
    });
    opened.push(store);
    return store;
  });
  after(async () => {
    for (const store of opened) await store.close();
    await redis.stop();
  });
});

describe('a store in one Redis', () => {
  it('writes under its prefix alone, nothing that stays but indexes and history', async (t) => {
    const redis = await start(t);
    const store = await openStore(t, urlOf(redis));
    await store.set('code:a', 'one', soon());
    await store.add('family:b', 'two', soon());
    assert.deepEqual(redis.cli('KEYS', '*').split('\n').toSorted(), [
      'obex:login:#history',
      'obex:login:#index:code:',
      'obex:login:#index:family:',
      'obex:login:#kinds',
      'obex:login:code:a',
      'obex:login:family:b',
    ]);
    const lifeMs = Number(redis.cli('PTTL', 'obex:login:code:a'));
    assert.ok(lifeMs > HOUR_MS && lifeMs <= HOUR_MS + MARGIN_MS, String(lifeMs));
    assert.equal(redis.cli('SMEMBERS', 'obex:login:#kinds').split('\n').toSorted().join(), 'code:,family:');
  });

  it('forgets what has ended in its indexes too, or they would grow for ever', async (t) => {
    const redis = await start(t);
    const clock = new FakeClock();
    const store = await openStore(t, urlOf(redis), { clock });
    for (let n = 0; n < 100; n += 1) await store.set(`code:${n}`, '', clock.nowMs() + 1);
    clock.advance(MARGIN_MS + 1);
    await store.set('code:last', '', soon(clock));
    assert.equal(redis.cli('ZRANGE', 'obex:login:#index:code:', '0', '-1'), 'code:last');
    await store.take('code:last');
    assert.equal(redis.cli('EXISTS', 'obex:login:#index:code:'), '0');
  });

  it('a process whose clock is a day ahead refuses what lives, and takes it from nobody', async (t) => {
    const redis = await start(t);
    const store = await openStore(t, urlOf(redis));
    const ahead = { ...systemClock, nowMs: () => Date.now() + 24 * HOUR_MS };
    const wrong = await openStore(t, urlOf(redis), { clock: ahead });
    await store.set('code:a', 'one', soon());
    assert.equal(await wrong.get('code:a'), undefined);
    assert.equal(await wrong.swap('code:a', { before: 'one', after: 'two', endsAtMs: soon(ahead) }), false);
    await wrong.set('code:b', 'two', soon(ahead));
    assert.equal(await store.get('code:a'), 'one');
    assert.equal(await store.count('code:'), 2);
  });

  it('RFC 9700 §4.14.2: of 50 who rotate one refresh token over two processes one wins', async (t) => {
    const redis = await start(t);
    const stores = [await openStore(t, urlOf(redis)), await openStore(t, urlOf(redis))];
    await stores[0]?.set('refresh:a', 'before', soon());
    const tries = Array.from({ length: 25 }, (_, by) =>
      stores.map((store, at) => store.swap('refresh:a', { before: 'before', after: `${by} ${at}`, endsAtMs: soon() })),
    );
    assert.equal((await Promise.all(tries.flat())).filter(Boolean).length, 1);
    await stores[0]?.set('code:a', 'one', soon());
    const taken = await Promise.all(stores.flatMap((store) => Array.from({ length: 25 }, () => store.take('code:a'))));
    assert.deepEqual(
      taken.filter((text) => text !== undefined),
      ['one'],
    );
    const added = await Promise.all(
      stores.flatMap((store) => Array.from({ length: 25 }, (_, by) => store.add('proof:a', String(by), soon()))),
    );
    assert.equal(added.filter(Boolean).length, 1);
  });

  it('a Redis without memory takes no new key, and lets go of what it has', async (t) => {
    const redis = await start(t);
    const store = await openStore(t, urlOf(redis));
    await store.set('code:a', 'one', soon());
    redis.cli('CONFIG', 'SET', 'maxmemory', '1');
    await assert.rejects(store.set('code:b', 'one', soon()), StoreFull);
    await assert.rejects(store.add('code:b', 'one', soon()), StoreFull);
    await assert.rejects(store.swap('code:a', { before: 'one', after: 'two', endsAtMs: soon() }), StoreUnavailable);
    assert.equal(await store.take('code:a'), 'one');
    redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    await store.set('code:b', 'one', soon());
  });
});

describe('rights', () => {
  /** What docs/kubernetes.md has the operator write, behind the password. */
  function shippedRights(): string {
    const file = readFileSync(join(import.meta.dirname, '../../docs/kubernetes.md'), 'utf8');
    return /^user obex on >\$REDIS_PASSWORD (.*)$/m.exec(file)?.[1] ?? assert.fail('no ACL in docs/kubernetes.md');
  }

  it('the ACL that is shipped is enough for every call, and for nothing else', async (t) => {
    const file = join(createTempFolder('redis-acl').path, 'users.acl');
    writeFileSync(file, `user default off\nuser obex on >secret ${shippedRights()}\n`);
    const redis = await start(t, ['--aclfile', file]);
    const store = await openStore(t, `redis://obex:secret@127.0.0.1:${redis.port}`);
    await store.set('code:a', 'one', soon());
    assert.equal(await store.add('code:b', 'one', soon()), true);
    assert.equal(await store.swap('code:b', { before: 'one', after: 'two', endsAtMs: soon() }), true);
    assert.equal(await store.get('code:b'), 'two');
    assert.equal(await store.count('code:'), 2);
    assert.deepEqual((await Array.fromAsync(store.list(''))).length, 2);
    assert.equal(await store.take('code:a'), 'one');
    await store.remove('code:b');
    const words = [
      ['SET', 'obex:other', ''],
      ['GET', 'a'],
      ['FLUSHALL'],
      ['KEYS', '*'],
      ['CONFIG', 'GET', '*'],
      ['SCAN', '0'],
    ];
    for (const command of words) {
      assert.match(
        redis.cli('--no-auth-warning', '--user', 'obex', '--pass', 'secret', ...command),
        /NOPERM/,
        String(command),
      );
    }
  });

  it('whoever is not let in is told so at once, and not after ten seconds', async (t) => {
    const redis = await start(t, '--user obex on >right ~* +@all --user default off'.split(' '));
    const store = createStore(t, `redis://obex:wrong@127.0.0.1:${redis.port}`);
    await assert.rejects(store.ready(), (error) => error instanceof StoreUnavailable && isWrongPassword(error.cause));
  });

  const isWrongPassword = (error: unknown): boolean => error instanceof Error && error.message.startsWith('WRONGPASS');

  it('another password of the same Redis is taken over, and what was used stays used', async (t) => {
    const redis = await start(t, '--user obex on >old ~* +@all'.split(' '));
    const url = (password: string): string => `redis://obex:${password}@127.0.0.1:${redis.port}`;
    const store = await openStore(t, url('old'));
    await store.set('code:a', 'one', soon());
    assert.equal(await store.take('code:a'), 'one');
    redis.cli('ACL', 'SETUSER', 'obex', 'resetpass', '>new');
    store.renewAccess({ url: parseRedisUrl(url('new')) ?? assert.fail(), ca: undefined });
    redis.cli('CLIENT', 'KILL', 'USER', 'obex');
    await untilReady(store);
    assert.equal(await store.take('code:a'), undefined);
    await store.set('code:b', 'one', soon());
  });
});

describe('a Redis that is away', () => {
  it('every call is unavailable while it is, and works when it is back', async (t) => {
    const port = await freePort();
    const store = createStore(t, `redis://127.0.0.1:${port}`);
    const calls = [
      () => store.get('a'),
      () => store.set('a', 'one', soon()),
      () => store.add('a', 'one', soon()),
      () => store.swap('a', { before: 'one', after: 'two', endsAtMs: soon() }),
      () => store.take('a'),
      () => store.remove('a'),
      () => store.count('code:'),
      () => Array.fromAsync(store.list('code:')),
    ];
    for (const call of calls) await assert.rejects(call, StoreUnavailable);
    await until('the reason', async () => /ECONNREFUSED/.test(String(await causeOf(store.get('a')))) || undefined);
    const redis = await startRedis({ port });
    t.after(() => redis.stop());
    await untilReady(store);
    for (const call of calls) await call();
  });

  async function causeOf(work: Promise<unknown>): Promise<unknown> {
    return work.catch((error: unknown) => (error instanceof Error ? error.cause : undefined));
  }

  it('and while it hangs: nothing waits for more than the command timeout, and one swap wins all the same', async (t) => {
    const redis = await start(t);
    const stores = [await openStore(t, urlOf(redis)), await openStore(t, urlOf(redis))];
    await stores[0]?.set('refresh:a', 'before', soon());
    redis.child.kill('SIGSTOP');
    const swap = (store: RedisStore): Promise<unknown> =>
      outcomeOf(store.swap('refresh:a', { before: 'before', after: randomUUID(), endsAtMs: soon() }));
    const whileHanging = await Promise.all(
      Array.from({ length: 50 }, (_, at) => swap(stores[at % 2] ?? assert.fail())),
    );
    assert.deepEqual(new Set(whileHanging), new Set(['unavailable: no answer from Redis']));
    redis.child.kill('SIGCONT');
    await Promise.all(stores.map(untilReady));
    // One of those that nobody waited for may have been carried out.
    const later = await Promise.all(Array.from({ length: 50 }, (_, at) => swap(stores[at % 2] ?? assert.fail())));
    assert.ok(later.filter((outcome) => outcome === true).length <= 1);
    assert.notEqual(await stores[0]?.get('refresh:a'), 'before');
  });

  it('while it is stopped and started again, no change that was acknowledged is lost to an append-only file', async (t) => {
    const folder = createTempFolder('redis-data').path;
    const args = ['--appendonly', 'yes', '--appendfsync', 'always'];
    const redis = await startRedis({ folder, args });
    const clock = new FakeClock();
    const store = await openStore(t, urlOf(redis), { clock });
    const written: string[] = [];
    const over = new AbortController();
    const writing = (async () => {
      for (let n = 0; !over.signal.aborted; n += 1) {
        const outcome = await outcomeOf(store.set(`code:${n}`, String(n), soon(clock)));
        if (outcome === undefined) written.push(`code:${n}`);
        else await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await until('some to be written', () => written.length > 100 || undefined);
    await redis.kill();
    const again = await startRedis({ folder, args, port: redis.port });
    t.after(() => again.stop());
    const before = written.length;
    await until('more to be written', () => written.length > before + 100 || undefined);
    over.abort();
    await writing;
    for (const key of written) assert.equal(await store.get(key), key.slice('code:'.length));
  });
});

describe('a Redis that has lost what it acknowledged', () => {
  /** One of each way to use something up; the keys of what was used. */
  async function useUp(store: RedisStore): Promise<void> {
    assert.equal(await store.take('code:taken'), 'one');
    assert.equal(await store.swap('refresh:swapped', { before: 'one', after: 'used', endsAtMs: soon() }), true);
    await store.remove('grant:removed');
    assert.equal(await store.add('proof:added', 'one', soon()), true);
  }

  async function prepare(store: RedisStore): Promise<void> {
    await store.set('code:taken', 'one', soon());
    await store.set('refresh:swapped', 'one', soon());
    await store.set('grant:removed', 'one', soon());
  }

  async function assertUsedUp(store: RedisStore): Promise<void> {
    assert.equal(await store.get('code:taken'), undefined);
    assert.equal(await store.get('refresh:swapped'), 'used');
    assert.equal(await store.get('grant:removed'), undefined);
    assert.equal(await store.get('proof:added'), 'one');
  }

  /** A clock of the test's choice. */
  const movable = () => {
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, nowMs: () => Date.now() + aheadMs };
    return { clock, advance: (ms: number) => void (aheadMs += ms) };
  };

  it('is told again what was used, before anything is used there: after a restart from an older snapshot', async (t) => {
    const folder = createTempFolder('redis-data').path;
    const redis = await startRedis({ folder });
    const { clock, advance } = movable();
    const store = await openStore(t, urlOf(redis), { clock });
    await prepare(store);
    redis.cli('SAVE');
    await useUp(store);
    await redis.kill();
    const again = await startRedis({ folder, port: redis.port });
    t.after(() => again.stop());
    assert.notEqual(again.cli('GET', 'obex:login:code:taken'), '', 'Redis has forgotten it');
    // One that has used nothing comes first, and may not use anything yet.
    const other = createStore(t, urlOf(again), { clock });
    await until('a connection', async () => (await outcomeOf(other.take('code:taken'))) === UNSETTLED || undefined);
    await until('a connection', async () => (await outcomeOf(store.take('code:taken'))) === UNSETTLED || undefined);
    await assertUsedUp(other);
    advance(MARGIN_MS + 1);
    assert.equal(await other.take('code:taken'), undefined);
    assert.equal(await other.swap('refresh:swapped', { before: 'one', after: 'two', endsAtMs: soon() }), false);
    assert.equal(await other.add('proof:added', 'two', soon()), false);
  });

  it('after a failover to a replica that the changes had not reached', async (t) => {
    await using watched = await startWatchedRedis();
    const { clock, advance } = movable();
    const store = await openStore(t, watched.url, { clock });
    await prepare(store);
    const [replica] = watched.replicas;
    await until(
      'the replica to have it',
      () => replica?.cli('EXISTS', 'obex:login:grant:removed') === '1' || undefined,
    );
    // A password that the master does not know keeps the replica from it.
    replica?.cli('CONFIG', 'SET', 'masterauth', 'wrong');
    replica?.cli('CLIENT', 'KILL', 'TYPE', 'master');
    await useUp(store);
    assert.equal(replica?.cli('EXISTS', 'obex:login:code:taken'), '1');
    await watched.master.kill();
    await until('the new master', async () => (await outcomeOf(store.take('code:taken'))) === UNSETTLED || undefined);
    await assertUsedUp(store);
    advance(MARGIN_MS + 1);
    assert.equal(await store.take('code:taken'), undefined);
    assert.match(replica?.cli('ROLE') ?? '', /^master/);
  });

  it('nor is anything used on a new master while others may still be at the old one', async (t) => {
    const master = await start(t);
    const replica = await start(t, ['--replicaof', '127.0.0.1', String(master.port)]);
    await until('the replica to follow', () => replica.cli('ROLE').includes('connected') || undefined);
    const { clock, advance } = movable();
    const onOld = await openStore(t, urlOf(master), { clock });
    await prepare(onOld);
    await until('the replica to have it', () => replica.cli('EXISTS', 'obex:login:grant:removed') === '1' || undefined);
    replica.cli('REPLICAOF', 'NO', 'ONE');
    const onNew = createStore(t, urlOf(replica), { clock });
    await until('a connection', async () => (await outcomeOf(onNew.take('code:taken'))) === UNSETTLED || undefined);
    advance(MARGIN_MS - 1_000);
    await useUp(onOld);
    assert.equal(await outcomeOf(onNew.take('code:taken')), UNSETTLED);
    assert.equal(await outcomeOf(onNew.add('proof:added', 'one', soon())), UNSETTLED);
  });

  it('says so once for each history, with the time from which things are used up again', async (t) => {
    const redis = await start(t);
    const said: Record<string, unknown>[] = [];
    const log = { write: (line: string): void => void said.push(parseObject(line)) };
    const clock = new FakeClock();
    const store = await openStore(t, urlOf(redis), { clock, log });
    await store.set('code:a', 'one', soon(clock));
    const announced = () => said.filter(({ event }) => event === 'login_store_unsettled');
    assert.deepEqual(announced(), [], 'where nothing was, nothing can be used twice');
    redis.cli('SET', 'obex:login:#history', `${'0'.repeat(40)} 0`);
    assert.equal(await outcomeOf(store.take('code:a')), UNSETTLED);
    await until('the next connection', async () => (await outcomeOf(store.take('code:a'))) === UNSETTLED || undefined);
    const iso = (ms: number): string => new Date(ms).toISOString();
    const expected = { since: iso(clock.nowMs()), until: iso(clock.nowMs() + MARGIN_MS) };
    assert.deepEqual(
      announced().map(({ since, until: end }) => ({ since, until: end })),
      [expected],
    );
    clock.advance(MARGIN_MS + 1);
    assert.equal(await store.take('code:a'), 'one');
  });

  it('does not wait for a history that was begun by a clock a day ahead', async (t) => {
    const redis = await start(t);
    const store = await openStore(t, urlOf(redis));
    await store.set('code:a', 'one', soon());
    const [id] = redis.cli('GET', 'obex:login:#history').split(' ');
    redis.cli('SET', 'obex:login:#history', `${id} ${Date.now() + 24 * HOUR_MS}`);
    assert.equal(await outcomeOf(store.take('code:a')), UNSETTLED);
    await untilReady(store);
    assert.equal(await store.take('code:a'), 'one');
  });
});

describe('a Redis cluster', () => {
  it('is a store, and stays one when a master dies: nothing that was used is good again', async (t) => {
    await using cluster = await startRedisCluster();
    await t.test('port', { concurrency: false }, () =>
      itIsAStore((clock) =>
        createStore(t, cluster.url, { clock, keyPrefix: `${randomUUID()}:`, commandTimeoutMs: 10_000 }),
      ),
    );
    const store = await openStore(t, cluster.url);
    const keys = Array.from({ length: 64 }, (_, at) => `code:${at}`);
    for (const key of keys) await store.set(key, 'one', soon());
    for (const key of keys) assert.equal(await store.take(key), 'one');
    const master = cluster.nodes.find((node) => node.cli('ROLE').startsWith('master'));
    await master?.kill();
    await untilReady(store);
    for (const key of keys) assert.equal(await store.take(key), undefined);
    assert.equal(await store.count('code:'), 0);
  });
});
