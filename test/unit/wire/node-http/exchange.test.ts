/** Bodies, answers and the ends of exchanges on the listening side. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BodySink, Exchange } from '../../../../src/wire/exchange.ts';
import { createSignal, head, RecordingSink, respondText, startFixture } from './fixture.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (headers: string, body = ''): string => `POST / HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n${body}`;

/** Delivers each body to a sink of its own and answers 200 when it is complete, 400 with the failure when it is not. */
function recordBodies() {
  const sinks: RecordingSink[] = [];
  const { promise: first, resolve } = Promise.withResolvers<RecordingSink>();
  const onExchange = (exchange: Exchange): void => {
    const sink = new RecordingSink();
    sinks.push(sink);
    resolve(sink);
    void sink.over().then((outcome) => {
      if (outcome !== 'client_closed') respondText(exchange, outcome ?? '', outcome === 'end' ? 200 : 400);
    });
    exchange.body.deliverTo(sink);
  };
  return { sinks, first, onExchange };
}

describe('RFC 9112 §6: request bodies', () => {
  it('delivers Content-Length and chunked bodies, and drops chunk extensions and trailers', async (context) => {
    const { sinks, onExchange } = recordBodies();
    const fixture = await startFixture(context, { onExchange });
    const client = await fixture.open();
    await client.send(post('Content-Length: 5', 'hello'));
    assert.equal((await client.readResponse()).status, 200);
    await client.send(post('Transfer-Encoding: chunked', '3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX-Obex-User: root\r\n\r\n'));
    assert.equal((await client.readResponse()).status, 200);
    assert.deepEqual(
      sinks.map((sink) => sink.text),
      ['hello', 'hello'],
    );
    assert.deepEqual(
      fixture.exchanges.map((exchange) => exchange.body.length),
      [5, undefined],
    );
    assert.equal(JSON.stringify(fixture.exchanges.map((exchange) => exchange.head.fields)).includes('root'), false);
  });

  it('refuses a declared length over the limit without reading, and closes', async (context) => {
    const { sinks, onExchange } = recordBodies();
    const fixture = await startFixture(context, { onExchange });
    const client = await fixture.open();
    await client.send(post('Content-Length: 100001'));
    const response = await client.readResponse();
    assert.equal(response.body.toString(), 'payload_too_large');
    assert.deepEqual(response.values('Connection'), ['close']);
    assert.equal((await client.readToEnd()).length, 0);
    assert.equal(sinks[0]?.bytes, 0);
  });

  it('cuts a chunked body off at the limit', async (context) => {
    const { sinks, first, onExchange } = recordBodies();
    const fixture = await startFixture(context, { limits: { maxBodyBytes: 10 }, onExchange });
    const client = await fixture.open();
    await client.send(post('Transfer-Encoding: chunked', '6\r\n123456\r\n'));
    await (await first).until(() => sinks[0]?.bytes === 6);
    await client.send('6\r\n123456\r\n');
    const response = await client.readResponse();
    assert.equal(response.body.toString(), 'payload_too_large');
    assert.deepEqual(response.values('Connection'), ['close']);
    assert.equal(sinks[0]?.text, '123456');
  });

  for (const [name, bytes] of Object.entries({
    'a chunk size that is none': 'zz\r\n',
    'a negative chunk size': '-1\r\n',
    'a chunk longer than it said': '1\r\nab\r\n',
    'a bare LF after a chunk size': '1\na\r\n0\r\n\r\n',
    'a chunk size beyond all numbers': 'fffffffffffffffff\r\n',
  })) {
    it(`aborts on ${name} and closes after the answer`, async (context) => {
      const { onExchange } = recordBodies();
      const fixture = await startFixture(context, { onExchange });
      const client = await fixture.open();
      await client.send(post('Transfer-Encoding: chunked', bytes));
      const response = await client.readResponse();
      assert.equal(response.body.toString(), 'malformed_request');
      assert.deepEqual(response.values('Connection'), ['close']);
      assert.equal((await client.readToEnd()).length, 0);
      assert.deepEqual(fixture.refused, []);
    });
  }

  it('aborts after the longest pause, and after the longest time for the whole', async (context) => {
    for (const limits of [{ readTimeoutMs: 40 }, { bodyTimeoutMs: 40 }]) {
      const { onExchange } = recordBodies();
      const fixture = await startFixture(context, { limits, onExchange });
      const client = await fixture.open();
      await client.send(post('Content-Length: 5', 'he'));
      const response = await client.readResponse();
      assert.equal(response.body.toString(), 'request_timeout');
      assert.deepEqual(response.values('Connection'), ['close']);
    }
  });

  it('tells the sink and onClose when the client goes away within a body', async (context) => {
    const { sinks, first, onExchange } = recordBodies();
    const fixture = await startFixture(context, { onExchange });
    const client = await fixture.open();
    await client.send(post('Content-Length: 5', 'he'));
    await (await first).until(() => sinks[0]?.bytes === 2);
    client.destroy();
    await fixture.outcome(1);
    assert.equal(sinks[0]?.outcome, 'client_closed');
    assert.deepEqual(fixture.outcomes, ['aborted']);
  });

  it('stops reading the socket while the sink is full, and reads on when it drains', async (context) => {
    const sink = new RecordingSink();
    sink.full = true;
    const onExchange = (exchange: Exchange): void => exchange.body.deliverTo(sink);
    const total = 20_000_000;
    const fixture = await startFixture(context, { limits: { maxBodyBytes: total }, onExchange });
    const client = await fixture.open();
    const sent = client.send(Buffer.concat([Buffer.from(post(`Content-Length: ${total}`)), Buffer.alloc(total)]));
    await sink.until(() => sink.bytes > 0);
    // Exactly one chunk came through; what the client cannot hand to the kernel shows that nobody reads.
    assert.equal(sink.chunks.length, 1);
    assert.ok(client.socket.writableLength > 0, 'the client is held up');
    const before = sink.bytes;
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(sink.bytes, before);
    sink.full = false;
    sink.onDrain?.();
    await sent;
    assert.equal(await sink.over(), 'end');
    assert.equal(sink.bytes, total);
  });
});

describe('RFC 9110 §10.1.1: Expect: 100-continue', () => {
  it('is answered when the body is wanted, not before', async (context) => {
    const { sinks, onExchange } = recordBodies();
    const fixture = await startFixture(context, { onExchange });
    const client = await fixture.open();
    await client.send(post('Content-Length: 5\r\nExpect: 100-continue'));
    assert.equal((await client.readResponse()).status, 100);
    await client.send('hello');
    const response = await client.readResponse();
    assert.equal(response.status, 200);
    assert.deepEqual(response.values('Connection'), ['keep-alive']);
    assert.equal(sinks[0]?.text, 'hello');
  });

  it('is not answered when the body is refused; the connection then closes, since the body may or may not follow', async (context) => {
    const fixture = await startFixture(context, { onExchange: (exchange) => respondText(exchange, 'no', 401) });
    const client = await fixture.open();
    await client.send(post('Content-Length: 5\r\nExpect: 100-continue'));
    const response = await client.readResponse();
    assert.equal(response.status, 401);
    assert.deepEqual(response.values('Connection'), ['close']);
    assert.equal(await client.closed, 'fin');
  });
});

describe('RFC 9112 §9.3: an answer that does not wait for the body', () => {
  it('leaves the connection usable after an early 401 with an unread body', async (context) => {
    const fixture = await startFixture(context, { onExchange: (exchange) => respondText(exchange, 'no', 401) });
    const client = await fixture.open();
    await client.send(post('Content-Length: 5'));
    const early = await client.readResponse();
    assert.equal(early.status, 401);
    assert.deepEqual(early.values('Connection'), ['keep-alive']);
    await client.send(`hello${post('Transfer-Encoding: chunked', '1\r\nx\r\n0\r\n\r\n')}${GET}`);
    assert.equal((await client.readResponse()).status, 401);
    assert.equal((await client.readResponse()).status, 401);
    assert.equal(fixture.exchanges.length, 3);
    await fixture.outcome(3);
    assert.deepEqual(fixture.outcomes, ['complete', 'complete', 'complete']);
  });

  it('closes when an unread chunked body turns out over the limit', async (context) => {
    const fixture = await startFixture(context, { limits: { maxBodyBytes: 10 } });
    const client = await fixture.open();
    await client.send(post('Transfer-Encoding: chunked', '14\r\n01234567890123456789\r\n'));
    assert.equal((await client.readResponse()).status, 200);
    assert.equal((await client.readToEnd()).length, 0);
  });

  it('lets a client that still sends read the answer: a FIN, no reset that would wipe it out', async (context) => {
    const fixture = await startFixture(context);
    const client = await fixture.open();
    client.socket.pause();
    await client.send(post('Content-Length: 5000000', 'x'.repeat(1_000)));
    await fixture.outcome(1);
    for (let round = 0; round < 50; round += 1) {
      await client.send('x'.repeat(1_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.resume();
    const response = await client.readResponse();
    assert.equal(response.status, 200);
    assert.deepEqual(response.values('Connection'), ['close']);
    assert.equal(await client.closed, 'fin');
  });
});

describe('RFC 9112 §6, RFC 9110 §6.4.1, §8.6: response framing', () => {
  const respond =
    (status: number, length: number | undefined, body: string) =>
    (exchange: Exchange): void => {
      const sink = exchange.respond(head(status, ['X-A', '1'], length));
      if (body !== '') sink.write(Buffer.from(body));
      sink.end();
    };
  const framing = (response: { values(name: string): string[] }): [string[], string[]] => [
    response.values('Content-Length'),
    response.values('Transfer-Encoding'),
  ];
  const rows: readonly [name: string, request: string, onExchange: (exchange: Exchange) => void, expected: unknown][] =
    [
      ['a length becomes Content-Length', GET, respond(200, 2, 'ok'), [['2'], []]],
      ['no length becomes chunked', GET, respond(200, undefined, 'ok'), [[], ['chunked']]],
      ['HEAD keeps the length and has no body', GET.replace('GET', 'HEAD'), respond(200, 2, 'ok'), [['2'], []]],
      ['HEAD without length has no framing', GET.replace('GET', 'HEAD'), respond(200, undefined, ''), [[], []]],
      ['204 never has any', GET, respond(204, 0, ''), [[], []]],
      ['304 keeps the length and has no body', GET, respond(304, 7, ''), [['7'], []]],
      ['202 without body', GET, respond(202, 0, ''), [['0'], []]],
    ];
  for (const [name, request, onExchange, expected] of rows) {
    it(`${name}, and the connection stays in step`, async (context) => {
      const fixture = await startFixture(context, { onExchange });
      const client = await fixture.open();
      for (let round = 0; round < 2; round += 1) {
        await client.send(request);
        const response = await client.readResponse(request.split(' ')[0]);
        assert.deepEqual(framing(response), expected);
        assert.deepEqual(response.values('Connection'), ['keep-alive']);
        assert.equal(response.complete, true);
      }
      assert.equal(client.buffered.length, 0);
    });
  }

  it('ends an HTTP/1.0 answer of unknown length by closing, and cuts a broken one with a reset', async (context) => {
    const ends: ((sink: BodySink) => void)[] = [(sink) => sink.end(), (sink) => sink.abort('backend_closed')];
    for (const [index, finish] of ends.entries()) {
      const sinks: BodySink[] = [];
      const fixture = await startFixture(context, {
        onExchange(exchange) {
          const sink = exchange.respond(head(200));
          sinks.push(sink);
          sink.write(Buffer.from('part'));
        },
      });
      const client = await fixture.open();
      await client.send('GET / HTTP/1.0\r\nHost: a\r\nTE: chunked\r\nConnection: keep-alive\r\n\r\n');
      await client.readUntil('part');
      const [sink] = sinks;
      if (sink !== undefined) finish(sink);
      const response = await client.readResponse();
      assert.deepEqual(framing(response), [[], []]);
      assert.deepEqual(response.values('Connection'), ['close']);
      assert.equal(response.body.toString(), 'part');
      assert.equal(response.complete, index === 0);
    }
  });

  it('keeps fields byte for byte in order, duplicates and a Date included, and never writes framing twice', async (context) => {
    const fixture = await startFixture(context, {
      onExchange(exchange) {
        const fields = [
          'Set-Cookie',
          'a=1',
          'DATE',
          'never',
          'set-cookie',
          'b=\xe4',
          'Content-Disposition',
          'x="\xe4"',
        ];
        const sink = exchange.respond({
          status: 299,
          reason: 'Very Fine',
          fields: [...fields, 'Content-Length', '9', 'Transfer-Encoding', 'chunked', 'Trailer', 'X', 'Keep-Alive', '1'],
          length: 2,
        });
        sink.write(Buffer.from('ok'));
        sink.end();
      },
    });
    const client = await fixture.open();
    await client.send(GET);
    const response = await client.readResponse();
    assert.equal(
      response.head,
      'HTTP/1.1 299 Very Fine\r\nSet-Cookie: a=1\r\nDATE: never\r\nset-cookie: b=\xe4\r\n' +
        'Content-Disposition: x="\xe4"\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n',
    );
  });

  for (const [name, body] of Object.entries({ short: 'a', long: 'abc' })) {
    it(`cuts the connection when a body is too ${name} for its declared length`, async (context) => {
      const fixture = await startFixture(context, { onExchange: respond(200, 2, body) });
      const client = await fixture.open();
      await client.send(GET + GET);
      const rest = (await client.readToEnd()).toString();
      assert.equal(/\r\n\r\n../.test(rest), false, 'never a whole body');
      await fixture.outcome(1);
      assert.deepEqual(fixture.outcomes, ['aborted']);
    });
  }

  it('cuts an aborted chunked answer without a last chunk', async (context) => {
    const sinks: BodySink[] = [];
    const fixture = await startFixture(context, {
      onExchange(exchange) {
        const sink = exchange.respond(head(200));
        sinks.push(sink);
        sink.write(Buffer.from('part'));
      },
    });
    const client = await fixture.open();
    await client.send(GET);
    await client.readUntil('part\r\n');
    sinks[0]?.abort('backend_closed');
    const response = await client.readResponse();
    assert.equal(response.complete, false);
    assert.equal(response.body.toString(), 'part');
    await fixture.outcome(1);
    assert.deepEqual(fixture.outcomes, ['aborted']);
  });

  it('flushes the head of an event stream before its first event', async (context) => {
    const sinks: BodySink[] = [];
    const fixture = await startFixture(context, {
      onExchange: (exchange) =>
        void sinks.push(exchange.respond(head(200, ['Content-Type', 'text/event-stream', 'X-A', '\xe4']))),
    });
    const client = await fixture.open();
    await client.send(GET);
    const response = await client.readHead();
    assert.deepEqual(response.values('Content-Type'), ['text/event-stream']);
    assert.deepEqual(response.values('X-A'), ['\xe4'], 'flushed byte for byte');
    assert.equal(client.buffered.length, 0);
    assert.equal(fixture.exchanges[0]?.responded, true);
    assert.equal(fixture.exchanges[0]?.bytesSent, 0);
    sinks[0]?.write(Buffer.from('data: 1\n\n'));
    assert.equal(await client.readUntil('data: 1'), '9\r\ndata: 1\n\n\r\n');
    assert.equal(fixture.exchanges[0]?.bytesSent, 9);
  });

  it('sends interim responses with their fields, but none to an HTTP/1.0 client', async (context) => {
    const fixture = await startFixture(context, {
      onExchange(exchange) {
        exchange.inform(103, ['Link', '</a>', 'link', '</b>']);
        respondText(exchange, 'ok');
      },
    });
    const client = await fixture.open();
    await client.send(GET);
    const interim = await client.readResponse();
    assert.equal(interim.head, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nlink: </b>\r\n\r\n');
    assert.equal((await client.readResponse()).status, 200);
    const old = await fixture.open();
    await old.send('GET / HTTP/1.0\r\n\r\n');
    assert.equal((await old.readResponse()).status, 200);
  });
});

describe('RFC 9112 §9.3.2: pipelining', () => {
  it('serves one request after the other and answers in order', async (context) => {
    const fixture = await startFixture(context, {
      onExchange(exchange) {
        assert.equal(fixture.outcomes.length, fixture.exchanges.length - 1, 'the one before is over');
        setImmediate(() => respondText(exchange, exchange.head.target));
      },
    });
    const client = await fixture.open();
    const targets = Array.from({ length: 100 }, (_, index) => `/${index}`);
    await client.send(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
    for (const target of targets) assert.equal((await client.readResponse()).body.toString(), target);
  });

  it('serves nothing behind a request with Connection: close', async (context) => {
    const fixture = await startFixture(context);
    const client = await fixture.open();
    await client.send(`GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n${GET}`);
    assert.deepEqual((await client.readResponse()).values('Connection'), ['close']);
    assert.equal((await client.readToEnd()).length, 0);
    assert.equal(fixture.exchanges.length, 1);
  });
});

describe('limits.write_timeout', () => {
  it('asks the writer to wait while the client does not read, and goes on when it does', async (context) => {
    const drained = createSignal();
    const chunk = Buffer.alloc(65_536);
    let written = 0;
    let held = false;
    const total = 400 * chunk.length;
    const fixture = await startFixture(context, {
      onExchange(exchange) {
        const sink = exchange.respond(head(200, [], total));
        const pump = (): void => {
          while (written < total) {
            written += chunk.length;
            if (!sink.write(chunk)) break;
          }
          if (written === total) return sink.end();
          held = true;
          drained.fire();
        };
        sink.onDrain = pump;
        pump();
      },
    });
    const client = await fixture.open();
    client.socket.pause();
    await client.send(GET);
    await drained.until(() => held);
    assert.ok(written < total, 'the writer is held up');
    client.socket.resume();
    const response = await client.readResponse();
    assert.equal(response.body.length, total);
  });

  it('cuts a client that refuses to read', async (context) => {
    const fixture = await startFixture(context, {
      limits: { writeTimeoutMs: 50 },
      onExchange(exchange) {
        const sink = exchange.respond(head(200));
        for (let i = 0; i < 400; i += 1) sink.write(Buffer.alloc(65_536));
      },
    });
    const client = await fixture.open();
    client.socket.pause();
    await client.send(GET);
    await fixture.outcome(1);
    assert.deepEqual(fixture.outcomes, ['aborted']);
  });

  it('never ends a stream that is merely quiet', async (context) => {
    const sinks: BodySink[] = [];
    const fixture = await startFixture(context, {
      limits: { writeTimeoutMs: 10, readTimeoutMs: 10, idleTimeoutMs: 10, bodyTimeoutMs: 10 },
      onExchange(exchange) {
        const sink = exchange.respond(head(200));
        sinks.push(sink);
        sink.write(Buffer.from('one'));
      },
    });
    const client = await fixture.open();
    await client.send(GET);
    await client.readUntil('one');
    await new Promise((resolve) => setTimeout(resolve, 100)); // ten times every limit: the quiet itself is under test
    sinks[0]?.write(Buffer.from('two'));
    sinks[0]?.end();
    const response = await client.readResponse();
    assert.equal(response.body.toString(), 'onetwo');
    assert.equal(response.complete, true);
  });
});

describe('Exchange.onClose', () => {
  it('says aborted once when the client leaves before the answer, and a late answer goes nowhere', async (context) => {
    const fixture = await startFixture(context, { onExchange: () => undefined });
    const client = await fixture.open();
    await client.send(GET + GET);
    while (fixture.exchanges.length < 1) await new Promise((resolve) => setImmediate(resolve));
    client.destroy();
    await fixture.outcome(1);
    const [exchange] = fixture.exchanges;
    if (exchange === undefined) throw new Error('no exchange');
    respondText(exchange, 'late');
    assert.deepEqual(fixture.outcomes, ['aborted']);
    assert.equal(fixture.exchanges.length, 1);
  });
});
