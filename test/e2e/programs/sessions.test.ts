/** Sessions up to 2025-11-25: a process each, whose they are, and messages that pass as they are. MCP 2025-11-25 transports. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseObject } from '../../support/json.ts';
import { textOf } from '../../support/programs/client.ts';
import { ALICE, programOptions, startTestPrograms } from '../../support/programs/programs.ts';

const NOT_FOUND = { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } };

function errorOf(message: Readonly<Record<string, unknown>>): unknown {
  return message['error'];
}

describe('a session', () => {
  it('is opened by initialize and has a process of its own', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const one = await client().open();
    const other = await client().open();
    assert.equal(await one.callText('echo', { text: 'hello' }), 'hello');
    assert.notEqual(await one.callText('who'), await other.callText('who'));
  });

  it('answers with JSON where the response is all there is, and names the session', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const reply = await client().initialize();
    assert.equal(reply.status, 200);
    assert.equal(reply.response.headers.get('content-type'), 'application/json');
    assert.match(reply.sessionId ?? '', /^[0-9a-f-]{36}$/);
  });

  it('is its principal’s alone: to another subject, client or issuer it is not there', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    for (const [field, value] of [
      ['x-obex-user', 'mallory'],
      ['x-obex-client', 'other'],
      ['x-obex-issuer', 'https://other.example'],
    ] as const) {
      const stranger = client({ ...ALICE, [field]: value });
      stranger.sessionId = alice.sessionId;
      for (const reply of [await stranger.call('echo'), await stranger.get(), await stranger.delete()]) {
        assert.equal(reply.status, 404);
        assert.deepEqual(await reply.message(), NOT_FOUND);
      }
    }
    assert.equal(await alice.callText('echo', { text: 'still here' }), 'still here');
    await (await alice.delete()).text();
    await event('program_ended', { reason: 'deleted' });
  });

  it('ends when a token comes that allows less; one that allows more changes nothing', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions());
    const both = await client({ ...ALICE, 'x-obex-scopes': 'mcp:read mcp:write' }).open();
    const more = client({ ...ALICE, 'x-obex-scopes': 'mcp:admin mcp:write mcp:read' });
    more.sessionId = both.sessionId;
    assert.equal(await more.callText('echo', { text: 'more' }), 'more');
    const fewer = client({ ...ALICE, 'x-obex-scopes': 'mcp:read' });
    fewer.sessionId = both.sessionId;
    assert.equal((await fewer.call('echo')).status, 404);
    assert.equal((await both.call('echo')).status, 404);
    await event('program_ended', { reason: 'scopes_reduced' });
  });

  it('is asked for by its id: without one 400, with a wrong one 404', async (context) => {
    const { client, events } = await startTestPrograms(context, programOptions());
    const nobody = client();
    for (const reply of [await nobody.call('echo'), await nobody.get(), await nobody.delete()]) {
      assert.equal(reply.status, 400);
      assert.deepEqual(errorOf(await reply.message()), {
        code: -32000,
        message: 'Bad Request: Mcp-Session-Id is missing',
      });
    }
    nobody.sessionId = 'no-such-session';
    for (const reply of [
      await nobody.call('echo'),
      await nobody.get(),
      await nobody.delete(),
      await nobody.initialize(),
    ]) {
      assert.equal(reply.status, 404);
      assert.deepEqual(await reply.message(), NOT_FOUND);
    }
    assert.deepEqual(events('program_started'), []);
  });

  it('is initialized once, knows the versions that there are, and uses an id once at a time', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const { sessionId } = alice;
    assert.equal((await alice.initialize()).status, 400);
    alice.sessionId = sessionId;
    alice.version = '1999-01-01';
    assert.equal((await alice.call('echo')).status, 400);
    alice.version = '2025-11-25';
    const hanging = alice.post({ jsonrpc: '2.0', id: 'a', method: 'tools/call', params: { name: 'hang' } });
    await alice.callText('echo');
    const again = await alice.post({ jsonrpc: '2.0', id: 'a', method: 'tools/call', params: { name: 'echo' } });
    assert.equal(again.status, 400);
    assert.deepEqual(await again.message(), {
      jsonrpc: '2.0',
      id: 'a',
      error: { code: -32600, message: 'Invalid Request: its id is in use' },
    });
    await (await alice.delete()).text();
    assert.deepEqual(errorOf(await (await hanging).message()), { code: -32603, message: 'the session has ended' });
  });
});

describe('messages', () => {
  const RAW = '{"jsonrpc":"2.0","ts":1.0,"id":"ID","result":{"n":12345678901234567890, "e":"\\u00e9"},"extra":null}';

  it('of a program pass byte for byte, with members that nobody knows', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const reply = await alice.call('raw', { line: RAW });
    assert.equal(await reply.text(), RAW.replace('"ID"', '1'));
  });

  it('of a client pass with all their members, in one line', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const body = '{\r\n "jsonrpc": "2.0", "x-trace": [1,\n2], "method": "notifications/other"}';
    assert.equal((await alice.post(body)).status, 202);
    const seen: unknown = JSON.parse(await alice.callText('seen'));
    assert.ok(Array.isArray(seen));
    assert.deepEqual(seen.at(-2), { jsonrpc: '2.0', 'x-trace': [1, 2], method: 'notifications/other' });
  });

  it('are responses with `result: null`, and errors without an id', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const empty = await alice.call('raw', { line: '{"jsonrpc":"2.0","id":"ID","result":null}' });
    assert.deepEqual(await empty.message(), { jsonrpc: '2.0', id: 1, result: null });
    const unread = await alice.call('raw', {
      line: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}',
    });
    assert.deepEqual(await unread.message(), { jsonrpc: '2.0', id: 2, error: { code: -32700, message: '?' } });
    const without = await alice.call('raw', { line: '{"jsonrpc":"2.0","error":{"code":-32700,"message":"?"}}' });
    assert.deepEqual(await without.message(), { jsonrpc: '2.0', id: 3, error: { code: -32700, message: '?' } });
  });

  it('are told from other lines, which are logged and skipped', async (context) => {
    const { client, events, event } = await startTestPrograms(context, programOptions('noisy'));
    const alice = await client().open();
    assert.equal(await alice.callText('echo', { text: 'a' }), 'a');
    await event('program_line_skipped', { line: '[1, 2]' });
    assert.deepEqual(
      events('program_line_skipped').map(({ line }) => line),
      ['Welcome to the server!', '{"not": "a message"}', '[1, 2]'],
    );
  });

  it('of a batch go one by one, and come back on one stream (2025-03-26)', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open('2025-03-26');
    const call = (id: number, text: string) =>
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo","arguments":{"text":"${text}"}}}`;
    const reply = await alice.post(
      `[${call(1, 'one')},\n {"jsonrpc":"2.0","method":"notifications/x"} , ${call(2, 'two')}]`,
    );
    assert.ok(reply.isStream);
    assert.deepEqual((await reply.messages()).map(textOf), ['one', 'two']);
    const noAnswer = await alice.post('[{"jsonrpc":"2.0","method":"notifications/y"}]');
    assert.equal(noAnswer.status, 202);
    const seen: unknown = JSON.parse(await alice.callText('seen'));
    assert.ok(Array.isArray(seen) && seen.every((message) => !Array.isArray(message)));
  });

  it('that a strict reader refuses never reach a program', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const twice = '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}';
    const reply = await alice.post(twice);
    assert.equal(reply.status, 400);
    assert.deepEqual(errorOf(await reply.message()), {
      code: -32700,
      message: 'Parse error: a member name twice in one object',
      data: { reason: 'malformed_message' },
    });
    assert.equal((await alice.post('{}', { 'content-type': 'text/plain' })).status, 415);
    const wrongName = await alice.post(
      { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'echo' } },
      { 'mcp-name': 'other' },
    );
    assert.equal(wrongName.status, 400);
    assert.equal(Object(errorOf(await wrongName.message())).code, -32020);
    const seen = await alice.callText('seen');
    assert.ok(!seen.includes('"ping"'));
    assert.equal(seen.match(/"tools\/call"/g)?.length, 1);
  });
});

describe('what a program sends beside responses', () => {
  it('goes to the stream that its progress token points to', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const reply = await alice.call('progress', {}, { _meta: { progressToken: 'my-token' } });
    assert.ok(reply.isStream);
    const messages = await reply.messages();
    const params = messages.slice(0, 2).map((message) => message['params']);
    assert.deepEqual(
      params,
      [1, 2].map((progress) => ({ progressToken: 'my-token', progress })),
    );
    assert.equal(textOf(messages.at(-1) ?? {}), 'done');
  });

  it('goes to the newest request in flight, a request of its own too, whose answer is posted', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const reply = await alice.call('ask');
    const asked = parseObject((await reply.nextEvent())?.data || ((await reply.nextEvent())?.data ?? ''));
    assert.deepEqual(asked, { jsonrpc: '2.0', id: 'of-the-program', method: 'roots/list' });
    const answered = await alice.post({ jsonrpc: '2.0', id: 'of-the-program', result: { roots: [] } });
    assert.equal(answered.status, 202);
    assert.equal(textOf(await reply.message()), '{"roots":[]}');
  });

  it('goes to GET when nothing is in flight, also when GET comes later', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open('2025-06-18');
    const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
    assert.equal(await alice.callText('announce'), 'done');
    const stream = await alice.get();
    assert.deepEqual(parseObject((await stream.nextEvent())?.data ?? ''), changed);
    assert.equal(await alice.callText('announce'), 'done');
    assert.deepEqual(parseObject((await stream.nextEvent())?.data ?? ''), changed);
    await stream.close();
  });
});
