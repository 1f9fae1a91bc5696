/** The connection to Redis: opened again whenever it is lost, at whatever moment. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createLog } from '../../../src/observe/log.ts';
import type { RedisConnection } from '../../../src/state/redis-connection.ts';
import { RedisLink } from '../../../src/state/redis-link.ts';

const log = createLog('fatal', process.stderr);

interface Opened {
  readonly connection: RedisConnection;
  readonly lose: () => void;
  isDestroyed: boolean;
}

/** A link whose attempts end as `outcomes` say, and succeed after that; timers are the test's. */
function createLink(t: TestContext, outcomes: ('opened' | 'refused' | 'lost at once')[] = []) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const opened: Opened[] = [];
  let attempts = 0;
  const link = new RedisLink({
    name: 'replay_cache',
    log,
    open: async (onLost) => {
      attempts += 1;
      const outcome = outcomes.shift() ?? 'opened';
      if (outcome === 'refused') throw new Error('refused');
      const entry: Opened = {
        connection: {
          evaluate: () => Promise.resolve(),
          command: () => Promise.resolve(),
          destroy: () => {
            entry.isDestroyed = true;
          },
        },
        lose: onLost,
        isDestroyed: false,
      };
      opened.push(entry);
      if (outcome === 'lost at once') onLost();
      return entry.connection;
    },
  });
  link.start();
  t.after(() => link.stop());
  return { link, opened, attempts: () => attempts };
}

describe('the link to Redis', () => {
  it('opens another connection when one is lost, even before anybody could use it', async (t) => {
    // Regression: the new attempt was taken to be the one that was just ending, and none was made ever after.
    const { link, opened } = createLink(t, ['lost at once', 'lost at once']);
    await turn();
    assert.equal(link.current, opened[2]?.connection);
    assert.deepEqual(
      opened.map(({ isDestroyed }) => isDestroyed),
      [true, true, false],
    );
    opened[2]?.lose();
    await turn();
    assert.equal(link.current, opened[3]?.connection);
  });

  it('has nothing to offer between attempts that fail, which come at growing distances', async (t) => {
    const { link, opened, attempts } = createLink(
      t,
      Array.from({ length: 7 }, () => 'refused' as const),
    );
    for (const pauseMs of [50, 100, 200, 400, 800, 1000, 1000]) {
      await turn();
      assert.equal(link.current, undefined);
      const before = attempts();
      t.mock.timers.tick(pauseMs - 1);
      assert.equal(attempts(), before);
      t.mock.timers.tick(1);
      assert.equal(attempts(), before + 1);
    }
    await turn();
    assert.equal(link.current, opened[0]?.connection);
  });

  it('opens one connection at a time, and lets nobody drop what is not in use', async (t) => {
    const { link, opened, attempts } = createLink(t);
    link.start();
    assert.ok(link.current instanceof Promise);
    await turn();
    assert.equal(attempts(), 1);
    const [first] = opened;
    if (first !== undefined) {
      link.drop(first.connection, 'why');
      link.drop(first.connection, 'why');
    }
    await turn();
    assert.equal(attempts(), 2);
  });

  it('once stopped gives up its connection and opens none', async (t) => {
    const { link, opened, attempts } = createLink(t);
    await turn();
    link.stop();
    opened[0]?.lose();
    await turn();
    assert.equal(opened[0]?.isDestroyed, true);
    assert.equal(link.current, undefined);
    assert.equal(attempts(), 1);
  });

  it('stopped while it opens one, keeps nothing', async (t) => {
    const { link, opened } = createLink(t);
    link.stop();
    await turn();
    assert.equal(opened[0]?.isDestroyed, true);
    assert.equal(link.current, undefined);
  });

  it('renewed, it opens another connection at once, and the old one may still answer for a while', async (t) => {
    const { link, opened } = createLink(t);
    await turn();
    link.renew(250);
    assert.ok(link.current instanceof Promise, 'whoever comes now waits for the new one');
    await turn();
    assert.equal(link.current, opened[1]?.connection);
    assert.equal(opened[0]?.isDestroyed, false);
    t.mock.timers.tick(250);
    assert.deepEqual(
      opened.map(({ isDestroyed }) => isDestroyed),
      [true, false],
    );
  });
});
