/** The programs thread over its life: started, configured, crashed, started again, ended; nothing of it stays behind. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import type { ProgramsOptions } from '../../../src/programs/options.ts';
import { ProgramsDesk } from '../../../src/workers/programs-desk.ts';
import { startProgramsThread } from '../../../src/workers/thread.ts';
import { parseObject } from '../../support/json.ts';
import { ProgramClient } from '../../support/programs/client.ts';
import { isGone, isRunning } from '../../support/programs/process.ts';
import { ALICE, programOptions, programsOptions } from '../../support/programs/programs.ts';
import { createSocketFetch } from '../../support/programs/socket-fetch.ts';
import { recordLog } from '../../support/recorded-log.ts';

function createDesk(context: TestContext, options: ProgramsOptions) {
  const { observers, event } = recordLog();
  const threads: Worker[] = [];
  const desk = new ProgramsDesk(options, 'info', {
    observers,
    createThread: (orders) => {
      const thread = startProgramsThread(orders);
      threads.push(thread);
      return thread;
    },
  });
  context.after(() => desk.stop(0));
  return {
    desk,
    threads,
    event,
    client: (server = 'files') => new ProgramClient(createSocketFetch(desk.place, ALICE), `http://programs/${server}`),
  };
}

function openOf(desk: ProgramsDesk): number {
  const [family] = desk.metrics.families;
  return [...(family?.samples() ?? [])].reduce((sum, { value }) => sum + value, 0);
}

describe('ProgramsDesk', () => {
  it('starts the thread behind a socket in a folder of this user alone, and tells its events and counts', async (context) => {
    const { desk, client, event } = createDesk(context, programsOptions(programOptions()));
    await desk.start();
    assert.equal(statSync(dirname(desk.place.socketPath)).mode & 0o777, 0o700);
    const alice = await client().open();
    assert.equal(await alice.callText('echo', { text: 'a' }), 'a');
    assert.equal((await event('program_started'))['server'], 'files');
    assert.equal(openOf(desk), 1);
    await desk.stop(0);
    assert.equal(openOf(desk), 0);
    assert.equal(existsSync(dirname(desk.place.socketPath)), false);
  });

  it('does not start, and is not configured, when the thread cannot', async (context) => {
    const bad = programsOptions(programOptions('', { user: 'no-such-user' }));
    const problem = { message: 'files: there is no user no-such-user in /etc/passwd' };
    await assert.rejects(createDesk(context, bad).desk.start(), problem);
    const { desk, client } = createDesk(context, programsOptions(programOptions()));
    await desk.start();
    const alice = await client().open();
    await assert.rejects(desk.configure(bad, 'info'), problem);
    assert.equal(await alice.callText('echo', { text: 'a' }), 'a');
    await desk.configure(programsOptions(programOptions(), programOptions('', { name: 'more' })), 'debug');
    assert.equal(await (await client('more').open()).callText('echo', { text: 'b' }), 'b');
  });

  it('ends the processes of a thread that died, and starts another, which answers at the same place', async (context) => {
    const { desk, client, event, threads } = createDesk(context, programsOptions(programOptions('stubborn')));
    await desk.start();
    const alice = await client().open();
    const pid = Number(parseObject(await alice.callText('who'))['pid']);
    const grandchild = Number(await alice.callText('fork'));
    await threads[0]?.terminate();
    await isGone(pid);
    await isGone(grandchild);
    await event('programs_thread_failed');
    await event('programs_thread_restarted');
    assert.equal((await alice.call('echo')).status, 404);
    assert.equal(await (await client().open()).callText('echo', { text: 'again' }), 'again');
    assert.equal(threads.length, 2);
    assert.equal(openOf(desk), 1);
  });

  it('stop ends all, those that ignore it too', async (context) => {
    const { desk, client } = createDesk(context, programsOptions(programOptions('stubborn')));
    await desk.start();
    const alice = await client().open();
    const pid = Number(parseObject(await alice.callText('who'))['pid']);
    await desk.stop(0);
    assert.equal(isRunning(pid), false);
  });
});
