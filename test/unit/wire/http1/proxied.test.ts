/** Both sides of the engine plugged into each other: truncation, aborts, trailers and backpressure from end to end. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { ServerLimits } from '../../../../src/wire/exchange.ts';
import { startProxy } from '../../../support/wire-server.ts';

const SSE = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';

const CHUNK = Buffer.alloc(65_536, 'x');

/** Writes chunks one after the other, each when the kernel has taken the one before. */
function pump(socket: Socket, chunks: number) {
  const progress = { taken: 0 };
  const next = (): void => {
    if (progress.taken === chunks) return;
    socket.write(CHUNK, () => {
      progress.taken += 1;
      next();
    });
  };
  next();
  return progress;
}

/** Lets the event loop turn until nothing moves any more: what has moved then lies in the buffers of the kernel. */
async function untilStill(progress: { readonly taken: number }): Promise<void> {
  let before = -1;
  while (before !== progress.taken || before < 1) {
    before = progress.taken;
    for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
  }
}

describe('RFC 9112 §8: an incomplete request stays incomplete', () => {
  const rows: Readonly<Record<string, readonly [rest: string, limits: Partial<ServerLimits>]>> = {
    payload_too_large: ['8\r\ntoo long\r\n0\r\n\r\n', { maxBodyBytes: 10 }],
    malformed_request: ['zz\r\n0\r\n\r\n', {}],
    request_timeout: ['', { readTimeoutMs: 60 }],
  };
  for (const [failure, [rest, limits]] of Object.entries(rows)) {
    it(`${failure} within an upload: the backend never sees a whole request`, async (context) => {
      const { backend, client } = await startProxy(context, () => undefined, limits);
      await client.send(`${POST}Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n`);
      await backend.receivedText('part');
      if (rest !== '') await client.send(rest);
      const response = await client.readResponse();
      assert.deepEqual([response.body.toString(), response.values('Connection')], [failure, ['close']]);
      await backend.connections[0]?.closed;
      assert.equal(backend.received.endsWith('4\r\npart\r\n'), true);
      assert.equal((await client.readToEnd()).length, 0);
    });
  }

  it('a client that goes away within an upload: the backend connection is destroyed', async (context) => {
    const { backend, client, closed } = await startProxy(context, () => undefined);
    await client.send(`${POST}Content-Length: 8\r\n\r\npart`);
    await backend.receivedText('part');
    client.destroy();
    await backend.connections[0]?.closed;
    assert.equal(backend.received.endsWith('part'), true);
    assert.equal(await closed[0]?.promise, 'aborted');
  });
});

describe('RFC 9112 §7.1.2: trailers', () => {
  it('are dropped both ways, and so is their announcement', async (context) => {
    const { backend, client } = await startProxy(context, (bytes) =>
      bytes.includes('0\r\n\r\n') ? `${SSE}2\r\nok\r\n0\r\nX-Evil: 1\r\n\r\n` : undefined,
    );
    await client.send(
      `${POST}Trailer: X-Obex-User\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Obex-User: root\r\n\r\n`,
    );
    const answer = await client.readUntil('0\r\n\r\n');
    assert.equal(answer.includes('X-Evil'), false);
    assert.equal(backend.received, `${POST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
  });
});

describe('RFC 9112 §9.3: an early answer', () => {
  it('leaves the client connection in step, and the backend connection with half a request on it unused', async (context) => {
    const { backend, client } = await startProxy(context, (bytes) =>
      bytes.includes('part') ? 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno' : undefined,
    );
    await client.send(`${POST}Content-Length: 12\r\n\r\npart`);
    const early = await client.readResponse();
    assert.deepEqual([early.status, early.values('Connection')], [401, []]);
    await client.send(`the rest${POST.replace('/', '/next')}Content-Length: 4\r\n\r\npart`);
    assert.equal((await client.readResponse()).status, 401);
    assert.deepEqual(
      backend.connections.map(({ received }) => received.toString().split(' ')[1]),
      ['/', '/next'],
    );
    assert.equal(backend.received.includes('the rest'), false);
  });
});

describe('backpressure', () => {
  const chunks = 640;
  const total = chunks * CHUNK.length;

  it('a client that does not read holds the backend up', async (context) => {
    const { backend, client } = await startProxy(context, () => `HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    client.socket.pause();
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await backend.receivedText('\r\n\r\n');
    const progress = pump((await backend.connection(0)).socket, chunks);
    await untilStill(progress);
    assert.ok(progress.taken < chunks / 2, `${progress.taken} of ${chunks} chunks left the backend`);
    client.socket.resume();
    const response = await client.readResponse();
    assert.deepEqual([response.body.length, response.complete], [total, true]);
  });

  it('a backend that does not read holds the client up', async (context) => {
    const { backend, client } = await startProxy(context, () => undefined);
    await client.send(`${POST}Content-Length: ${total}\r\n\r\n`);
    await backend.receivedText('\r\n\r\n');
    const { socket, closed } = await backend.connection(0);
    socket.pause();
    const progress = pump(client.socket, chunks);
    await untilStill(progress);
    assert.ok(progress.taken < chunks / 2, `${progress.taken} of ${chunks} chunks left the client`);
    socket.resume();
    while ((backend.connections[0]?.received.length ?? 0) < total) await new Promise(setImmediate);
    socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
    assert.equal((await client.readResponse()).status, 204);
    await closed;
  });
});
