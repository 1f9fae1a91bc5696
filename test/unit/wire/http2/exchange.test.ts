/** An exchange over HTTP/2: bodies both ways, abort both ways, time, and answers as a client sees them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import type { BodySink, ResponseHead } from '../../../../src/wire/exchange.ts';
import { head, RecordingSink, respondText } from '../../../support/wire-peers.ts';
import { answerOk, END_HEADERS, END_STREAM, FRAME, frame, GET, listen, POST, readAnswer, uint32 } from './fixture.ts';

const NO_ERROR = 0;
const INTERNAL_ERROR = 2;
const CANCEL = 8;
const DATE = 'Thu, 01 Jan 1970 00:16:40 GMT';

/** Without the symbols that `node:http2` puts beside the fields. */
function plain(headers: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers));
}

function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

describe('answers', () => {
  it('lower-case names, one Date, no connection-specific field, everything else as it is', async (context) => {
    const fields = [
      'X-A',
      '1',
      'ETag',
      'a',
      'ETag',
      'b',
      'x-a',
      '\xe9',
      'Connection',
      'close',
      'Keep-Alive',
      'timeout=5',
    ];
    const dropped = [
      'Transfer-Encoding',
      'chunked',
      'Upgrade',
      'h2c',
      'TE',
      'x',
      'HTTP2-Settings',
      'x',
      'Content-Length',
      '9',
    ];
    const recorded = await listen(context, (exchange) => {
      const sink = exchange.respond(head(200, [...fields, ...dropped, 'Proxy-Connection', 'close', 'Trailer', 'x'], 2));
      sink.write(Buffer.from('ok'));
      sink.end();
    });
    const { headers, body, error } = await readAnswer(recorded.connect().request({ ':path': '/' }));
    assert.deepEqual(plain(headers), {
      ':status': 200,
      'x-a': '1, \xe9',
      etag: 'a',
      date: DATE,
      'content-length': '2',
    });
    assert.deepEqual([body, error], ['ok', undefined]);
    assert.equal(await recorded.closed[0], 'complete');
    assert.deepEqual([recorded.exchanges[0]?.bytesSent, recorded.exchanges[0]?.responded], [2, true]);
  });

  it("a backend's Date is kept", async (context) => {
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
    const recorded = await listen(context, (exchange) => exchange.respond(head(200, ['DATE', date], 0)).end());
    assert.equal((await readAnswer(recorded.connect().request({ ':path': '/' }))).headers['date'], date);
  });

  const bodiless: readonly (readonly [method: string, answer: ResponseHead, length: string | undefined])[] = [
    ['HEAD', head(200, [], 5), '5'],
    ['HEAD', head(200), undefined],
    ['GET', head(204), undefined],
    ['GET', head(204, [], 5), undefined],
    // RFC 9110 §15.3.6: no content; and a length of any other would make the answer malformed (RFC 9113 §8.1.1).
    ['GET', head(205, [], 0), undefined],
    ['GET', head(205, [], 2), undefined],
    ['GET', head(304, [], 5), '5'],
    ['GET', head(200, [], 0), '0'],
  ];
  for (const [method, answer, length] of bodiless) {
    it(`${method} ${answer.status} with length ${answer.length}: no DATA, complete`, async (context) => {
      const recorded = await listen(context, (exchange) => {
        const sink = exchange.respond(answer);
        sink.write(Buffer.from('never'));
        sink.end();
      });
      const client = await recorded.openFrames();
      client.request(1, [[':method', method], ...GET.slice(1)]);
      await client.settled();
      assert.deepEqual(
        client.of(1).map(({ type, flags }) => ({ type, flags })),
        [{ type: FRAME.headers, flags: END_STREAM | END_HEADERS }],
      );
      assert.equal(await recorded.closed[0], 'complete');
      const real = await readAnswer(recorded.connect().request({ ':path': '/', ':method': method }));
      assert.deepEqual([real.status, real.headers['content-length'], real.error], [answer.status, length, undefined]);
    });
  }

  it('interim responses before the final one; 101 and what comes late are left out', async (context) => {
    const recorded = await listen(context, (exchange) => {
      exchange.inform(101, []);
      exchange.inform(103, ['Link', '</a>', 'Link', '</b>', 'Connection', 'close']);
      exchange.inform(104, ['__proto__', 'x']);
      respondText(exchange, 'ok');
      exchange.inform(103, []);
    });
    const stream = recorded.connect().request({ ':path': '/' });
    const interim: unknown[] = [];
    stream.on('headers', (headers) => interim.push(plain(headers)));
    assert.equal((await readAnswer(stream)).body, 'ok');
    assert.equal(interim.length, 2);
    assert.deepEqual(interim[0], { ':status': 103, link: '</a>, </b>' });
  });

  it('Expect: 100-continue is answered when the body is wanted', async (context) => {
    const recorded = await listen(context, answerOk);
    const stream = recorded.connect().request({ ':path': '/', ':method': 'POST', expect: '100-continue' });
    await once(stream, 'continue');
    stream.end('body');
    assert.equal((await readAnswer(stream)).body, 'ok');
    assert.deepEqual(recorded.heads[0]?.fields.includes('expect'), false);
  });

  it('an exchange is answered at most once', async (context) => {
    const thrown: unknown[] = [];
    const recorded = await listen(context, (exchange) => {
      respondText(exchange, 'ok');
      try {
        exchange.respond(head(500));
      } catch (error) {
        thrown.push(error);
      }
    });
    assert.equal((await readAnswer(recorded.connect().request({ ':path': '/' }))).body, 'ok');
    assert.equal(thrown.length, 1);
  });

  it('an answer that cannot be written leaves its place to one that can', async (context) => {
    const recorded = await listen(context, (exchange) => {
      assert.throws(() => exchange.respond(head(200, ['not a name', 'x'], 2)));
      assert.equal(exchange.responded, false);
      respondText(exchange, 'no', 500);
    });
    const { headers, body } = await readAnswer(recorded.connect().request({ ':path': '/' }));
    assert.deepEqual([headers[':status'], String(body)], [500, 'no']);
  });

  it('many streams at a time on one connection, each with its own answer', async (context) => {
    const recorded = await listen(context, (exchange) => {
      const sink = new RecordingSink();
      sink.onOutcome = () => respondText(exchange, `${exchange.head.target} ${sink.text}`);
      exchange.body.deliverTo(sink);
    });
    const client = recorded.connect();
    const answers = Array.from({ length: 100 }, (_, index) => {
      const stream = client.request({ ':path': `/${index}`, ':method': 'POST' });
      stream.end(`body ${index}`);
      return readAnswer(stream);
    });
    for (const [index, { body }] of (await Promise.all(answers)).entries())
      assert.equal(body, `/${index} body ${index}`);
    assert.equal(recorded.server.connections, 1);
    for (const outcome of await Promise.all(recorded.closed)) assert.equal(outcome, 'complete');
  });
});

describe('an answer that breaks off', () => {
  const ways: readonly (readonly [what: string, length: number | undefined, write: (sink: BodySink) => void])[] = [
    ['with nothing left to write', undefined, (sink) => sink.abort('backend_closed')],
    ['right behind a write', undefined, (sink) => (sink.write(Buffer.from('more')), sink.abort('backend_closed'))],
    ['by an end that comes too early', 10, (sink) => sink.end()],
    ['by a byte too many', 4, (sink) => void sink.write(Buffer.from('x'))],
  ];
  for (const [what, length, write] of ways) {
    for (const lines of [GET, POST]) {
      it(`${lines[0]?.[1]}, ${what}: RST_STREAM INTERNAL_ERROR and never END_STREAM`, async (context) => {
        const recorded = await listen(context);
        const client = await recorded.openFrames();
        client.request(1, lines, lines === GET ? END_STREAM | END_HEADERS : END_HEADERS);
        const sink = (await recorded.exchange()).respond(head(200, [], length));
        sink.write(Buffer.from('part'));
        await client.first(({ type }) => type === FRAME.data);
        write(sink);
        assert.equal(await client.endOf(1), INTERNAL_ERROR);
        assert.ok(client.of(1).every(({ type, flags }) => type === FRAME.reset || (flags & END_STREAM) === 0));
        assert.equal(await recorded.closed[0], 'aborted');
        client.request(3, GET);
        assert.equal((await recorded.exchange(1)).head.target, '/', 'the connection goes on');
      });
    }
  }

  it('from within the request body, while the session reads', async (context) => {
    const recorded = await listen(context, (exchange) => {
      const answer = exchange.respond(head(200));
      exchange.body.deliverTo({
        onDrain: undefined,
        write: (chunk) => {
          answer.write(chunk);
          if (chunk.length === 1) answer.abort('backend_closed');
          return true;
        },
        end: () => answer.end(),
        abort: () => undefined,
      });
    });
    const client = await recorded.openFrames();
    client.request(1, POST, END_HEADERS);
    client.send(frame(FRAME.data, 0, 1, Buffer.from('many')));
    await client.settled();
    client.send(frame(FRAME.data, END_STREAM, 1, Buffer.from('1')));
    assert.equal(await client.endOf(1), INTERNAL_ERROR);
    assert.ok(client.of(1).every(({ type, flags }) => type === FRAME.reset || (flags & END_STREAM) === 0));
    assert.equal(await recorded.closed[0], 'aborted');
  });

  it('before a byte of it, in the same tick', async (context) => {
    const recorded = await listen(context, (exchange) => exchange.respond(head(200)).abort('backend_closed'));
    const client = await recorded.openFrames();
    client.request(1, GET);
    assert.equal(await client.endOf(1), INTERNAL_ERROR);
    assert.ok(client.of(1).every(({ type, flags }) => type === FRAME.reset || (flags & END_STREAM) === 0));
  });

  it('the server is destroyed: no END_STREAM, every exchange is aborted', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    for (const stream of [1, 3]) client.request(stream, GET);
    const sink = (await recorded.exchange(1)).respond(head(200));
    sink.write(Buffer.from('part'));
    await client.first(({ type }) => type === FRAME.data);
    recorded.server.destroy();
    await client.untilEnd();
    assert.deepEqual(await Promise.all(recorded.closed), ['aborted', 'aborted']);
    assert.ok(client.frames.every(({ type, flags }) => type !== FRAME.data || (flags & END_STREAM) === 0));
  });
});

describe('a client that goes away', () => {
  for (const code of [NO_ERROR, CANCEL]) {
    for (const method of ['GET', 'HEAD', 'POST']) {
      it(`${method} reset with code ${code}: aborted, the body too, and late answers go nowhere`, async (context) => {
        const sink = new RecordingSink();
        const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink));
        const client = await recorded.openFrames();
        client.request(1, [[':method', method], ...GET.slice(1)], END_HEADERS);
        client.send(frame(FRAME.data, 0, 1, Buffer.from('body')));
        await client.settled();
        client.send(frame(FRAME.reset, 0, 1, uint32(code)));
        assert.equal(await recorded.closed[0], 'aborted');
        assert.deepEqual([sink.text, sink.outcome], ['body', 'client_closed']);
        const answer = recorded.exchanges[0]?.respond(head(200));
        assert.equal(answer?.write(Buffer.from('x')), true);
        answer?.end();
        await client.settled();
        assert.deepEqual(
          client.of(1).filter(({ type }) => type !== FRAME.window),
          [],
        );
      });
    }
  }

  it('while its body is held back: aborted at once', async (context) => {
    const sink = new RecordingSink();
    sink.full = true;
    const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink));
    const client = await recorded.openFrames();
    client.request(1, POST, END_HEADERS);
    client.send(frame(FRAME.data, 0, 1, Buffer.from('a')), frame(FRAME.data, 0, 1, Buffer.from('b')));
    await client.settled();
    client.send(frame(FRAME.reset, 0, 1, uint32(NO_ERROR)));
    assert.equal(await recorded.closed[0], 'aborted');
    assert.deepEqual([sink.text, sink.outcome], ['a', 'client_closed']);
  });

  it('in the middle of an answer', async (context) => {
    const recorded = await listen(context, (exchange) => void exchange.respond(head(200)).write(Buffer.from('part')));
    const stream = recorded.connect().request({ ':path': '/' });
    await once(stream, 'data');
    stream.close(CANCEL);
    assert.equal(await recorded.closed[0], 'aborted');
  });

  it('in the middle of an answer that is already written', async (context) => {
    const recorded = await listen(context, (exchange) => {
      const sink = exchange.respond(head(200, [], 200_000));
      sink.write(Buffer.alloc(200_000));
      sink.end();
    });
    for (const how of ['reset', 'close'] as const) {
      const client = await recorded.openFrames();
      client.request(1, GET);
      await client.first(({ type }) => type === FRAME.data);
      if (how === 'reset') client.send(frame(FRAME.reset, 0, 1, uint32(CANCEL)));
      else client.socket.destroy();
    }
    assert.deepEqual(await Promise.all([recorded.closed[0], recorded.closed[1]]), ['aborted', 'aborted']);
  });

  for (const how of ['end', 'destroy'] as const) {
    it(`with its whole connection (${how}): every exchange is aborted`, async (context) => {
      const recorded = await listen(context);
      const client = await recorded.openFrames();
      for (const stream of [1, 3, 5]) client.request(stream, GET);
      await recorded.exchange(2);
      client.socket[how]();
      assert.deepEqual(await Promise.all(recorded.closed), ['aborted', 'aborted', 'aborted']);
    });
  }
});

describe('flow control', () => {
  it('a sink that is full closes the window; when it drains, the rest comes', async (context) => {
    const sink = new RecordingSink();
    sink.full = true;
    const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink), { maxBodyBytes: 1e7 });
    const stream = recorded.connect().request({ ':path': '/', ':method': 'POST' });
    stream.on('error', () => undefined);
    const total = 1_000_000;
    stream.end(Buffer.alloc(total, 'abcdefg'));
    await recorded.exchange();
    while (sink.text.length === 0) await new Promise(setImmediate);
    const first = sink.text.length;
    assert.ok(first <= 65_535, `${first} bytes`);
    sink.full = false;
    const ended = new Promise<void>((resolve) => {
      sink.onOutcome = resolve;
    });
    sink.onDrain?.();
    await ended;
    assert.equal(sink.outcome, 'end');
    assert.ok(Buffer.from(sink.text).equals(Buffer.alloc(total, 'abcdefg')));
  });

  it('a client that does not open its window makes write return false, and drain when it does', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    client.request(1, GET);
    const exchange = await recorded.exchange();
    const drained = Promise.withResolvers<void>();
    const sink = exchange.respond(head(200));
    sink.onDrain = drained.resolve;
    assert.equal(sink.write(Buffer.alloc(200_000)), false);
    await client.first(
      () => client.of(1).reduce((sum, { type, payload }) => sum + (type === 0 ? payload.length : 0), 0) === 65_535,
    );
    client.send(frame(FRAME.window, 0, 0, uint32(1_000_000)), frame(FRAME.window, 0, 1, uint32(1_000_000)));
    await drained.promise;
    sink.end();
    assert.equal(await recorded.closed[0], 'complete');
  });

  it('30 MB each way arrive byte for byte', async (context) => {
    const payload = Buffer.alloc(30_000_000, 'abcdefg');
    const recorded = await listen(
      context,
      (exchange) => {
        // What comes in goes out: the answer takes bytes for as long as it says so.
        exchange.body.deliverTo(exchange.respond(head(200, [], payload.length)));
      },
      { maxBodyBytes: 1e9 },
    );
    const stream = recorded.connect().request({ ':path': '/', ':method': 'POST' });
    let at = 0;
    stream.on('data', (chunk: Buffer) => {
      assert.ok(chunk.equals(payload.subarray(at, at + chunk.length)));
      at += chunk.length;
    });
    await Promise.all([pipeline(Readable.from(piecesOf(payload)), stream), once(stream, 'end')]);
    assert.equal(at, payload.length);
    assert.equal(await recorded.closed[0], 'complete');
  });
});

describe('limits', () => {
  it('a body too large by its own word is refused before a byte of it', async (context) => {
    const sink = new RecordingSink();
    const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink), { maxBodyBytes: 3 });
    const client = await recorded.openFrames();
    client.request(1, [...POST, ['content-length', '4']], END_HEADERS);
    await client.settled();
    assert.deepEqual([sink.text, sink.outcome], ['', 'payload_too_large']);
  });

  it('a body of unknown length is cut at the limit; the answer comes whole, then RST_STREAM NO_ERROR', async (context) => {
    const sink = new RecordingSink();
    const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink), { maxBodyBytes: 3 });
    const client = await recorded.openFrames();
    client.request(1, POST, END_HEADERS);
    client.send(frame(FRAME.data, 0, 1, Buffer.from('abc')), frame(FRAME.data, 0, 1, Buffer.from('d')));
    await client.settled();
    assert.deepEqual([sink.text, sink.outcome], ['abc', 'payload_too_large']);
    respondText(await recorded.exchange(), 'too much', 413);
    assert.equal(await client.reset(1), NO_ERROR);
    const kinds = client.of(1).filter(({ type }) => type !== FRAME.window);
    assert.deepEqual(
      kinds.map(({ type, flags }) => [type, flags]),
      [
        [FRAME.headers, END_HEADERS],
        [FRAME.data, END_STREAM],
        [FRAME.reset, 0],
      ],
    );
    assert.equal(await recorded.closed[0], 'complete');
  });

  it('an answer in the middle of an upload reaches a real client whole', async (context) => {
    const recorded = await listen(context, (exchange) => respondText(exchange, 'no', 401));
    const stream = recorded.connect().request({ ':path': '/', ':method': 'POST' });
    stream.write(Buffer.alloc(1_000_000));
    const { status, body, error } = await readAnswer(stream);
    assert.deepEqual([status, body, error], [401, 'no', undefined]);
    assert.equal(await recorded.closed[0], 'complete');
  });

  it('a pause inside a body longer than read_timeout is a timeout', async (context) => {
    const sink = new RecordingSink();
    const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink));
    const client = await recorded.openFrames();
    client.request(1, POST, END_HEADERS);
    await client.settled();
    recorded.timing.advance(9_999);
    client.send(frame(FRAME.data, 0, 1, Buffer.from('a')));
    await client.settled();
    recorded.timing.advance(9_999);
    assert.equal(sink.outcome, undefined);
    recorded.timing.advance(1);
    assert.deepEqual([sink.text, sink.outcome], ['a', 'request_timeout']);
  });

  it('a body that takes longer than body_timeout is a timeout, however steady it is', async (context) => {
    const sink = new RecordingSink();
    const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink));
    const client = await recorded.openFrames();
    client.request(1, POST, END_HEADERS);
    await client.settled();
    for (let at = 0; at < 60_000; at += 5000) {
      assert.equal(sink.outcome, undefined);
      client.send(frame(FRAME.data, 0, 1, Buffer.from('a')));
      await client.settled();
      recorded.timing.advance(5000);
    }
    assert.deepEqual([sink.text.length, sink.outcome], [12, 'request_timeout']);
  });

  it('time stands still for a body that is held back', async (context) => {
    const sink = new RecordingSink();
    sink.full = true;
    const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink));
    const client = await recorded.openFrames();
    client.request(1, POST, END_HEADERS);
    client.send(frame(FRAME.data, 0, 1, Buffer.from('a')));
    await client.settled();
    recorded.timing.advance(600_000);
    sink.full = false;
    sink.onDrain?.();
    client.send(frame(FRAME.data, END_STREAM, 1, Buffer.from('b')));
    await client.settled();
    assert.deepEqual([sink.text, sink.outcome], ['ab', 'end']);
  });

  it('a quiet event stream lives as long as both ends want it', async (context) => {
    const recorded = await listen(context);
    const stream = recorded.connect().request({ ':path': '/' });
    const sink = (await recorded.exchange()).respond(head(200));
    sink.write(Buffer.from('data: 1\n\n'));
    await once(stream, 'data');
    for (let at = 0; at < 3_600_000; at += 10_000) recorded.timing.advance(10_000);
    sink.write(Buffer.from('data: 2\n\n'));
    assert.equal(String((await once(stream, 'data'))[0]), 'data: 2\n\n');
  });

  it('a stream whose window stays shut for write_timeout is reset, the others go on', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    client.send(frame(FRAME.window, 0, 0, uint32(1_000_000)));
    for (const stream of [1, 3]) client.request(stream, GET);
    await recorded.exchange(1);
    const [stalled, quiet] = recorded.exchanges;
    stalled?.respond(head(200)).write(Buffer.alloc(200_000));
    quiet?.respond(head(200)).write(Buffer.from('data: 1\n\n'));
    assert.deepEqual(quiet?.head, { method: 'GET', target: '/', authority: '', fields: [] });
    await client.first(({ type, stream }) => type === FRAME.data && stream === 3);
    recorded.timing.advance(1);
    recorded.timing.advance(29_999);
    assert.equal(client.resetCode(1), undefined);
    recorded.timing.advance(1);
    assert.equal(await client.endOf(1), CANCEL);
    assert.equal(await recorded.closed[0], 'aborted');
    assert.ok(client.of(1).every(({ type, flags }) => type === FRAME.reset || (flags & END_STREAM) === 0));
    await client.settled();
    assert.equal(client.resetCode(3), undefined);
  });

  it('a connection on which nothing moves for write_timeout is cut', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    client.request(1, GET);
    const sink = (await recorded.exchange()).respond(head(200));
    sink.write(Buffer.alloc(200_000));
    sink.end();
    recorded.timing.advance(1);
    recorded.timing.advance(30_000);
    await client.untilEnd();
    assert.equal(await recorded.closed[0], 'aborted');
  });
});
