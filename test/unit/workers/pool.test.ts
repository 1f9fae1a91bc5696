/** The main thread of several workers, over workers that do as the test says: all or none, and no silent death. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { packConfig } from '../../../src/config/portable.ts';
import type { Config } from '../../../src/config/schema.ts';
import { createObservers } from '../../../src/observe/observers.ts';
import { TICKET_KEYS_LIFETIME_MS } from '../../../src/state/ticket-keys.ts';
import { Colleague } from '../../../src/workers/colleague.ts';
import { type Pool, startPool } from '../../../src/workers/pool.ts';
import { createSharedMemory } from '../../../src/workers/shared-memory.ts';
import { formatConfig, parseConfig } from '../../support/obex.ts';
import { changeServer } from '../../support/only-server.ts';
import { until } from '../../support/until.ts';

const ENTRY = new URL('../../support/scripted-worker.ts', import.meta.url).href;
const WORKERS = 2;

/** `script`: which message which worker refuses, e.g. `prepare=1`. */
function configFor(script: string): Config {
  const config = parseConfig(formatConfig({ backend: { port: 1 }, sections: { obex: `workers: ${WORKERS}` } }));
  return changeServer(config, ({ backend }) => ({
    backend: { ...backend, url: new URL(`http://backend/?${script}`) },
  }));
}

async function start(context: TestContext, script: string): Promise<{ pool: Pool; config: Config; said: string[] }> {
  const config = configFor(script);
  const said: string[] = [];
  const lines = { write: (text: string): void => void said.push(text.trimEnd()) };
  const observers = createObservers('error', { write: () => undefined });
  const memory = createSharedMemory(config, WORKERS);
  const pool = await startPool(config, { entry: ENTRY, workers: WORKERS, memory, observers, lines });
  context.after(() => pool.stop());
  return { pool, config, said };
}

describe('Pool', () => {
  it('listens when all listen, the first of them first', async (context) => {
    const { pool, said } = await start(context, '');
    assert.equal(pool.url, 'http://localhost:1');
    assert.deepEqual(said, ['0 listen', '1 listen']);
  });

  it('is not started when one of them cannot listen', async (context) => {
    await assert.rejects(start(context, 'listen=1'), { message: 'worker 1 refuses' });
  });

  it('puts a config in force when all have prepared it', async (context) => {
    const { pool, config, said } = await start(context, '');
    await pool.reload(config);
    assert.deepEqual(said.slice(2, 4).toSorted(), ['0 prepare', '1 prepare']);
    assert.deepEqual(said.slice(4).toSorted(), ['0 commit', '1 commit']);
  });

  it('puts it in force in none when one refuses, and says why', async (context) => {
    const { pool, config, said } = await start(context, 'prepare=1');
    await assert.rejects(pool.reload(config), { message: 'worker 1 refuses' });
    await until('both discard it', () =>
      said.filter((line) => line.endsWith('discard')).length === 2 ? true : undefined,
    );
    assert.ok(!said.some((line) => line.endsWith('commit')));
  });

  it('goes back to the old one in all when one cannot put it in force, and says why', async (context) => {
    const { pool, config, said } = await start(context, '');
    const next = configFor('commit=1');
    await assert.rejects(pool.reload({ ...config, servers: next.servers }), { message: 'worker 1 refuses' });
    const [first, second] = [0, 1].map((index) => said.filter((line) => line.startsWith(`${index} `)).slice(1));
    assert.deepEqual(first, ['0 prepare', '0 commit', '0 prepare', '0 commit']);
    assert.deepEqual(second, ['1 prepare', '1 commit', '1 prepare', '1 commit']);
  });

  it('sends all workers new keys of session tickets every hour, and no more once it has stopped', async (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] });
    const { said, pool } = await start(context, '');
    context.mock.timers.tick(TICKET_KEYS_LIFETIME_MS);
    await until('both have them', () => (said.length === 4 ? true : undefined));
    assert.deepEqual(said.slice(2).toSorted(), ['0 ticket_keys', '1 ticket_keys']);
    pool.stop();
    context.mock.timers.tick(TICKET_KEYS_LIFETIME_MS);
    assert.equal(said.length, 4);
  });

  it('has drained when all have ended', async (context) => {
    const { pool, said } = await start(context, '');
    await pool.drain();
    assert.deepEqual(said.slice(2).toSorted(), ['0 drain', '1 drain']);
  });
});

describe('Colleague', () => {
  function hire(context: TestContext, script: string) {
    const config = configFor(script);
    const death = Promise.withResolvers<Error>();
    const handOver = {
      config: packConfig(config),
      files: {
        tls: undefined,
        redisCa: undefined,
        issuerCas: [],
        servers: [],
      },
      rateLimits: {},
      servers: {},
    };
    const birth = { memory: createSharedMemory(config, 1), index: 0, handOver, programs: undefined };
    const handlers = {
      onLines: () => undefined,
      onRefresh: () => undefined,
      onLogin: () => undefined,
      onDeath: death.resolve,
    };
    const colleague = new Colleague(ENTRY, birth, handlers);
    context.after(() => colleague.terminate());
    return { colleague, death: death.promise };
  }

  it('a bug in a worker is told with its error, and fails what was asked of it', async (context) => {
    const { colleague, death } = hire(context, 'bug=listen');
    await assert.rejects(colleague.listen(0), { message: 'a bug' });
    assert.equal((await death).message, 'a bug');
    await colleague.ended;
  });

  it('one that ends as it was told to is no failure', async (context) => {
    const { colleague, death } = hire(context, '');
    await colleague.listen(0);
    colleague.tell({ kind: 'drain' });
    await colleague.ended;
    assert.equal(await Promise.race([death, Promise.resolve('no failure')]), 'no failure');
  });
});
