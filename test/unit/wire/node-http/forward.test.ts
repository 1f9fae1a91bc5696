/** Both sides of the wire plugged together: truncation, aborts and backpressure from end to end. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { BackendOptions } from '../../../../src/wire/backend.ts';
import type { ServerLimits } from '../../../../src/wire/exchange.ts';
import { type OnRequestBytes, startRawBackend } from '../../../support/raw-http.ts';
import { backendOptions, createForwarder, startFixture } from './fixture.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const SSE = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

interface Overrides {
  readonly limits?: Partial<ServerLimits>;
  readonly backend?: Partial<BackendOptions>;
}

async function startProxy(context: TestContext, onBytes: OnRequestBytes, overrides: Overrides = {}) {
  const backend = await startRawBackend(onBytes);
  context.after(() => backend.close());
  const forwarder = createForwarder(context, backendOptions(backend.port, overrides.backend));
  const fixture = await startFixture(context, { ...overrides, onExchange: forwarder.forward });
  return { backend, fixture, failures: forwarder.failures, client: await fixture.open() };
}

describe('RFC 9112 §8: truncation stays visible', () => {
  it('leaves a cut chunked answer without its last chunk and closes', async (context) => {
    const { backend, client, fixture } = await startProxy(context, () => `${SSE}4\r\npart\r\n`);
    await client.send(GET);
    await client.readUntil('part\r\n');
    backend.connections[0]?.socket.destroy();
    const response = await client.readResponse();
    assert.equal(response.body.toString(), 'part');
    assert.equal(response.complete, false);
    await fixture.outcome(1);
    assert.deepEqual(fixture.outcomes, ['aborted']);
  });

  it('never shows the backend a whole request when the body is refused, breaks or stops', async (context) => {
    const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n';
    const rows: readonly [rest: string, limits: Partial<ServerLimits>, failure: string][] = [
      ['8\r\ntoo long\r\n', { maxBodyBytes: 10 }, 'payload_too_large'],
      ['zz\r\n', {}, 'malformed_request'],
      ['', { readTimeoutMs: 60 }, 'request_timeout'],
    ];
    for (const [rest, limits, failure] of rows) {
      const { backend, client, failures } = await startProxy(context, () => undefined, { limits });
      await client.send(chunked);
      await backend.receivedText('part');
      await client.send(rest);
      const response = await client.readResponse();
      assert.equal(response.body.toString(), failure);
      assert.deepEqual(response.values('Connection'), ['close']);
      await backend.connections[0]?.closed;
      assert.equal(backend.received.endsWith('4\r\npart\r\n'), true);
      assert.deepEqual(failures, [failure]);
      assert.equal((await client.readToEnd()).length, 0);
    }
  });
});

describe('MCP: a client that disconnects', () => {
  it('ends the backend request before its answer, and within a stream', async (context) => {
    for (const answer of [undefined, `${SSE}7\r\ndata: 1\r\n`]) {
      const { backend, client, fixture } = await startProxy(context, () => answer);
      await client.send(GET);
      await backend.receivedText('\r\n\r\n');
      if (answer !== undefined) await client.readUntil('data: 1');
      client.destroy();
      await backend.connections[0]?.closed;
      await fixture.outcome(1);
      assert.deepEqual(fixture.outcomes, ['aborted']);
    }
  });

  it('ends the backend request within an upload', async (context) => {
    const { backend, client } = await startProxy(context, () => undefined);
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\npart');
    await backend.receivedText('part');
    client.destroy();
    await backend.connections[0]?.closed;
    assert.equal(backend.received.endsWith('part'), true);
  });
});

describe('streams', () => {
  it('flushes the head of an event stream before its first event, and each event as it comes', async (context) => {
    const { backend, client } = await startProxy(context, () => SSE);
    await client.send(GET);
    assert.equal((await client.readHead()).status, 200);
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      backend.connections[0]?.socket.write(`9\r\n${event}\r\n`);
      await client.readUntil(event);
    }
  });

  it('holds the backend up while the client does not read', async (context) => {
    const total = 40_000_000;
    const answer = Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`),
      Buffer.alloc(total, 'x'),
    ]);
    const { backend, client, fixture } = await startProxy(context, () => answer);
    client.socket.pause();
    await client.send(GET);
    const connection = await backend.connection(0);
    let sent = -1;
    // Until nothing moves any more: what lies between is bounded by socket buffers, or all of it would have moved.
    while (sent !== fixture.exchanges[0]?.bytesSent || sent < 1) {
      sent = fixture.exchanges[0]?.bytesSent ?? -1;
      for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(sent < total, 'the answer is not buffered here');
    assert.ok(connection.socket.writableLength > 0, 'the backend is held up');
    client.socket.resume();
    const response = await client.readResponse();
    assert.equal(response.body.length, total);
    assert.equal(response.complete, true);
  });

  it('passes an early answer on and keeps the connection for the rest of the body and the next request', async (context) => {
    const early = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno';
    const { backend, client, fixture } = await startProxy(context, (bytes) =>
      bytes.includes('part') ? early : undefined,
    );
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\npart');
    const response = await client.readResponse();
    assert.equal(response.status, 401);
    assert.deepEqual(response.values('Connection'), ['keep-alive']);
    await client.send('the rest');
    await client.send('POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\npart');
    assert.equal((await client.readResponse()).status, 401);
    assert.equal(fixture.exchanges[1]?.head.target, '/next');
    assert.equal(backend.connections.length, 2, 'a connection with half a request on it is not used again');
  });

  it('drops trailers both ways', async (context) => {
    const { backend, client } = await startProxy(context, (bytes) =>
      bytes.includes('0\r\n') ? `${SSE}2\r\nok\r\n0\r\nX-Evil: 1\r\n\r\n` : undefined,
    );
    await client.send(
      'POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Obex-User\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Obex-User: root\r\n\r\n',
    );
    await client.readUntil('0\r\n\r\n');
    assert.equal(client.buffered.includes('X-Evil'), false);
    assert.equal(backend.received.includes('root'), false);
    assert.equal(backend.received.includes('X-Obex-User'), false);
  });
});
