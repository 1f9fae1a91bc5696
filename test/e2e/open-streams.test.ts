/** What an open event stream rests on: the key of its token, its issuer, and its `exp` if that is configured. docs/security-model.md. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { formatConfig, formatRequest, type RequestText } from '../support/obex.ts';
import type { RawClient } from '../support/raw-http.ts';
import { type Phase2Stack, startPhase2 } from '../support/stack.ts';
import { issuerKey, startTestIssuer } from '../support/test-issuer.ts';
import { until } from '../support/until.ts';

const EVENT_STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const NEXT_KEY = issuerKey('ES256', 'next');
const TOKEN_LIFE_MS = 300_000;

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** A stack whose backend begins an event stream, with these events, at each GET; a POST gets what `answer` says. */
async function start(context: TestContext, options: { begin?: string; authz?: string } = {}): Promise<Phase2Stack> {
  const { begin = 'data: 1\n\n', authz } = options;
  const stack = await startPhase2(context, authz === undefined ? {} : { sections: { authz } });
  stack.backend.answer = ({ socket }) => socket.write(EVENT_STREAM + chunk(begin));
  return stack;
}

/** Opens a stream and waits until its first bytes are there. */
async function openStream(stack: Phase2Stack, line: string, request: RequestText = {}): Promise<RawClient<Duplex>> {
  const client = await stack.obex.open();
  await client.send(formatRequest({ ...request, lines: [line, ...(request.lines ?? [])] }));
  await client.readUntil('data:');
  return client;
}

/** The issuer signs with another key from now on, and Obex has heard of it. */
async function withdrawKey(stack: Phase2Stack): Promise<void> {
  stack.issuer.publish(NEXT_KEY);
  const { status } = await stack.obex.send({
    method: 'DELETE',
    target: '/stream',
    lines: [await stack.authorization({ key: NEXT_KEY })],
  });
  assert.equal(status, 200);
}

/** Lets the request that makes Obex fetch keys be answered. */
function answerDeletes(stack: Phase2Stack): void {
  const { answer } = stack.backend;
  stack.backend.answer = (request) => {
    if (request.requestLine.startsWith('DELETE')) request.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    else answer(request);
  };
}

async function assertEnded(client: RawClient<Duplex>, body: string): Promise<void> {
  const response = await client.readResponse();
  assert.deepEqual([response.status, response.complete, response.body.toString()], [200, true, body]);
}

describe('an event stream whose key the issuer withdraws', () => {
  it('ends between two events, and its request to the backend with it', async (context) => {
    const stack = await start(context);
    answerDeletes(stack);
    const client = await openStream(stack, await stack.authorization());
    const { socket } = await stack.backend.request(0);
    const closed = once(socket, 'close');
    await withdrawKey(stack);
    await assertEnded(client, 'data: 1\n\n');
    await closed;
    const { reason, streams } = await stack.obex.event('event_streams_ended');
    assert.deepEqual([reason, streams], ['withdrawn', 1]);
  });

  it('in the middle of an event it ends behind it', async (context) => {
    const stack = await start(context, { begin: 'data: 1\n\ndata: ha' });
    answerDeletes(stack);
    const client = await openStream(stack, await stack.authorization());
    await withdrawKey(stack);
    (await stack.backend.request(0)).socket.write(chunk('lf\n\ndata: 3\n\n'));
    await assertEnded(client, 'data: 1\n\ndata: half\n\n');
  });

  it('an event that never ends is cut, visibly', async (context) => {
    const stack = await start(context, { begin: 'data: never' });
    answerDeletes(stack);
    const client = await openStream(stack, await stack.authorization());
    await withdrawKey(stack);
    assert.equal((await client.readResponse()).complete, false);
  });

  it('while the backend was still thinking it ends before its first event', async (context) => {
    const stack = await start(context);
    stack.backend.answer = () => undefined;
    answerDeletes(stack);
    const client = await stack.obex.open();
    await client.send(formatRequest({ lines: [await stack.authorization()] }));
    const { socket } = await stack.backend.request(0);
    await withdrawKey(stack);
    socket.write(EVENT_STREAM + chunk('data: 1\n\n'));
    await assertEnded(client, '');
  });

  it('goes on when it rests on a key that stays', async (context) => {
    const stack = await start(context);
    answerDeletes(stack);
    const both = [NEXT_KEY, stack.issuer.key];
    stack.issuer.publish(...both);
    const kept = await openStream(stack, await stack.authorization({ key: NEXT_KEY }));
    const lost = await openStream(stack, await stack.authorization());
    await withdrawKeyOf(stack);
    await assertEnded(lost, 'data: 1\n\n');
    (await stack.backend.request(0)).socket.write(chunk('data: 2\n\n'));
    await kept.readUntil('data: 2');
  });

  it('an answer that is no event stream is let end', async (context) => {
    const stack = await start(context);
    stack.backend.answer = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\ndata: ');
    answerDeletes(stack);
    const client = await openStream(stack, await stack.authorization());
    await withdrawKey(stack);
    (await stack.backend.request(0)).socket.write('12345');
    const response = await client.readResponse();
    assert.deepEqual([response.complete, response.body.toString()], [true, 'data: 12345']);
  });
});

/** As `withdrawKey`, where the key that stays is known already: only a third one makes Obex fetch. */
async function withdrawKeyOf(stack: Phase2Stack): Promise<void> {
  const third = issuerKey('ES256', 'third');
  stack.issuer.publish(NEXT_KEY, third);
  const lines = [await stack.authorization({ key: third })];
  assert.equal((await stack.obex.send({ method: 'DELETE', target: '/stream', lines })).status, 200);
}

describe('an event stream whose issuer a reload removes', () => {
  it('ends; that of an issuer that stays goes on', async (context) => {
    const stack = await start(context);
    const other = await startTestIssuer(context, stack.clock);
    const both = `additional_issuers: [{ issuer: "${other.url}", jwks_uri: "${other.jwksUri}" }]`;
    await stack.obex.reload(stack.config({ idp: both }));
    await stack.obex.event('jwks_fetched', ({ issuer }) => issuer === other.url);
    const lost = await openStream(stack, `Authorization: Bearer ${await other.token()}`);
    const kept = await openStream(stack, await stack.authorization());
    await stack.obex.reload(stack.config({ idp: both }));
    await stack.obex.reload(stack.config());
    await assertEnded(lost, 'data: 1\n\n');
    (await stack.backend.request(1)).socket.write(chunk('data: 2\n\n'));
    await kept.readUntil('data: 2');
  });

  it('ends with the alias that its token names, and not before', async (context) => {
    const stack = await start(context);
    const tenants = (...names: readonly string[]): string =>
      stack.config({ idp: `issuer_aliases: ${JSON.stringify(names)}` });
    const [one, two] = ['https://one.example/', 'https://two.example/'] as const;
    await stack.obex.reload(tenants(one, two));
    const lost = await openStream(stack, await stack.authorization({ claims: { iss: one } }));
    const kept = await openStream(stack, await stack.authorization({ claims: { iss: two } }));
    await stack.obex.reload(tenants(two));
    await assertEnded(lost, 'data: 1\n\n');
    (await stack.backend.request(1)).socket.write(chunk('data: 2\n\n'));
    await kept.readUntil('data: 2');
  });

  it('a reload that is refused ends none', async (context) => {
    const stack = await start(context);
    const other = await startTestIssuer(context, stack.clock);
    const client = await openStream(stack, await stack.authorization());
    const refused = formatConfig({
      backend: stack.backend,
      issuer: other,
      sections: { backend: 'tls: { ca_file: /nowhere }' },
    });
    await assert.rejects(stack.obex.reload(refused));
    (await stack.backend.request(0)).socket.write(chunk('data: 2\n\n'));
    await client.readUntil('data: 2');
  });
});

describe('authz.on_token_expiry', () => {
  const LISTEN = { method: 'POST', lines: ['Mcp-Method: subscriptions/listen'], body: '{}' } as const;
  const CALL = { method: 'POST', lines: ['Mcp-Method: tools/call'], body: '{}' } as const;

  it('keep: a stream outlives its token', async (context) => {
    const stack = await start(context);
    const client = await openStream(stack, await stack.authorization());
    stack.clock.advance(10 * TOKEN_LIFE_MS);
    (await stack.backend.request(0)).socket.write(chunk('data: 2\n\n'));
    await client.readUntil('data: 2');
    assert.deepEqual(stack.obex.events('event_streams_ended'), []);
  });

  it('cut: streams on which the server speaks first end with it, the answer to a call goes on', async (context) => {
    const stack = await start(context, { authz: 'on_token_expiry: cut' });
    const line = await stack.authorization();
    const get = await openStream(stack, line);
    const listen = await openStream(stack, line, LISTEN);
    const call = await openStream(stack, line, CALL);
    stack.clock.advance(10 * TOKEN_LIFE_MS);
    await assertEnded(get, 'data: 1\n\n');
    await assertEnded(listen, 'data: 1\n\n');
    (await stack.backend.request(2)).socket.write(chunk('data: 2\n\n'));
    await call.readUntil('data: 2');
    const ended = await until('both to be told of', () => {
      const events = stack.obex.events('event_streams_ended');
      const count = events.reduce((sum, { streams }) => sum + Number(streams), 0);
      return count === 2 ? events : undefined;
    });
    assert.ok(ended.every(({ reason }) => reason === 'token_expired'));
  });
});
