/** Bodies that one client sends slowly, or to a process that does not read them, and all the others meanwhile. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { ProgramsPlace } from '../../../src/programs/options.ts';
import { ALICE, programOptions, startTestPrograms } from '../../support/programs/programs.ts';

const BOB = { ...ALICE, 'x-obex-user': 'bob' };
const MIB = 1024 * 1024;
/** Initializes, and reads no more. */
const UNREAD = ['sh', '-c', `read -r line; echo '{"jsonrpc":"2.0","id":0,"result":{}}'; exec sleep 1000`];
/** Does not end before it is killed. */
const STUBBORN = [
  'sh',
  '-c',
  `trap '' TERM; read -r line; echo '{"jsonrpc":"2.0","id":0,"result":{}}'; exec sleep 1000`,
];

function largeNotification(): string {
  return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/x', params: { text: 'x'.repeat(4 * MIB - 100) } });
}

async function sendSlowly(context: TestContext, { socketPath, hop }: ProgramsPlace): Promise<void> {
  const headers = {
    ...ALICE,
    'x-obex-hop': hop,
    'content-type': 'application/json',
    'content-length': 4 * MIB,
  };
  const sent = request({ socketPath, path: '/files', method: 'POST', headers });
  sent.on('error', () => undefined);
  context.after(() => void sent.destroy());
  const { promise, resolve } = Promise.withResolvers<void>();
  sent.write('{', () => resolve());
  await promise;
}

describe('bodies', () => {
  it('that are announced, and do not come, keep nobody out', async (context) => {
    const { client, place } = await startTestPrograms(context, programOptions());
    await Promise.all(Array.from({ length: 40 }, () => sendSlowly(context, place)));
    for (const identity of [BOB, ALICE]) {
      const each = await client(identity).open();
      assert.equal(await each.callText('echo', { text: 'a' }), 'a');
    }
  });

  it('that a process does not read are refused soon, and keep nobody else out', async (context) => {
    const { client } = await startTestPrograms(
      context,
      programOptions('', { command: UNREAD }),
      programOptions('', { name: 'other' }),
    );
    const alice = client();
    await (await alice.initialize()).message();
    const body = largeNotification();
    const statuses: number[] = [];
    // One is on its way to the process, and one waits for it.
    const { promise: isRefused, resolve } = Promise.withResolvers<void>();
    for (let sent = 0; sent < 40; sent += 1) {
      void alice.post(body).then(({ status }) => {
        statuses.push(status);
        if (statuses.length === 39) resolve();
      });
    }
    await isRefused;
    assert.deepEqual(
      statuses.toSorted((a, b) => a - b),
      [202, ...Array.from({ length: 38 }, () => 503)],
    );
    const bob = await client(BOB, 'other').open();
    assert.equal((await bob.post(body)).status, 202);
    assert.equal(await bob.callText('echo', { text: 'a' }), 'a');
    const end = await alice.delete();
    assert.equal(end.status, 204);
  });

  it('count while they wait for the end of another process', async (context) => {
    const { client } = await startTestPrograms(context, programOptions('', { command: STUBBORN, maxSessions: 1 }));
    await (await client().initialize()).message();
    const params = { text: 'x'.repeat(4 * MIB - 200) };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    const gone = new AbortController();
    const isBusy = Promise.withResolvers<string>();
    // A quarter of what there is: eight wait, until the first has been killed.
    for (let sent = 0; sent < 9; sent += 1) {
      client()
        .post(body, {}, gone.signal)
        .then((reply) => reply.text())
        .then(isBusy.resolve, () => undefined);
      await setTimeout(50);
    }
    assert.match(await isBusy.promise, /Too many requests in flight/);
    gone.abort();
  });

  it('hold no more messages than somebody may mean', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open('2025-03-26');
    const batch = (messages: number): string => `[${Array.from({ length: messages }, () => NOTIFICATION).join()}]`;
    assert.equal((await alice.post(batch(1_024))).status, 202);
    const reply = await alice.post(batch(1_025));
    assert.equal(reply.status, 400);
    assert.deepEqual((await reply.message())['error'], {
      code: -32600,
      message: 'Invalid Request: the batch has too many messages',
    });
    assert.equal(await alice.callText('echo', { text: 'a' }), 'a');
  });
});

const NOTIFICATION = '{"jsonrpc":"2.0","method":"notifications/x"}';
