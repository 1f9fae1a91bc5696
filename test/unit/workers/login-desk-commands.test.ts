/** Commands of the owner through the desk: the threads that serve know what was called back before the owner does. RFC 7009 §2.1. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createObservers } from '../../../src/observe/observers.ts';
import type { LoginCommand } from '../../../src/state/login-control.ts';
import type { Revocation } from '../../../src/state/revoked-tokens.ts';
import { LoginDesk } from '../../../src/workers/login-desk.ts';
import { loginOptions } from '../../support/login-options.ts';
import { until } from '../../support/until.ts';

const ENTRY = new URL('../../support/scripted-login.ts', import.meta.url);

function revoke(name: string): LoginCommand {
  return { kind: 'revoke', whose: { by: 'subject', name } };
}

function createDesk(context: TestContext) {
  let output = '';
  const observers = createObservers('info', { write: (line) => void (output += line) });
  const desk = new LoginDesk(
    { options: loginOptions(), level: 'info' },
    { observers, createThread: (orders) => new Worker(ENTRY, { workerData: orders }) },
  );
  context.after(() => desk.stop());
  const told: (readonly Revocation[])[] = [];
  desk.followRevocations((now) => told.push(now));
  const event = (name: string) => until(name, () => (output.includes(`"event":"${name}"`) ? true : undefined));
  return { desk, told, event, names: () => told.at(-1)?.map((each) => each.name) };
}

describe('commands through the desk', () => {
  it('are carried out by the thread; what it calls back is told first', async (context) => {
    const { desk, told } = createDesk(context);
    assert.deepEqual(await desk.command(revoke('ann')), { kind: 'failed', why: 'down' });
    await desk.start();
    assert.deepEqual(await desk.command(revoke('ann')), { kind: 'revoked', ended: 1 });
    const endsAtMs = Number.MAX_SAFE_INTEGER;
    assert.deepEqual(told, [[{ by: 'subject', name: 'ann', issuedUntil: 1, endsAtMs }]]);
  });

  it('fail with the thread, which forgets nothing for those that serve', async (context) => {
    const { desk, names, event } = createDesk(context);
    await desk.start();
    await desk.command(revoke('ann'));
    const inFlight = [desk.command(revoke('never')), desk.command(revoke('crash'))];
    assert.deepEqual(await Promise.all(inFlight), [
      { kind: 'failed', why: 'down' },
      { kind: 'failed', why: 'down' },
    ]);
    await event('login_thread_restarted');
    assert.deepEqual(await desk.command(revoke('bob')), { kind: 'revoked', ended: 1 });
    assert.deepEqual(names(), ['ann', 'bob']);
  });
});
