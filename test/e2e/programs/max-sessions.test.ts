/** `max_sessions`: how many processes there may be, whose share they are, and who has to go. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseObject } from '../../support/json.ts';
import type { ProgramClient, Reply } from '../../support/programs/client.ts';
import { ALICE, programOptions, startTestPrograms } from '../../support/programs/programs.ts';
import { until } from '../../support/until.ts';

const NOTIFICATION = { jsonrpc: '2.0', method: 'notifications/x' };
/** Initializes, and does not heed the end of its input. */
const SLOW_TO_END = ['sh', '-c', `read -r line; echo '{"jsonrpc":"2.0","id":0,"result":{}}'; exec sleep 1000`];
const BOB = { ...ALICE, 'x-obex-user': 'bob' };

async function pidOf(client: ProgramClient): Promise<unknown> {
  return parseObject(await client.callText('who'))['pid'];
}

async function errorOf(reply: Reply): Promise<unknown> {
  return (await reply.message())['error'];
}

describe('max_sessions', () => {
  const BUSY = { code: -32000, message: 'Too many sessions' };

  it('leaves a principal a quarter; its own that has been idle longest goes first', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions('', { maxSessions: 8 }));
    const first = await client().open();
    const pid = await pidOf(first);
    const second = await client().open();
    const bob = await client(BOB).open();
    const third = await client().open();
    await event('program_ended', { reason: 'evicted', pid });
    assert.equal((await first.call('echo')).status, 404);
    for (const each of [second, bob, third]) assert.equal(await each.callText('echo', { text: 'a' }), 'a');
  });

  it('refuses who has nothing idle, and takes it when there is room', async (context) => {
    const { client } = await startTestPrograms(context, programOptions('', { maxSessions: 1 }));
    const alice = await client().open();
    const hanging = alice.call('hang');
    for (const identity of [ALICE, BOB]) {
      const reply = await client(identity).initialize();
      assert.equal(reply.status, 503);
      assert.equal(reply.response.headers.get('retry-after'), '1');
      assert.deepEqual(await errorOf(reply), BUSY);
    }
    assert.equal((await client(BOB).modern('server/discover')).status, 503);
    await (await alice.delete()).text();
    await hanging;
    // The one that is ending is its own, so it waits for it; whoever comes after may make room as well.
    const again = await client().open();
    assert.equal(await again.callText('echo', { text: 'a' }), 'a');
  });

  it('counts a subject once, however many clients it has', async (context) => {
    const { client } = await startTestPrograms(context, programOptions('', { maxSessions: 8 }));
    const clients = ['a', 'b', 'c'].map((id) => client({ ...ALICE, 'x-obex-client': id }));
    const hanging: Promise<Reply>[] = [];
    for (const each of clients.slice(0, 2)) hanging.push((await each.open()).call('hang'));
    await Promise.all(clients.slice(0, 2).map((each) => each.callText('echo', { text: 'a' })));
    const third = await clients.at(-1)?.initialize();
    assert.equal(third?.status, 503);
    assert.equal((await client(BOB).initialize()).status, 200);
    // One of a's makes room for c's, and still is a's alone.
    await (await clients[0]?.delete())?.text();
    await hanging[0];
    const other = client({ ...ALICE, 'x-obex-client': 'c' });
    await other.open();
    other.sessionId = clients[1]?.sessionId;
    assert.equal((await other.call('echo')).status, 404);
  });

  it('counts those that are ending: many at once never run more than there may be', async (context) => {
    const { client, metrics } = await startTestPrograms(context, programOptions('', { maxSessions: 4 }));
    const processes = metrics.families.find(({ name }) => name === 'obex_program_processes');
    let most = 0;
    const look = setInterval(() => {
      for (const { value } of processes?.samples() ?? []) most = Math.max(most, value);
    }, 1);
    context.after(() => clearInterval(look));
    await client().open();
    const replies = await Promise.all(Array.from({ length: 12 }, () => client().initialize()));
    // One makes room, and has it until it is answered: nobody else of the same takes it away.
    assert.deepEqual(
      replies.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, ...Array.from({ length: 11 }, () => 503)],
    );
    for (const reply of replies) {
      const message = await reply.message();
      if (reply.status === 200) assert.ok('result' in message);
    }
    assert.equal(most, 1);
  });

  it('starts nothing for a client that has gone before there was room', async (context) => {
    const { client, event, events } = await startTestPrograms(
      context,
      programOptions('', { command: SLOW_TO_END, maxSessions: 1 }),
    );
    const first = await client().open();
    const gone = new AbortController();
    const left = client().post({ jsonrpc: '2.0', id: 0, method: 'initialize' }, {}, gone.signal);
    await until('the first makes room', async () => (await first.post(NOTIFICATION)).status === 404 || undefined);
    gone.abort();
    await assert.rejects(left);
    await event('program_ended', { reason: 'evicted' });
    assert.equal((await client().initialize()).status, 200);
    assert.equal(events('program_started').length, 2);
  });
});
