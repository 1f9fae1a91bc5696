/** The login thread over its life: started, asked, configured, crashed, started again, ended; the process goes on. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { LoginOrders } from '../../../src/login/messages.ts';
import type { LoginRequest } from '../../../src/state/login-channel.ts';
import { LoginDesk } from '../../../src/workers/login-desk.ts';
import { loginOptions } from '../../support/login-options.ts';
import { recordLog } from '../../support/recorded-log.ts';
import { until } from '../../support/until.ts';

const ENTRY = new URL('../../support/scripted-login.ts', import.meta.url);
const TOKEN_LIFE_MS = 900_000;

function ordersWith(title: string): LoginOrders {
  return { options: { ...loginOptions(), title, accessTokenTtlMs: TOKEN_LIFE_MS }, level: 'info' };
}

function createDesk(context: TestContext, title = '') {
  const { observers, clock, events, event } = recordLog();
  const desk = new LoginDesk(ordersWith(title), {
    observers,
    createThread: (orders) => new Worker(ENTRY, { workerData: orders }),
  });
  context.after(() => desk.stop());
  const keys: (readonly object[])[] = [];
  desk.followKeys((jwks) => void keys.push(jwks));
  return {
    desk,
    clock,
    keys,
    events,
    event,
  };
}

function request(target: string, override: Partial<LoginRequest> = {}): LoginRequest {
  const body = Buffer.from('body');
  return { method: 'POST', target, fields: [], body, clientAddress: '192.0.2.1', requestId: 'id-1', ...override };
}

describe('LoginDesk', () => {
  it('answers as the thread does, tells its keys before its first answer, writes its lines', async (context) => {
    const { desk, keys, event } = createDesk(context);
    assert.deepEqual(await desk.ask(request('/early')), { failed: 'down' });
    await desk.start();
    assert.equal(keys.length, 1);
    const answer = await desk.ask(request('/echo'));
    assert.ok('body' in answer);
    assert.deepEqual(
      { ...answer, body: Buffer.from(answer.body).toString() },
      { status: 200, fields: ['X-Target', '/echo'], body: 'body' },
    );
    assert.equal((await event('asked'))['target'], '/echo');
  });

  it('does not start when the thread cannot, in its words', async (context) => {
    const { desk } = createDesk(context, 'refused');
    await assert.rejects(desk.start(), { message: 'the store cannot be opened' });
    assert.deepEqual(await desk.ask(request('/echo')), { failed: 'down' });
  });

  it('a bug in the server is one answer, and one event with the id of the request', async (context) => {
    const { desk, event } = createDesk(context);
    await desk.start();
    assert.deepEqual(await desk.ask(request('/bug')), { failed: 'bug' });
    const { request_id, error } = await event('internal_error');
    assert.deepEqual({ request_id, error }, { request_id: 'id-1', error: 'a bug in the server' });
    assert.ok('status' in (await desk.ask(request('/echo'))));
  });

  for (const [target, error] of [
    ['/crash', 'the thread has crashed'],
    ['/exit', 'the login thread has ended with code 3'],
  ] as const) {
    it(`starts the thread again after ${target}: what was in flight fails, keys of issued tokens stay for their life`, async (context) => {
      const { desk, clock, keys, event } = createDesk(context);
      await desk.start();
      const inFlight = [desk.ask(request('/never')), desk.ask(request(target))];
      assert.deepEqual(await Promise.all(inFlight), [{ failed: 'down' }, { failed: 'down' }]);
      const failed = await event('login_thread_failed');
      assert.equal(failed['error'], error);
      assert.ok(Number(failed['restart_in_ms']) >= 500);
      assert.deepEqual(keys.at(-1), keys[0], 'nothing is forgotten meanwhile');
      await event('login_thread_restarted');
      assert.ok('status' in (await desk.ask(request('/echo'))));
      const [own, inherited, ...others] = keys.at(-1) ?? [];
      assert.deepEqual([inherited, others], [keys[0]?.[0], []]);
      assert.notDeepEqual(own, inherited);
      clock.advance(TOKEN_LIFE_MS + 60_000);
      let now: readonly object[] = [];
      desk.followKeys((jwks) => void (now = jwks));
      assert.deepEqual(now, [own]);
    });
  }

  it('is configured anew, or refuses and stays as it was; the same again is no message', async (context) => {
    const { desk } = createDesk(context);
    await desk.start();
    await desk.configure(ordersWith('next'));
    assert.equal(desk.orders.options.title, 'next');
    await assert.rejects(desk.configure(ordersWith('refused')), { message: 'the server refuses it' });
    assert.equal(desk.orders.options.title, 'next');
    await desk.configure(ordersWith('next'));
  });

  it('a reload while the thread is down is for the next one, whose refusal is told', async (context) => {
    const { desk, event, events } = createDesk(context);
    await desk.start();
    await desk.ask(request('/crash'));
    await event('login_thread_failed');
    await desk.configure(ordersWith('refused'));
    await until('the next failure', () => (failuresOf(events()).length > 1 ? true : undefined));
    assert.equal(failuresOf(events())[1]?.['error'], 'the store cannot be opened');
  });

  it('one network has a share of the thread, whatever else is asked', async (context) => {
    const { desk } = createDesk(context);
    await desk.start();
    const from = (last: string) => desk.ask(request('/never', { clientAddress: `2001:db8::${last}` }));
    for (let count = 0; count < 32; count += 1) void from(String(count));
    assert.deepEqual(await from('ffff'), { failed: 'limited', waitMs: 1_000 });
    assert.ok('status' in (await desk.ask(request('/echo', { clientAddress: '2001:db8:1::1' }))));
  });

  it('ends when it is told to, after the server has', async (context) => {
    const { desk, event, events } = createDesk(context);
    await desk.start();
    await desk.stop();
    await event('server_stopped');
    assert.deepEqual(failuresOf(events()), []);
    assert.deepEqual(await desk.ask(request('/echo')), { failed: 'down' });
  });
});

function failuresOf(events: readonly Readonly<Record<string, unknown>>[]) {
  return events.filter(({ event }) => event === 'login_thread_failed');
}
