/** Order, persistence, time and early answers on one client connection, with a clock by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Exchange } from '../../../../src/wire/exchange.ts';
import { head, openMemoryConnection, RecordingSink, respondText } from '../../../support/wire-peers.ts';

const get = (path: string, ...fields: string[]): string =>
  `${[`GET ${path} HTTP/1.1`, 'Host: a', ...fields].join('\r\n')}\r\n\r\n`;
const post = (length: number, body = ''): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`;
const DATE = 'Date: Thu, 01 Jan 1970 00:16:40 GMT\r\n';
const OK = `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 2\r\n\r\nok`;

/** Exchanges that are answered by the test. */
function openWaiting(options: Parameters<typeof openMemoryConnection>[0] = {}) {
  const waiting: Exchange[] = [];
  return { waiting, ...openMemoryConnection({ ...options, onExchange: (exchange) => void waiting.push(exchange) }) };
}

describe('the head of a request', () => {
  it('is let go of when its answer may go on for long, but for what an access line tells', () => {
    const { socket, waiting } = openWaiting();
    socket.receive(get('/events', 'X: y'));
    const [exchange] = waiting;
    assert.deepEqual(exchange?.head.fields, ['Host', 'a', 'X', 'y']);
    exchange?.respond(head(200));
    assert.deepEqual(exchange?.head, { method: 'GET', target: '/events', authority: '', fields: [] });
  });
});

describe('RFC 9112 §9.3.2: pipelining', () => {
  it('takes one request at a time and answers in order', () => {
    const { socket, waiting } = openWaiting();
    socket.receive(get('/1') + get('/2'));
    socket.receive(get('/3'));
    for (const path of ['/1', '/2', '/3']) {
      const exchange = waiting.at(-1);
      assert.equal(exchange?.head.target, path);
      if (exchange !== undefined) respondText(exchange, path);
    }
    assert.equal(waiting.length, 3);
    assert.deepEqual(socket.sent.match(/\/\d$|\/\d(?=HTTP)/g), ['/1', '/2', '/3']);
  });

  it('stops reading when more than 64 KiB wait, and reads on', () => {
    const { socket, waiting } = openWaiting();
    socket.receive(get('/1'));
    socket.receive(get('/2').repeat(3000));
    assert.equal(socket.paused, true);
    while (waiting.length < 3001) {
      const exchange = waiting.at(-1);
      if (exchange !== undefined) respondText(exchange, '');
    }
    assert.equal(socket.paused, false);
  });

  it('serves nothing behind a request that closes, nor behind a malformed one', () => {
    const closing = openMemoryConnection();
    closing.socket.receive(get('/1', 'Connection: close') + get('/2'));
    assert.partialDeepStrictEqual(closing.events, [{ target: '/1' }]);
    assert.equal(closing.events.length, 1);
    const malformed = openMemoryConnection();
    malformed.socket.receive(`${get('/1')}GET / HTTP/1.1\r\n\r\n${get('/2')}`);
    assert.partialDeepStrictEqual(malformed.events, [{ target: '/1' }, { detail: 'missing Host' }]);
    assert.equal(malformed.events.length, 2);
  });

  it('never puts a refusal into an answer that has begun: garbage behind a request waits for its turn', () => {
    const { socket, waiting, events } = openWaiting();
    socket.receive(get('/'));
    const running = waiting[0]?.respond(head(200, [], 4));
    running?.write(Buffer.from('ab'));
    socket.receive('\0garbage\r\n\r\n');
    assert.deepEqual(events, []);
    running?.write(Buffer.from('cd'));
    running?.end();
    assert.match(socket.sent, /\r\n\r\nabcdHTTP\/1\.1 400 Bad Request\r\n[^]*\r\n\r\nmalformed_request$/);
    assert.deepEqual([events.length, waiting.length, socket.ended], [1, 1, true]);
  });
});

describe('RFC 9112 §9.3: persistence', () => {
  it('HTTP/1.1 persists without a word, HTTP/1.0 only when asked, and says so', () => {
    const modern = openMemoryConnection();
    modern.socket.receive(get('/'));
    assert.equal(modern.socket.sent, OK);
    const old = openMemoryConnection();
    old.socket.receive('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    assert.equal(old.socket.sent, OK.replace('\r\n\r\n', '\r\nConnection: keep-alive\r\n\r\n'));
    old.socket.receive('GET / HTTP/1.0\r\n\r\n');
    assert.equal(old.socket.ended, true);
  });

  it('an overloaded or draining connection closes behind its answer', () => {
    for (const options of [{ overloaded: true }, { draining: () => true }]) {
      const { socket, exchanges } = openMemoryConnection(options);
      socket.receive(get('/'));
      assert.match(socket.sent, /\r\nConnection: close\r\n/);
      assert.equal(socket.ended, true);
      assert.equal(exchanges[0]?.overloaded, options.overloaded ?? false);
    }
  });

  it('draining: what was pipelined behind a running answer is answered too, with Connection: close', () => {
    let draining = false;
    const { socket, waiting, outcomes } = openWaiting({ draining: () => draining });
    socket.receive(get('/1') + get('/2') + get('/3'));
    const running = waiting[0]?.respond(head(200, [], 2));
    draining = true;
    running?.write(Buffer.from('ok'));
    running?.end();
    assert.deepEqual([waiting[1]?.head.target, socket.ended], ['/2', false]);
    if (waiting[1] !== undefined) respondText(waiting[1], 'ok');
    assert.equal(socket.sent, OK + OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    assert.deepEqual([waiting.length, outcomes, socket.ended], [2, ['complete', 'complete'], true]);
  });

  it('draining: behind a running answer nobody waits for another request, but for one that has begun', () => {
    let draining = false;
    const begin = (behind: string) => {
      draining = false;
      const connection = openWaiting({ draining: () => draining });
      connection.socket.receive(get('/1') + behind);
      const running = connection.waiting[0]?.respond(head(200, [], 0));
      draining = true;
      running?.end();
      return connection;
    };
    assert.equal(begin('').socket.ended, true);
    const begun = begin('GET /2 HT');
    assert.equal(begun.socket.ended, false);
    begun.socket.receive('TP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(begun.waiting[1]?.head.target, '/2');
  });

  it('§9.6: drain sends a FIN on an idle connection and reads on, and leaves a busy one', () => {
    const idle = openMemoryConnection();
    idle.socket.receive(get('/'));
    idle.engine.drain();
    assert.deepEqual([idle.socket.ended, idle.socket.destroyed], [true, false]);
    idle.socket.receive(get('/late'));
    idle.timing.advance(999);
    assert.deepEqual([idle.exchanges.length, idle.socket.destroyed], [1, false]);
    idle.timing.advance(1);
    assert.equal(idle.socket.destroyed, true);
    const busy = openWaiting();
    busy.socket.receive(get('/'));
    busy.engine.drain();
    assert.deepEqual([busy.socket.ended, busy.socket.destroyed], [false, false]);
  });

  it('draining: a connection that has carried no request yet may bring its first within a second', () => {
    const { socket, engine, timing } = openMemoryConnection({ draining: () => true });
    engine.drain();
    timing.advance(999);
    assert.deepEqual([socket.ended, socket.destroyed], [false, false]);
    socket.receive(get('/'));
    assert.match(socket.sent, /^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*Connection: close\r\n/);
    assert.deepEqual([socket.ended, socket.destroyed], [true, false]);
  });

  it('draining: a connection that brings no request in that time is closed without a word', () => {
    const { socket, engine, timing } = openMemoryConnection({ draining: () => true });
    engine.drain();
    timing.advance(1_000);
    assert.deepEqual([socket.destroyed, socket.sent], [true, '']);
  });

  it('draining: nor does it outlive the time in which it would have had to speak anyhow', () => {
    const { socket, engine, timing } = openMemoryConnection({ draining: () => true });
    timing.advance(9_500);
    engine.drain();
    timing.advance(500);
    assert.equal(socket.destroyed, true);
  });
});

describe('an answer that does not wait for the body', () => {
  const refuse = (exchange: Exchange): void => respondText(exchange, 'no', 401);

  it('keeps the connection when the rest is small, and finds the next request behind it', () => {
    const { socket, exchanges, outcomes } = openMemoryConnection({ onExchange: refuse });
    socket.receive(post(5, 'he'));
    assert.deepEqual(outcomes, ['complete']);
    socket.receive(`llo${get('/next')}`);
    assert.equal(exchanges[1]?.head.target, '/next');
    assert.doesNotMatch(socket.sent, /close/);
  });

  it('says close when the rest is large, and reads on so that the client can read the answer', () => {
    const { socket, timing } = openMemoryConnection({ onExchange: refuse });
    socket.receive(post(90_000, 'x'));
    assert.match(socket.sent, /^HTTP\/1\.1 401 [^]*\r\nConnection: close\r\n/);
    assert.deepEqual([socket.ended, socket.destroyed, socket.paused], [true, false, false]);
    socket.receive('x'.repeat(10_000));
    timing.advance(5_000);
    assert.equal(socket.destroyed, true, 'lingering ends');
  });

  it('RFC 9110 §10.1.1: closes when the client still waits for 100 (Continue)', () => {
    const { socket } = openMemoryConnection({ onExchange: refuse });
    socket.receive(get('/').replace('\r\n\r\n', '\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n'));
    assert.match(socket.sent, /^HTTP\/1\.1 401 [^]*\r\nConnection: close\r\n/);
  });

  it('RFC 9110 §15.5.14: a Content-Length over the limit is refused before a byte of the body is taken', () => {
    const { socket, events } = openMemoryConnection();
    socket.receive(post(100_001, 'x'));
    assert.partialDeepStrictEqual(events, [{ body: '', outcome: 'payload_too_large' }]);
    assert.match(socket.sent, /^HTTP\/1\.1 400 [^]*\r\nConnection: close\r\n/);
    assert.equal(socket.ended, true);
  });

  it('cuts an unread chunked body that does not end', () => {
    const { socket } = openMemoryConnection({ onExchange: refuse });
    socket.receive('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    socket.receive(`10001\r\n${'x'.repeat(65_537)}`);
    assert.equal(socket.ended, true);
  });
});

describe('RFC 9110 §10.1.1: Expect: 100-continue', () => {
  const expecting = get('/').replace('\r\n\r\n', '\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n');

  it('is answered when the body is asked for, once', async () => {
    const { socket, waiting } = openWaiting();
    socket.receive(expecting);
    assert.equal(socket.sent, '');
    waiting[0]?.body.deliverTo(new RecordingSink());
    await new Promise(setImmediate);
    assert.equal(socket.sent, 'HTTP/1.1 100 Continue\r\n\r\n');
  });

  it('is not answered when the body has begun to come, nor to HTTP/1.0', () => {
    const early = openMemoryConnection();
    early.socket.receive(`${expecting}hi`);
    assert.equal(early.socket.sent, OK);
    const old = openMemoryConnection();
    old.socket.receive('POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    assert.equal(old.socket.sent, '');
  });
});

describe('deadlines', () => {
  it('a head must be complete within readTimeoutMs of its first byte, however it drips', () => {
    const { socket, timing, events } = openMemoryConnection();
    socket.receive('G');
    for (let second = 0; second < 9; second += 1) {
      timing.advance(1_000);
      socket.receive('E');
    }
    assert.deepEqual(events, []);
    timing.advance(1_000);
    assert.deepEqual(events, [{ refusal: 'request_timeout', detail: 'request head not complete in time' }]);
    assert.equal(socket.ended, true);
  });

  it('RFC 9112 §9.5: a kept connection is ended by a FIN, without a word, after idleTimeoutMs', () => {
    const { socket, timing } = openMemoryConnection();
    socket.receive(get('/'));
    timing.advance(119_999);
    assert.equal(socket.ended, false);
    timing.advance(1);
    assert.deepEqual([socket.ended, socket.destroyed, socket.sent], [true, false, OK]);
    timing.advance(5_000);
    assert.equal(socket.destroyed, true);
  });

  it('a client that leaves within a head is not answered', () => {
    const { socket, events } = openMemoryConnection();
    socket.receive('GET / HT');
    socket.receiveEnd();
    assert.deepEqual([socket.sent, socket.ended, events], ['', true, []]);
  });

  it('a connection that never says anything is closed after readTimeoutMs', () => {
    const { socket, timing, events } = openMemoryConnection();
    timing.advance(10_000);
    assert.deepEqual([socket.destroyed, socket.sent, events], [true, '', []]);
  });

  it('a body may not pause longer than readTimeoutMs nor take longer than bodyTimeoutMs', () => {
    const pausing = openMemoryConnection();
    pausing.socket.receive(post(100, 'x'));
    pausing.timing.advance(9_999);
    pausing.socket.receive('x');
    pausing.timing.advance(9_999);
    assert.deepEqual(pausing.events, []);
    pausing.timing.advance(1);
    assert.partialDeepStrictEqual(pausing.events, [{ body: 'xx', outcome: 'request_timeout' }]);
    assert.equal(pausing.socket.ended, true);
    const dripping = openMemoryConnection();
    dripping.socket.receive(post(100, 'x'));
    for (let turn = 0; turn < 12; turn += 1) {
      dripping.timing.advance(5_000);
      dripping.socket.receive('x');
    }
    assert.partialDeepStrictEqual(dripping.events, [{ outcome: 'request_timeout' }]);
  });

  it('does not charge the client for the time in which nobody takes its body', () => {
    const sink = new RecordingSink();
    sink.full = true;
    const { socket, timing } = openMemoryConnection({ onExchange: (exchange) => exchange.body.deliverTo(sink) });
    socket.receive(post(100, 'x'));
    assert.equal(socket.paused, true);
    timing.advance(3_600_000);
    assert.equal(sink.outcome, undefined);
    sink.full = false;
    sink.onDrain?.();
    assert.equal(socket.paused, false);
    timing.advance(9_999);
    assert.equal(sink.outcome, undefined);
    socket.receive('x'.repeat(99));
    assert.deepEqual([sink.outcome, sink.text.length], ['end', 100]);
  });

  it('a quiet stream lives: an hour without an event', () => {
    const { socket, timing, waiting } = openWaiting();
    socket.receive(get('/'));
    const stream = waiting[0]?.respond(head(200));
    for (let minute = 0; minute < 60; minute += 1) timing.advance(60_000);
    assert.deepEqual([socket.destroyed, socket.ended], [false, false]);
    stream?.write(Buffer.from('data: 1\n\n'));
    stream?.end();
    assert.match(socket.sent, /9\r\ndata: 1\n\n\r\n0\r\n\r\n$/);
  });

  it('a client that takes nothing for writeTimeoutMs is cut; one that takes something is not', () => {
    const { socket, timing, waiting, outcomes } = openWaiting();
    socket.receive(get('/'));
    const stream = waiting[0]?.respond(head(200));
    socket.writableLength = 50_000;
    stream?.write(Buffer.alloc(50_000));
    timing.advance(0);
    timing.advance(29_999);
    assert.equal(socket.destroyed, false);
    socket.writableLength = 40_000;
    timing.advance(1);
    timing.advance(29_999);
    assert.equal(socket.destroyed, false);
    timing.advance(1);
    assert.deepEqual([socket.destroyed, outcomes], [true, ['aborted']]);
  });
});

describe('RFC 9112 §6: framing of answers', () => {
  const answer = (request: string, status: number, length: number | undefined, body: string): string => {
    const { socket, waiting } = openWaiting();
    socket.receive(request);
    const sink = waiting[0]?.respond(head(status, [], length));
    if (body !== '') sink?.write(Buffer.from(body));
    sink?.end();
    return socket.sent.replace(DATE, '');
  };

  it('has one framing field, or none where there is no body', () => {
    assert.equal(answer(get('/'), 200, 2, 'ok'), 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    assert.equal(
      answer(get('/'), 200, undefined, 'ok'),
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
    assert.equal(answer(get('/').replace('GET', 'HEAD'), 200, 2, 'ok'), 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
    assert.equal(answer(get('/').replace('GET', 'HEAD'), 200, undefined, ''), 'HTTP/1.1 200 OK\r\n\r\n');
    assert.equal(answer(get('/'), 204, 0, 'ok'), 'HTTP/1.1 204 No Content\r\n\r\n');
    assert.equal(answer(get('/'), 304, 9, ''), 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n');
    assert.equal(
      answer('GET / HTTP/1.0\r\nTE: chunked\r\nConnection: keep-alive\r\n\r\n', 200, undefined, 'ok'),
      'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok',
    );
    assert.equal(answer(get('/'), 202, 0, ''), 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
    assert.equal(answer(get('/'), 299, 0, ''), 'HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n');
  });

  it('keeps a Date, a reason phrase and the bytes of values, and never a second framing field', () => {
    const { socket, waiting } = openWaiting();
    socket.receive(get('/'));
    const fields = [
      'date',
      'x',
      'A',
      '\xe4',
      'Content-Length',
      '7',
      'transfer-encoding',
      'x',
      'Connection',
      'close',
      'Trailer',
      'y',
    ];
    waiting[0]?.respond({ status: 200, reason: 'Fine', fields, length: 0 }).end();
    assert.equal(socket.sent, 'HTTP/1.1 200 Fine\r\ndate: x\r\nA: \xe4\r\nContent-Length: 0\r\n\r\n');
  });

  it('RFC 9112 §8: cuts an answer that is shorter or longer than announced, and serves nothing behind it', () => {
    for (const body of ['o', 'okay']) {
      const { socket, waiting, outcomes } = openWaiting();
      socket.receive(get('/') + get('/2'));
      const sink = waiting[0]?.respond(head(200, [], 2));
      sink?.write(Buffer.from(body));
      sink?.end();
      assert.deepEqual([socket.destroyed, outcomes, waiting.length], [true, ['aborted'], 1]);
    }
  });

  it('sends interim responses, but none to HTTP/1.0 and none behind the answer', async () => {
    const { socket, waiting } = openWaiting();
    socket.receive(get('/'));
    waiting[0]?.inform(103, ['Link', '</a>']);
    waiting[0]?.inform(101, []);
    waiting[0]?.inform(200, []);
    await new Promise(setImmediate);
    assert.equal(socket.sent, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
  });
});

describe('the end of exchanges', () => {
  it('tells the body, then the owner, once, when the client goes away', () => {
    const { socket, events, outcomes, exchanges } = openMemoryConnection();
    socket.receive(post(5, 'he'));
    socket.destroy();
    assert.partialDeepStrictEqual(events, [{ body: 'he', outcome: 'client_closed' }]);
    assert.deepEqual(outcomes, ['aborted']);
    assert.equal(exchanges[0]?.responded, false);
    exchanges[0]?.respond(head(200, [], 0)).end();
    assert.equal(socket.sent, '', 'a late answer goes nowhere');
  });

  it('a FIN within a body ends it', () => {
    const { socket, events, outcomes } = openMemoryConnection();
    socket.receive(post(5, 'he'));
    socket.receiveEnd();
    assert.partialDeepStrictEqual(events, [{ outcome: 'client_closed' }]);
    assert.deepEqual([outcomes, socket.destroyed], [['aborted'], true]);
  });

  it('a FIN behind a whole body that nobody has taken yet does not end it', () => {
    const { socket, waiting } = openWaiting();
    socket.receive(post(5, 'hello') + post(2, 'ok'));
    socket.receiveEnd();
    for (const body of ['hello', 'ok']) {
      const sink = new RecordingSink();
      const exchange = waiting.at(-1);
      exchange?.body.deliverTo(sink);
      assert.deepEqual([sink.text, sink.outcome, socket.destroyed], [body, 'end', false]);
      if (exchange !== undefined) respondText(exchange, 'ok');
    }
    assert.deepEqual([waiting.length, socket.ended], [2, true]);
  });

  it('a FIN within a body that nobody has taken yet, or within a pipelined one, ends it when it is missed', () => {
    const untaken = openWaiting();
    untaken.socket.receive(post(5, 'he'));
    untaken.socket.receiveEnd();
    assert.deepEqual(untaken.outcomes, []);
    const sink = new RecordingSink();
    untaken.waiting[0]?.body.deliverTo(sink);
    assert.deepEqual([sink.text, sink.outcome, untaken.outcomes], ['he', 'client_closed', ['aborted']]);
    const refused = openWaiting();
    refused.socket.receive(post(5, 'he'));
    refused.socket.receiveEnd();
    if (refused.waiting[0] !== undefined) respondText(refused.waiting[0], 'no', 401);
    assert.deepEqual([refused.outcomes, refused.socket.ended], [['complete'], true]);
    const pipelined = openWaiting();
    pipelined.socket.receive(get('/1') + post(5));
    pipelined.socket.receiveEnd();
    if (pipelined.waiting[0] !== undefined) respondText(pipelined.waiting[0], 'ok');
    assert.deepEqual([pipelined.waiting.length, pipelined.outcomes], [2, ['complete', 'aborted']]);
  });

  it('an answer that waits for its turn leaves before a FIN ends the exchange that lacks its body', () => {
    const { socket, waiting, outcomes, timing } = openWaiting();
    timing.turn(() => {
      socket.receive(post(100));
      if (waiting[0] !== undefined) respondText(waiting[0], 'no', 401);
      socket.receiveEnd();
    });
    assert.match(socket.sent, /^HTTP\/1\.1 401 Unauthorized\r\n[^]*\r\n\r\nno$/);
    assert.deepEqual([outcomes, socket.ended], [['complete'], true]);
  });

  it('an answer is complete when the kernel has all of it, and not before', () => {
    const { socket, waiting, outcomes } = openWaiting();
    socket.receive(get('/'));
    socket.writableLength = 10;
    if (waiting[0] !== undefined) respondText(waiting[0], 'ok');
    assert.deepEqual(outcomes, []);
    socket.takeAll();
    assert.deepEqual(outcomes, ['complete']);
  });

  it('an answer that its socket no longer takes is aborted, never complete', () => {
    const { socket, waiting, outcomes, timing } = openWaiting();
    socket.receive(get('/'));
    timing.turn(() => {
      if (waiting[0] !== undefined) respondText(waiting[0], 'ok');
      socket.destroy();
    });
    assert.deepEqual(outcomes, ['aborted']);
  });

  it('answers all that was pipelined before a FIN, then closes', () => {
    const { socket, waiting } = openWaiting();
    socket.receive(get('/1') + get('/2'));
    socket.receiveEnd();
    for (const exchange of waiting) respondText(exchange, 'ok');
    assert.equal(waiting.length, 2);
    assert.equal(socket.sent.split('200 OK').length - 1, 2);
    assert.equal(socket.ended, true);
  });
});

describe('a client that may have gone: RFC 9112 §9.6', () => {
  const PERIOD_MS = 5000;

  it('one that waits behind its FIN is nudged for as long as the answer takes, and gets it whole', () => {
    const { socket, timing, waiting, outcomes } = openWaiting();
    socket.receive(get('/'));
    socket.receiveEnd();
    for (let sent = 1; sent <= 60; sent += 1) {
      assert.equal(socket.sent.length, sent);
      timing.advance(PERIOD_MS);
    }
    if (waiting[0] !== undefined) respondText(waiting[0], 'ok');
    const interim = 'HTTP/1.1 100 Continue\r\n\r\n';
    assert.equal(socket.sent, interim.repeat(3) + OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    assert.deepEqual(outcomes, ['complete']);
  });

  it('an interim response of the backend completes what the nudges have begun', () => {
    const { socket, timing, waiting } = openWaiting();
    socket.receive(get('/'));
    socket.receiveEnd();
    for (let count = 0; count < 10; count += 1) timing.advance(PERIOD_MS);
    waiting[0]?.inform(103, ['Link', '</a>']);
    assert.equal(socket.sent, 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
  });

  it('RFC 9110 §15.2: an HTTP/1.0 client gets the version ahead and no interim response; then it is given up', () => {
    const { socket, timing, outcomes } = openWaiting();
    socket.receive('GET / HTTP/1.0\r\n\r\n');
    socket.receiveEnd();
    for (let count = 0; count < 20; count += 1) timing.advance(PERIOD_MS);
    assert.deepEqual([socket.sent, socket.destroyed], ['HTTP/1.1 ', false]);
    timing.advance(120_000);
    assert.deepEqual([socket.destroyed, outcomes], [true, ['aborted']]);
  });

  it('RFC 9112 §7.1: an event stream is nudged by ten zeros of a chunk-size, again behind each event', () => {
    const { socket, timing, waiting, outcomes } = openWaiting();
    socket.receive(get('/'));
    const sink = waiting[0]?.respond(head(200));
    socket.receiveEnd();
    const begun = socket.sent.length - 1;
    for (let event = 0; event < 4; event += 1) {
      for (let count = 0; count < 15; count += 1) timing.advance(PERIOD_MS);
      sink?.write(Buffer.from('x'));
    }
    assert.equal(socket.sent.slice(begun), `${'0'.repeat(10)}1\r\nx\r\n`.repeat(4));
    timing.advance(119_999);
    assert.equal(socket.destroyed, false);
    for (let count = 0; count < 35; count += 1) timing.advance(PERIOD_MS);
    assert.deepEqual([socket.destroyed, outcomes], [true, ['aborted']]);
  });

  it('RFC 9112 §9.3.2: 64 KiB behind a pending answer are dropped after 5 seconds, for a FIN to show', () => {
    const { socket, timing, waiting } = openWaiting();
    socket.receive(get('/1') + get('/2').repeat(3000));
    assert.equal(socket.paused, true);
    timing.advance(0);
    timing.advance(4999);
    assert.equal(socket.paused, true);
    timing.advance(1);
    assert.equal(socket.paused, false);
    socket.receive(get('/3').repeat(3000));
    assert.equal(socket.paused, false);
    if (waiting[0] !== undefined) respondText(waiting[0], 'ok');
    assert.equal(socket.sent, OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    assert.deepEqual([waiting.length, socket.ended], [1, true]);
  });

  it('the same behind an answer that has begun: the connection ends with it', () => {
    const { socket, timing, waiting } = openWaiting();
    socket.receive(get('/1') + get('/2').repeat(3000));
    const sink = waiting[0]?.respond(head(200, [], 2));
    timing.advance(0);
    timing.advance(5000);
    sink?.write(Buffer.from('ok'));
    sink?.end();
    assert.deepEqual([socket.sent, waiting.length, socket.ended], [OK, 1, true]);
  });

  it('one whose body the backend does not take is nudged, and trusted as soon as it is read again', () => {
    const { socket, timing, waiting, outcomes } = openWaiting();
    socket.receive(post(50_000, 'x'.repeat(1000)));
    const sink = new RecordingSink();
    sink.full = true;
    waiting[0]?.body.deliverTo(sink);
    assert.equal(socket.paused, true);
    timing.advance(0);
    timing.advance(5000);
    assert.equal(socket.sent, 'H');
    timing.advance(PERIOD_MS);
    assert.equal(socket.sent, 'HT');
    sink.onDrain?.();
    timing.advance(PERIOD_MS);
    assert.deepEqual([socket.sent, socket.destroyed, outcomes], ['HT', false, []]);
  });
});
