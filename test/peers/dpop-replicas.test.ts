/** Two Obex processes on one Redis: no proof is accepted twice, whatever becomes of Redis meanwhile. RFC 9449 §11.1. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { parseObject } from '../support/json.ts';
import { type ObexProcess, startObexProcess } from '../support/obex-process.ts';
import { type Copier, countSuccesses, RESOURCE, SCOPE, startCopier } from '../support/proof-copies.ts';
import { sendRawRequest } from '../support/raw-request.ts';
import { type RedisServer, startRedis, startWatchedRedis } from '../support/redis.ts';
import { type RememberingBackend, startRememberingBackend } from '../support/remembering-backend.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const COPIES = 100;

const running = new AsyncDisposableStack();
let backend: RememberingBackend;
let copier: Copier;

before(async () => {
  requireDebianPackages();
  backend = running.adopt(await startRememberingBackend(), (it) => it.stop());
  copier = running.adopt(await startCopier(), (it) => it.stop());
});

after(() => running.disposeAsync());

// Without skew a new Redis is trusted after six seconds instead of sixteen.
function configText(redisUrl: string): string {
  return `obex: { public_url: "https://tool.example", listen: "127.0.0.1:0" }
backend: { url: "http://127.0.0.1:${backend.port}" }
resource: { url: "${RESOURCE}" }
idp: { issuer: "${copier.idp.issuer}", clock_skew: "0s" }
authz: { required_scopes: ["${SCOPE}"] }
dpop:
  enabled: true
  replay_cache: { backend: redis, redis: { url: "${redisUrl}" } }
`;
}

interface Replicas {
  readonly processes: readonly ObexProcess[];
  /** Sends one proof to both, many times at once; returns the answers, and asserts what must always hold. */
  attempt(count?: number): Promise<readonly (number | string)[]>;
}

async function startReplicas(t: TestContext, redisUrl: string): Promise<Replicas> {
  const config = configText(redisUrl);
  const processes = await Promise.all([startObexProcess({ config }), startObexProcess({ config })]);
  t.after(() => Promise.all(processes.map((it) => it.stop())));
  await untilReady(processes);
  const ports = processes.map(({ port }) => port);
  return {
    processes,
    attempt: async (count = COPIES) => {
      backend.forget();
      const answers = await copier.sendCopies(ports, count);
      const successes = countSuccesses(answers);
      assert.ok(successes <= 1, `one proof was accepted ${successes} times`);
      assert.equal(backend.requests().length, successes);
      return answers;
    },
  };
}

async function untilReady(processes: readonly ObexProcess[]): Promise<void> {
  for (const { port } of processes) {
    await until('Obex to be ready', async () => (await readiness(port)) === 'ok' || undefined);
  }
}

/** What `/ready` says of the replay cache. */
async function readiness(port: number): Promise<unknown> {
  const { body } = await sendRawRequest({ port, target: '/ready' });
  const { checks } = parseObject(body.toString());
  return typeof checks === 'object' && checks !== null && 'replay_cache' in checks ? checks.replay_cache : undefined;
}

/** Answers and how often each was given, but for the successes. */
function refusals(answers: readonly (number | string)[]): ReadonlySet<number | string> {
  return new Set(answers.filter((answer) => answer !== 200));
}

describe('one proof sent 100 times at once over two processes', () => {
  it('is accepted once', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const { attempt } = await startReplicas(t, `redis://127.0.0.1:${redis.port}`);
    for (let round = 0; round < 10; round += 1) {
      const answers = await attempt();
      assert.equal(countSuccesses(answers), 1, answers.join());
      assert.deepEqual(refusals(answers), new Set(['dpop_replayed']));
    }
  });

  const pauses: Readonly<Record<string, { pause(redis: RedisServer): void; resume(redis: RedisServer): void }>> = {
    // Ends by itself: no command gets through before, not even the one to end it.
    'CLIENT PAUSE': { pause: (redis) => redis.cli('CLIENT', 'PAUSE', '3000', 'ALL'), resume: () => {} },
    SIGSTOP: {
      pause: (redis) => redis.child.kill('SIGSTOP'),
      resume: (redis) => redis.child.kill('SIGCONT'),
    },
  };
  for (const [how, { pause, resume }] of Object.entries(pauses)) {
    it(`is never accepted while Redis is paused (${how}), nor twice when it goes on in between, and all heals`, async (t) => {
      const redis = await startRedis();
      t.after(() => redis.stop());
      const { processes, attempt } = await startReplicas(t, `redis://127.0.0.1:${redis.port}`);
      assert.equal(countSuccesses(await attempt()), 1);
      pause(redis);
      assert.deepEqual(new Set(await attempt()), new Set(['replay_cache_unavailable']));
      for (const { port } of processes) {
        await until('/ready to say so', async () => (await readiness(port)) === 'error' || undefined);
      }
      const meanwhile = attempt();
      resume(redis);
      await meanwhile;
      await untilReady(processes);
      assert.equal(countSuccesses(await attempt()), 1);
    });
  }

  it('is never accepted twice while the sentinels replace a master that has died, and all heals', async (t) => {
    await using watched = await startWatchedRedis();
    const { processes, attempt } = await startReplicas(t, watched.url);
    for (let round = 0; round < 5; round += 1) assert.equal(countSuccesses(await attempt()), 1);
    const killed = watched.master.kill();
    await until('the new master to be trusted', async () => countSuccesses(await attempt(20)) === 1 || undefined);
    await killed;
    assert.match(watched.replicas[0]?.cli('ROLE') ?? '', /^master/);
    await untilReady(processes);
    assert.equal(countSuccesses(await attempt()), 1);
    for (const { port } of processes) assert.equal(await readiness(port), 'ok');
  });
});

describe('the password of Redis is changed', () => {
  for (const workers of [1, 2]) {
    it(`in its file: a reload takes it over, and proofs that were used stay used (${workers} threads)`, async (t) => {
      const redis = await startRedis({ args: ['--requirepass', 'first'] });
      t.after(() => redis.stop());
      const folder = createTempFolder('password');
      t.after(() => folder.remove());
      const path = join(folder.path, 'url');
      const write = (password: string, database = 0): void =>
        writeFileSync(path, `redis://:${password}@127.0.0.1:${redis.port}/${database}\n`);
      write('first');
      const config = configText('')
        .replace('url: ""', `url_file: "${path}"`)
        .replace('listen:', `workers: ${workers}, listen:`);
      const obex = await startObexProcess({ config });
      t.after(() => obex.stop());
      await untilReady([obex]);
      const copy = await copier.makeCopy();
      assert.equal(await copy(obex.port), 200);

      redis.cli('-a', 'first', '--no-auth-warning', 'CONFIG', 'SET', 'requirepass', 'second');
      redis.cli('-a', 'second', '--no-auth-warning', 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await until('Redis to be out of reach', async () => (await readiness(obex.port)) === 'error' || undefined);
      write('second');
      obex.kill('SIGHUP');
      await obex.waitForEvent('reloaded');
      await untilReady([obex]);
      // Each thread has a connection of its own, and one of them has said that it is ready.
      const answer = await until('the thread that is asked to reach Redis', async () => {
        const found = await copy(obex.port);
        return found === 'replay_cache_unavailable' ? undefined : found;
      });
      assert.equal(answer, 'dpop_replayed');

      write('second', 1);
      obex.kill('SIGHUP');
      const { problems } = await obex.waitForEvent('reload_refused');
      const database = 'the database in dpop.replay_cache.redis.url';
      assert.deepEqual(problems, [`a reload cannot change ${database}; restart Obex to change it`]);
      assert.doesNotMatch(obex.output(), /first@|second/);
    });
  }
});
