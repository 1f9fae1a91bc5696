/** What keeps programs within bounds: time without a message, what is kept for who comes back, a reload. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseObject } from '../../support/json.ts';
import { type ProgramClient, type Reply, textOf } from '../../support/programs/client.ts';
import { ALICE, programOptions, programsOptions, startTestPrograms } from '../../support/programs/programs.ts';

async function pidOf(client: ProgramClient): Promise<unknown> {
  return parseObject(await client.callText('who'))['pid'];
}

async function errorOf(reply: Reply): Promise<unknown> {
  return (await reply.message())['error'];
}

describe('idle_timeout', () => {
  it('ends a session without messages, an open GET or not, and nothing that is waited for', async (context) => {
    const { client, event, events } = await startTestPrograms(context, programOptions('', { idleTimeoutMs: 200 }));
    const idle = await client().open();
    const idlePid = await pidOf(idle);
    const stream = await idle.get();
    const busy = await client().open();
    const busyPid = await pidOf(busy);
    const hanging = busy.call('hang');
    await event('program_ended', { reason: 'idle', pid: idlePid });
    assert.deepEqual(await stream.messages(), []);
    assert.equal((await idle.call('echo')).status, 404);
    // As long as the other was idle, and longer.
    const third = await client().open();
    await event('program_ended', { reason: 'idle', pid: await pidOf(third) });
    assert.deepEqual(
      events('program_ended').filter(({ pid }) => pid === busyPid),
      [],
    );
    await (await busy.delete()).text();
    assert.deepEqual(await errorOf(await hanging), { code: -32603, message: 'the session has ended' });
  });

  it('ends a shared process, too, whose only request is a subscription', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions('', { idleTimeoutMs: 100 }));
    const alice = client();
    await alice.modernText('who');
    const stream = await alice.modern('subscriptions/listen', { notifications: {} }, 'l');
    await event('program_ended', { reason: 'idle' });
    assert.equal((await stream.messages()).length, 2);
  });
});

describe('a stream that broke off', () => {
  it('goes on behind the last event that the client has seen', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const asked = await alice.call('ask');
    const first = await asked.nextEvent();
    // Node’s client of 2025-11-25 is told first how to come back.
    assert.ok(first?.id !== undefined);
    await asked.close();
    await (await alice.post({ jsonrpc: '2.0', id: 'of-the-program', result: 'late' })).text();
    const resumed = await alice.get({ 'last-event-id': first.id });
    const messages = await resumed.messages();
    assert.equal(messages.at(-1)?.['id'], 1);
    assert.equal(textOf(messages.at(-1) ?? {}), '"late"');
    // And once more, for who lost that one as well.
    assert.deepEqual(await (await alice.get({ 'last-event-id': first.id })).messages(), messages);
  });

  it('primes clients from 2025-11-25 on, and none before, which could not read it', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    for (const [version, data] of [
      ['2025-11-25', ['']],
      ['2025-06-18', []],
    ] as const) {
      const alice = await client().open(version);
      const reply = await alice.call('log');
      const found: string[] = [];
      for (let event = await reply.nextEvent(); event !== undefined; event = await reply.nextEvent()) {
        if (event.data === '') found.push(event.data);
      }
      assert.deepEqual(found, data);
    }
  });

  it('is refused when what follows is not kept, or never was', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const stream = await alice.get();
    const primed = await stream.nextEvent();
    assert.equal(await alice.callText('announce'), 'done');
    const announced = await stream.nextEvent();
    assert.notEqual(announced?.data, '');
    await stream.close();
    const flood = await alice.call('flood', { messages: 1_000 });
    assert.equal((await flood.messages()).length, 1_001);
    for (const id of [primed?.id ?? '', '7-1', 'x', '0']) {
      const reply = await alice.get({ 'last-event-id': id });
      assert.equal(reply.status, 400, id);
      assert.deepEqual(await errorOf(reply), {
        code: -32000,
        message: 'What follows Last-Event-ID is not kept any more',
      });
    }
    const resumed = await alice.get({ 'last-event-id': announced?.id ?? '' });
    assert.equal(resumed.status, 200);
    await resumed.close();
  });
});

describe('a slow client', () => {
  it('keeps nobody else waiting, and gets everything in the end', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const other = await client().open();
    const flood = await alice.call('flood', { messages: 20_000 });
    assert.equal((await other.callText('large', { bytes: 3_000_000 })).length, 3_000_000);
    assert.equal((await flood.messages()).length, 20_001);
  });

  it('that has gone keeps a program from nothing', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const flood = await alice.call('flood', { messages: 20_000 });
    await flood.close();
    assert.equal(await alice.callText('echo', { text: 'a' }), 'a');
  });
});

describe('a reload', () => {
  it('keeps processes where only limits change, and lets the others come to their end', async (context) => {
    const { client, event, programs } = await startTestPrograms(
      context,
      programOptions(),
      programOptions('', { name: 'removed' }),
      programOptions('', { name: 'changed' }),
    );
    const kept = await client().open();
    const removed = await client(ALICE, 'removed').open();
    const changed = await client(ALICE, 'changed').open();
    const [removedPid, changedPid] = [await pidOf(removed), await pidOf(changed)];
    const finishing = await changed.call('ask');
    programs.configure(
      programsOptions(
        programOptions('', { maxSessions: 1, idleTimeoutMs: 1_000_000 }),
        programOptions('', { name: 'changed', env: { A: 'b' } }),
      ),
    );
    assert.equal(await kept.callText('echo', { text: 'kept' }), 'kept');
    await event('program_ended', { reason: 'drained', pid: removedPid });
    assert.equal((await removed.call('echo')).status, 404);
    assert.equal((await changed.call('echo')).status, 404);
    await finishing.close();
    await event('program_ended', { reason: 'drained', pid: changedPid });
    const fresh = await client(ALICE, 'changed').open();
    assert.equal(parseObject(await fresh.callText('environment'))['A'], 'b');
  });

  it('that is not possible changes nothing', async (context) => {
    const { client, programs } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    assert.throws(
      () =>
        programs.configure(
          programsOptions(
            programOptions('', { name: 'new' }),
            programOptions('', { name: 'bad', user: 'no-such-user' }),
          ),
        ),
      { message: 'bad: there is no user no-such-user in /etc/passwd' },
    );
    assert.equal(await alice.callText('echo', { text: 'a' }), 'a');
    assert.equal((await client(ALICE, 'new').initialize()).status, 404);
  });

  it('stop waits for what is in flight, for as long as it may', async (context) => {
    const { client, programs, event } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const asked = await alice.call('ask');
    const hanging = alice.call('hang');
    const stopped = programs.stop(300);
    assert.deepEqual(await errorOf(await hanging), { code: -32603, message: 'the session has ended' });
    assert.deepEqual(await errorOf(asked), { code: -32603, message: 'the session has ended' });
    await stopped;
    await event('program_ended', { reason: 'drained' });
    await assert.rejects(client().initialize());
  });
});

describe('the socket', () => {
  it('answers nobody who lacks the secret, and knows no paths but those of servers', async (context) => {
    const { client, place, fetch, events } = await startTestPrograms(context, programOptions());
    const { createSocketFetch } = await import('../../support/programs/socket-fetch.ts');
    const url = 'http://programs/files';
    for (const hop of ['', 'the-secret-of-this-process-', 'the-secret-of-that-process']) {
      const stranger = await createSocketFetch({ ...place, hop }, ALICE)(url, { method: 'DELETE' });
      assert.equal(stranger.status, 403);
      assert.equal(await stranger.text(), '');
    }
    for (const path of ['', 'other', 'files/', 'files/rest', 'FILES', '%66iles']) {
      assert.equal((await client(ALICE, path).initialize()).status, 404, path);
    }
    const put = await fetch()(url, { method: 'PUT', body: '{}' });
    assert.equal(put.status, 405);
    assert.equal(put.headers.get('allow'), 'GET, POST, DELETE');
    const large = await client().post('x'.repeat(4 * 1024 * 1024 + 1));
    assert.equal(large.status, 413);
    assert.deepEqual(events('program_started'), []);
  });
});
