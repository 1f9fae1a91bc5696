/** 2026-07-28: requests of one principal share a process, and each of them stands alone. MCP 2026-07-28, Streamable HTTP. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRecord, parseObject } from '../../support/json.ts';
import { type Reply, textOf } from '../../support/programs/client.ts';
import { ALICE, programOptions, startTestPrograms } from '../../support/programs/programs.ts';

const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';

async function errorOf(reply: Reply): Promise<Readonly<Record<string, unknown>>> {
  const { error } = await reply.message();
  assert.ok(isRecord(error));
  return error;
}

describe('a process of 2026-07-28', () => {
  it('is shared by requests of one principal with the same scopes, in whatever order, and by no others', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const pid = async (identity: Readonly<Record<string, string>>): Promise<unknown> =>
      parseObject(await client(identity).modernText('who'))['pid'];
    const both = { ...ALICE, 'x-obex-scopes': 'a b' };
    const [first, second] = await Promise.all([pid(both), pid({ ...both, 'x-obex-scopes': 'b a' })]);
    assert.equal(first, second);
    const others = [
      { ...ALICE, 'x-obex-scopes': 'a' },
      { ...both, 'x-obex-user': 'bob' },
      { ...both, 'x-obex-client': 'other' },
      { ...both, 'x-obex-issuer': 'https://other.example' },
    ];
    const pids = new Set([first, ...(await Promise.all(others.map(pid)))]);
    assert.equal(pids.size, 5);
  });

  it('never serves a session, nor a session it', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const session = parseObject(await alice.callText('who'))['pid'];
    assert.notEqual(parseObject(await client().modernText('who'))['pid'], session);
  });

  it('gets ids and progress tokens of its own, and clients get theirs back', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const params = (name: string, token: unknown) => ({ name, _meta: { progressToken: token } });
    const alice = client();
    const [one, other] = await Promise.all([
      alice.modern('tools/call', params('progress', 'same'), 'same'),
      client().modern('tools/call', params('progress', 0), 'same'),
    ]);
    for (const [reply, token] of [
      [one, 'same'],
      [other, 0],
    ] as const) {
      assert.ok(reply.isStream);
      const messages = await reply.messages();
      assert.deepEqual(
        messages.slice(0, 2).map((message) => Object(message['params']).progressToken),
        [token, token],
      );
      assert.equal(messages.at(-1)?.['id'], 'same');
    }
    const seen: unknown = JSON.parse(await alice.modernText('seen'));
    assert.ok(Array.isArray(seen));
    assert.deepEqual(
      seen.map((message: unknown) => Object(message).id),
      [1, 2, 3],
    );
  });

  it('answers byte for byte but for the id', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const line = '{"x":1.0,"id":"ID","jsonrpc":"2.0","result":{"n":12345678901234567890}}';
    const reply = await client().modern('tools/call', { name: 'raw', arguments: { line } }, 'mine');
    assert.equal(await reply.text(), line.replace('"ID"', '"mine"'));
  });

  it('tells subscriptions apart by the ids of their clients', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const listen = (id: string) => client().modern('subscriptions/listen', { notifications: {} }, id);
    const streams = [await listen('listen:0'), await listen('listen:0'), await listen('listen:1')];
    for (const [index, stream] of streams.entries()) {
      for (const method of ['notifications/subscriptions/acknowledged', 'notifications/tools/list_changed']) {
        const message = parseObject((await stream.nextEvent())?.data ?? '');
        assert.equal(message['method'], method);
        assert.deepEqual(Object(message['params'])._meta, { [SUBSCRIPTION_ID]: index < 2 ? 'listen:0' : 'listen:1' });
      }
    }
    await Promise.all(streams.map((stream) => stream.close()));
  });

  it('makes some errors of JSON-RPC errors of HTTP', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    await client().modernText('who');
    for (const [code, status] of [
      [-32601, 404],
      [-32020, 400],
      [-32021, 400],
      [-32022, 400],
      [-32602, 200],
      [-32603, 200],
      [-32019, 200],
      [-32023, 200],
    ] as const) {
      const reply = await client().modern('refuse', { code });
      assert.equal(reply.status, status, String(code));
      assert.deepEqual(await errorOf(reply), { code, message: 'refused' });
    }
  });

  it('hears that a stream was closed as a cancellation', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = client();
    await alice.modernText('who');
    const asked = new AbortController();
    const hanging = alice.modern('tools/call', { name: 'hang' }, 'h', asked.signal);
    await alice.modernText('who');
    asked.abort();
    await assert.rejects(hanging);
    const stream = await alice.modern('subscriptions/listen', { notifications: {} }, 'l');
    await stream.close();
    for (;;) {
      const seen: unknown = JSON.parse(await alice.modernText('seen'));
      assert.ok(Array.isArray(seen));
      const ids = (wanted: (message: Readonly<Record<string, unknown>>) => boolean): unknown[] =>
        seen.filter((message) => isRecord(message) && wanted(message));
      const cancelled = ids(({ method }) => method === 'notifications/cancelled').map(
        (message) => Object(message).params.requestId,
      );
      if (cancelled.length < 2) continue;
      const closed = ids(
        ({ method, params }) => method === 'subscriptions/listen' || Object(params).name === 'hang',
      ).map((message) => Object(message).id);
      assert.deepEqual(new Set(cancelled), new Set(closed));
      return;
    }
  });

  it('hears of a cancellation that is posted, with its own id, where only one request can be meant', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = client();
    const asked = new AbortController();
    const hang = (id: string) => alice.modern('tools/call', { name: 'hang' }, id, asked.signal);
    const hanging = [hang('once'), hang('twice'), hang('twice')];
    await alice.modernText('who');
    const fields = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'notifications/cancelled' };
    for (const requestId of ['twice', 'once', 'never']) {
      const body = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } };
      assert.equal((await alice.post(body, fields)).status, 202);
    }
    const seen: unknown = JSON.parse(await alice.modernText('seen'));
    assert.ok(Array.isArray(seen));
    const named = seen.filter((message) => isRecord(message) && message['method'] === 'notifications/cancelled');
    assert.equal(named.length, 1);
    const once: unknown = seen.find((message) => isRecord(message) && message['id'] === named[0].params.requestId);
    assert.equal(Object(once).params.name, 'hang');
    asked.abort();
    await Promise.allSettled(hanging);
  });

  it('that answers first with an error speaks another era, and does not stay', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions('legacy'));
    const reply = await client().modern('server/discover');
    assert.equal(reply.status, 404);
    assert.equal((await errorOf(reply))['code'], -32601);
    await event('program_ended', { reason: 'era_refused' });
    const alice = await client().open();
    assert.equal(await alice.callText('echo', { text: 'a' }), 'a');
  });

  it('goes with the only client that waited for its first answer', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions());
    const asked = new AbortController();
    const hanging = client().modern('tools/call', { name: 'hang' }, 1, asked.signal);
    await event('program_started');
    asked.abort();
    await assert.rejects(hanging);
    await event('program_ended', { reason: 'client_gone' });
  });

  it('that crashes fails its calls, ends its subscriptions, and is followed by another', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const alice = client();
    const stream = await alice.modern('subscriptions/listen', { notifications: {} }, 'l');
    const dying = await alice.modern('tools/call', { name: 'die' }, 'd');
    assert.deepEqual(await dying.message(), {
      jsonrpc: '2.0',
      id: 'd',
      error: { code: -32603, message: 'the program has ended' },
    });
    assert.equal((await stream.messages()).length, 2);
    assert.equal(await alice.modernText('echo', { text: 'again' }), 'again');
  });

  it('is asked for by POST alone, with headers that agree', async (context) => {
    const { client, events } = await startTestPrograms(context, programOptions());
    const alice = client();
    const version = { 'mcp-protocol-version': '2026-07-28' };
    for (const method of ['GET', 'DELETE']) {
      const reply = await alice.send(method, { accept: 'text/event-stream', ...version });
      assert.equal(reply.status, 405);
      assert.equal(reply.response.headers.get('allow'), 'POST');
    }
    const missing = await alice.post({ jsonrpc: '2.0', id: 1, method: 'server/discover', params: {} }, version);
    assert.equal(missing.status, 400);
    assert.equal((await errorOf(missing))['code'], -32020);
    const answer = await alice.post({ jsonrpc: '2.0', id: 1, result: {} }, version);
    assert.equal(answer.status, 400);
    assert.equal((await alice.post({ jsonrpc: '2.0', method: 'notifications/x' }, version)).status, 202);
    assert.deepEqual(events('program_started'), []);
  });

  it('never hears a request that does not say what it speaks, or speaks what is not known', async (context) => {
    const { client, events } = await startTestPrograms(context, programOptions());
    const VERSION = 'io.modelcontextprotocol/protocolVersion';
    const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
    for (const [version, meta, code] of [
      ['2026-07-28', undefined, -32602],
      ['2026-07-28', { [CAPABILITIES]: {} }, -32602],
      ['2026-07-28', { [VERSION]: '2026-07-28' }, -32602],
      ['2026-07-28', { [VERSION]: '2026-07-28', [CAPABILITIES]: [] }, -32602],
      ['2099-01-01', { [VERSION]: '2099-01-01', [CAPABILITIES]: {} }, -32022],
      ['v9', { [VERSION]: 'v9', [CAPABILITIES]: {} }, -32022],
      ['1.0', { [VERSION]: '1.0', [CAPABILITIES]: {} }, -32022],
    ] as const) {
      const fields = { 'mcp-protocol-version': version, 'mcp-method': 'server/discover' };
      const body = { jsonrpc: '2.0', id: 7, method: 'server/discover', params: { _meta: meta } };
      const reply = await client().post(body, fields);
      assert.equal(reply.status, 400);
      const error = await errorOf(reply);
      assert.equal(error['code'], code, JSON.stringify(meta));
      if (code === -32022) assert.deepEqual(error['data'], { supported: ['2026-07-28'], requested: version });
    }
    assert.deepEqual(events('program_started'), []);
  });

  it('goes on where a client takes one form of answer alone', async (context) => {
    const { client } = await startTestPrograms(context, programOptions());
    const body = (name: string) => ({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
          progressToken: 1,
        },
      },
    });
    const fields = (accept: string, name: string) => ({
      accept,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    });
    const json = await client().post(body('progress'), fields('application/json', 'progress'));
    assert.equal(json.response.headers.get('content-type'), 'application/json');
    assert.equal(textOf(await json.message()), 'done');
    const events = await client().post(body('who'), fields('text/event-stream;q=1', 'who'));
    assert.ok(events.isStream);
    assert.equal((await events.messages()).length, 1);
    assert.equal((await client().post(body('who'), fields('text/html', 'who'))).status, 406);
  });
});
