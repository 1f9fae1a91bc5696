/** What waits behind an answer costs its bytes, in however many pieces it comes, and does not wait for ever. RFC 9112 §9.3.2. */
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ConnectionInput } from '../../../../src/wire/http1/connection-input.ts';
import { HeldChunks } from '../../../../src/wire/http1/held-chunks.ts';
import { head, LIMITS, openMemoryConnection, RecordingSink, respondText } from '../../../support/wire-peers.ts';

/** A sink that knows in how many pieces it was written. */
class CountingSink extends RecordingSink {
  writes = 0;

  override write(chunk: Uint8Array): boolean {
    this.writes += 1;
    return super.write(chunk);
  }
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('bytes that wait for their turn', () => {
  it('are kept in one piece: a client that sends them one by one takes no more than one that does not', () => {
    const connection = openMemoryConnection({ onExchange: () => undefined });
    connection.socket.receive('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n');
    for (let i = 0; i < 20_000; i += 1) connection.socket.receive(String(i % 10));
    const sink = new CountingSink();
    connection.exchanges[0]?.body.deliverTo(sink);
    assert.equal(sink.text, '0123456789'.repeat(2000));
    assert.equal(sink.outcome, 'end');
    assert.equal(sink.writes, 1);
  });

  it('keep their order when small and large pieces take turns', () => {
    const held = new HeldChunks();
    const pieces = [1, 4095, 4096, 3, 5000, 70_000, 1, 1, 300].map((length, i) => Buffer.alloc(length, i + 65));
    for (const piece of pieces) held.add(piece);
    assert.equal(held.length, Buffer.concat(pieces).length);
    const taken = held.take();
    assert.deepEqual(Buffer.concat(taken), Buffer.concat(pieces));
    assert.equal(held.length, 0);
    assert.deepEqual(held.take(), []);
    const memory = taken.reduce((sum, chunk) => sum + chunk.buffer.byteLength, 0);
    assert.ok(memory <= 2 * Buffer.concat(pieces).length + 4096, `${memory} bytes`);
  });

  it('do not change what is taken when more is added', () => {
    const held = new HeldChunks();
    held.add(Buffer.from('first'));
    const taken = held.take();
    held.add(Buffer.from('other'));
    assert.equal(String(Buffer.concat(taken)), 'first');
  });

  it('are put together where Node keeps them, behind a socket that is not read', async () => {
    const socket = new Socket();
    const events: number[] = [];
    const input = new ConnectionInput(socket, {
      limits: LIMITS,
      takesHeads: false,
      onHead: () => assert.fail('no head'),
      onBadHead: () => assert.fail('no head'),
      onHeadStarted: () => assert.fail('no head'),
      onBodyComplete: () => assert.fail('no body'),
    });
    socket.on('data', (chunk: Buffer) => {
      events.push(chunk.length);
      input.push(chunk);
    });
    await setImmediate();
    socket.push(Buffer.alloc(65_536));
    assert.equal(socket.isPaused(), true);
    for (let i = 0; i < 1000; i += 1) socket.push(Buffer.from('G'));
    assert.equal(input.isBlocked(0), false);
    events.length = 0;
    for (let bytes = socket.readableLength; bytes > 0; bytes = socket.readableLength) socket.read(1000);
    assert.deepEqual(events, [1000]);
    socket.destroy();
  });
});

describe('bytes that wait too long', () => {
  const openBehindStream = () =>
    openMemoryConnection({
      limits: { idleTimeoutMs: 20_000 },
      onExchange: (exchange) => void exchange.respond(head(200)),
    });

  it('behind an answer that goes on are dropped after idle_timeout, however few', () => {
    const { socket, timing, exchanges, outcomes } = openBehindStream();
    socket.receive(GET);
    socket.receive(GET);
    timing.advance(0);
    timing.advance(19_000);
    assert.equal(socket.destroyed, false);
    timing.advance(1000);
    const sink = exchanges[0];
    assert.equal(exchanges.length, 1);
    assert.deepEqual(outcomes, []);
    assert.equal(socket.ended, false);
    assert.equal(sink?.responded, true);
  });

  it('are dropped so that the client sees which of its requests had no answer: the connection closes', () => {
    const connection = openMemoryConnection({ limits: { idleTimeoutMs: 20_000 }, onExchange: () => undefined });
    const { socket, timing, exchanges } = connection;
    socket.receive(GET);
    socket.receive(GET);
    timing.advance(0);
    timing.advance(20_000);
    const [exchange] = exchanges;
    if (exchange === undefined) assert.fail('no exchange');
    respondText(exchange, 'ok');
    assert.match(socket.sent, /\r\nConnection: close\r\n/);
    assert.equal(exchanges.length, 1);
    assert.equal(socket.ended, true);
  });

  it('a pipelined request that waits for less is answered', () => {
    const { socket, timing, exchanges } = openMemoryConnection({
      limits: { idleTimeoutMs: 20_000 },
      onExchange: () => undefined,
    });
    socket.receive(GET + GET);
    timing.advance(0);
    timing.advance(19_999);
    const [exchange] = exchanges;
    if (exchange === undefined) assert.fail('no exchange');
    respondText(exchange, 'ok');
    assert.equal(exchanges.length, 2);
  });
});
