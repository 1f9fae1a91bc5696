/** What a peer does not read costs its bytes, in however many pieces it was written. RFC 9112 §7. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageWriter } from '../../../../src/wire/http1/message-writer.ts';
import { Outbox } from '../../../../src/wire/http1/outbox.ts';
import { FakeTiming, MemorySocket } from '../../../support/wire-peers.ts';

/** Counts what Node keeps apart. */
class CountingSocket extends MemorySocket {
  writes = 0;

  override write(chunk: string | Uint8Array, ...rest: unknown[]): boolean {
    this.writes += 1;
    return super.write(chunk, ...rest);
  }
}

function open() {
  const timing = new FakeTiming();
  const socket = new CountingSocket();
  const writer = new MessageWriter(socket, new Outbox(timing));
  const byteEachTurn = (count: number): void => {
    for (let i = 0; i < count; i += 1) timing.turn(() => writer.bytes(Buffer.from('a'), '1\r\n', '\r\n'));
  };
  return { timing, socket, writer, byteEachTurn };
}

describe('while the kernel takes nothing', () => {
  it('bytes that come one by one, each in a turn of its own, are few writes', () => {
    const { socket, byteEachTurn } = open();
    socket.writableLength = 1;
    byteEachTurn(10_000);
    assert.ok(socket.writes <= 60_000 / 4096 + 2, `${socket.writes} writes`);
    socket.takeAll();
    assert.equal(socket.sent, '1\r\na\r\n'.repeat(10_000));
  });

  it('what waits leaves as soon as the kernel has taken what was written before', () => {
    const { socket, writer, byteEachTurn } = open();
    socket.writableLength = 1;
    byteEachTurn(1);
    assert.deepEqual([socket.sent, writer.flushed], ['', false]);
    socket.takeAll();
    assert.deepEqual([socket.sent, writer.flushed], ['1\r\na\r\n', true]);
    byteEachTurn(1);
    assert.equal(socket.sent, '1\r\na\r\n'.repeat(2));
  });

  it('whoever waits for the end of an answer hears of it behind all of its bytes', () => {
    const { timing, socket, writer } = open();
    socket.writableLength = 1;
    let sentBefore: string | undefined;
    timing.turn(() => writer.text('a'));
    timing.turn(() => {
      writer.text('b');
      writer.whenFlushed({ onFlushed: () => void (sentBefore = socket.sent) });
    });
    assert.equal(sentBefore, undefined);
    socket.takeAll();
    assert.equal(sentBefore, 'ab');
  });
});
