/** Whose answer it is that comes on a kept connection. RFC 9112 §9.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BackendConnection } from '../../../../src/wire/http1/backend-connection.ts';
import { BackendExchange } from '../../../../src/wire/http1/backend-exchange.ts';
import type { ConnectionPool } from '../../../../src/wire/http1/connection-pool.ts';
import { Outbox } from '../../../../src/wire/http1/outbox.ts';
import { FakeTiming, MemorySocket, NO_BODY, NO_FAULTS, RecordedAnswer } from '../../../support/wire-peers.ts';

const OK = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');

/** A connection that has served one request and is idle. */
function openUsed() {
  const socket = new MemorySocket();
  const timing = new FakeTiming();
  const retried: BackendExchange[] = [];
  const released: BackendConnection[] = [];
  const pool: ConnectionPool<BackendConnection> = {
    nowMs: 0,
    onBug: NO_FAULTS.onBug,
    outbox: new Outbox(timing),
    connectTimeoutMs: 1000,
    headTimeoutMs: 1000,
    maxHeaderBytes: 1000,
    bodyLimits: { maxBodyBytes: Number.POSITIVE_INFINITY, maxTrailerBytes: 1000 },
    connect: () => socket,
    isTls: false,
    release: (connection) => void released.push(connection),
    forget: () => undefined,
    retry: (exchange) => void retried.push(exchange),
  };
  const ask = (method: string) => {
    const answer = new RecordedAnswer();
    return {
      answer,
      exchange: new BackendExchange({ method, target: '/', fields: [], commonLines: '' }, NO_BODY, answer),
    };
  };
  const first = ask('GET');
  const connection = new BackendConnection(pool, first.exchange);
  connection.onConnected();
  connection.onBytes(OK);
  assert.deepEqual([first.answer.sink.text, released.length, retried.length], ['ok', 1, 0]);
  return { pool, socket, timing, connection, ask, retried, released };
}

describe('RFC 9112 §9.2: bytes that no request asked for', () => {
  it('never answer a request that has not left yet: it is sent again elsewhere', () => {
    const { socket, timing, connection, ask, retried, released } = openUsed();
    const { answer, exchange } = ask('GET');
    const sent = socket.sent;
    timing.turn(() => {
      connection.start(exchange);
      connection.onBytes(OK);
    });
    assert.deepEqual([answer.head, retried, socket.destroyed], [undefined, [exchange], true]);
    assert.deepEqual([released.length, socket.sent], [1, sent]);
  });

  it('fail a request that may not be repeated', () => {
    const { socket, timing, connection, ask, retried } = openUsed();
    const { answer, exchange } = ask('POST');
    timing.turn(() => {
      connection.start(exchange);
      connection.onBytes(OK);
    });
    assert.deepEqual([answer.failure, answer.head, retried], ['backend_unavailable', undefined, []]);
    assert.equal(socket.destroyed, true);
  });

  it('end an idle connection', () => {
    const { socket, connection } = openUsed();
    connection.onBytes(OK);
    assert.equal(socket.destroyed, true);
  });
});

describe('RFC 9112 §9.3: persistence', () => {
  it('a connection whose request is not with the kernel as a whole serves no other', () => {
    const { socket, connection, ask, released } = openUsed();
    const { answer, exchange } = ask('GET');
    connection.start(exchange);
    socket.writableLength = 1;
    connection.onBytes(OK);
    assert.deepEqual([answer.sink.text, answer.sink.outcome], ['ok', 'end']);
    assert.deepEqual([released.length, socket.destroyed], [1, true]);
  });
});

describe('RFC 9112 §9.5: a backend that takes no more', () => {
  it('has a second for the answer that it gave before, and the cause is the failed write', () => {
    const { connection, ask } = openUsed();
    const { answer, exchange } = ask('POST');
    connection.start(exchange);
    connection.onWritten(undefined, true);
    connection.onWritten(new Error('write EPIPE'), false);
    connection.onDrain();
    connection.requestSent();
    connection.checkDeadlines(999);
    assert.equal(answer.failure, undefined);
    connection.checkDeadlines(1000);
    assert.deepEqual([answer.failure, answer.cause?.message], ['backend_unavailable', 'write EPIPE']);
  });

  it('is read when it took a part of the first write, and not when it took nothing', () => {
    for (const tookSome of [true, false]) {
      const { connection, ask } = openUsed();
      const { answer, exchange } = ask('POST');
      connection.start(exchange);
      connection.onWritten(new Error('write EPIPE'), tookSome);
      connection.onBytes(OK);
      assert.deepEqual([answer.sink.text, answer.failure], tookSome ? ['ok', undefined] : ['', 'backend_unavailable']);
    }
  });

  it('serves no other request, even when its answer is complete and would persist', () => {
    const { socket, connection, ask, released } = openUsed();
    const { answer, exchange } = ask('POST');
    connection.start(exchange);
    connection.onWritten(undefined, true);
    connection.onWritten(new Error('write EPIPE'), false);
    connection.onBytes(OK);
    assert.deepEqual([answer.sink.text, socket.destroyed, released.length], ['ok', true, 1]);
  });
});

describe('every socket has an owner and a deadline', () => {
  it('one that is being connected goes with the request that it was for', () => {
    const { pool, ask } = openUsed();
    const socket = new MemorySocket();
    const { answer, exchange } = ask('GET');
    const connection = new BackendConnection({ ...pool, connect: () => socket }, exchange);
    assert.equal(connection.usable, true);
    exchange.cancel();
    assert.deepEqual([socket.destroyed, answer.failure], [true, undefined]);
  });
});
