/** The backend side of the engine against a backend that sends whatever the test wants. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { boundPort } from '../../../../src/demo/loopback.ts';
import { VERSION } from '../../../../src/lib/version.ts';
import type { BackendOptions, BackendRequest } from '../../../../src/wire/backend.ts';
import type { BodySink, RequestBody } from '../../../../src/wire/exchange.ts';
import { createBackendPool } from '../../../../src/wire/http1/backend-pool.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { answerEach, isWholeRequest, type OnRequestBytes, startRawBackend } from '../../../support/raw-http.ts';
import { until } from '../../../support/until.ts';
import { FakeTiming, NO_BODY, NO_FAULTS, RecordedAnswer, ScriptedBody } from '../../../support/wire-peers.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GET: BackendRequest = {
  method: 'GET',
  target: '/a?b',
  fields: ['Host', 'b.test', 'X', '\xe4'],
  commonLines: 'Y: 1\r\n',
};
const POST: BackendRequest = { ...GET, method: 'POST' };
const HEAD_OF_POST = 'POST /a?b HTTP/1.1\r\nHost: b.test\r\nX: \xe4\r\nY: 1\r\n';

const NO_TLS = 'the server speaks no TLS; is it http?';
/** First bytes of something else, as latin1, and what is said of them. */
const FOREIGN = [
  ['\x15\x03\x01\x00\x02\x02\x46', 'it is a TLS record; is it https?'],
  ['SSH-2.0-OpenSSH_9.9\r\n', 'it is an SSH banner'],
  ['<!DOCTYPE html><html>', 'it is HTML without a head'],
  ['\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00', 'it is an HTTP/2 frame'],
  ['HTTP/1.1 200 OK\n\n', 'its head is malformed'],
] as const;

/** A body that is there at once. */
function wholeBody(bytes: Buffer): RequestBody {
  const deliverTo = (sink: BodySink): void => {
    sink.write(bytes);
    sink.end();
  };
  return { length: bytes.length, deliverTo };
}

async function start(context: TestContext, onBytes: OnRequestBytes, overrides: Partial<BackendOptions> = {}) {
  const backend = await startRawBackend(onBytes);
  const timing = new FakeTiming();
  const pool = createBackendPool(
    {
      url: new URL(`http://127.0.0.1:${backend.port}`),
      connectTimeoutMs: 5_000,
      headTimeoutMs: 30_000,
      maxIdleConnections: 10,
      maxHeaderBytes: 4_096,
      ca: undefined,
      onBug: NO_FAULTS.onBug,
      ...overrides,
    },
    timing,
  );
  context.after(async () => {
    pool.close();
    await backend.close();
  });
  const send = (request: BackendRequest, body: RequestBody = NO_BODY): RecordedAnswer => {
    const answer = new RecordedAnswer();
    const call = pool.send(request, body, answer);
    answer.cancel = () => call.cancel();
    return answer;
  };
  return { backend, pool, timing, send };
}

describe('RFC 9112 §6: the request as the backend sees it', () => {
  it('has the given fields and one framing field that fits the body', async (context) => {
    const { backend, send } = await start(context, answerEach(OK));
    await send(GET).over;
    await send(POST).over;
    const sized = new ScriptedBody(5);
    const first = send(POST, sized);
    const sink = await sized.requested;
    sink.write(Buffer.from('hel'));
    sink.write(Buffer.from('lo'));
    sink.end();
    await first.over;
    const endless = new ScriptedBody(undefined);
    const second = send(POST, endless);
    const chunks = await endless.requested;
    chunks.write(Buffer.from('hello'));
    chunks.write(new Uint8Array(0));
    chunks.end();
    await second.over;
    assert.equal(
      backend.received,
      `GET /a?b HTTP/1.1\r\nHost: b.test\r\nX: \xe4\r\nY: 1\r\n\r\n${HEAD_OF_POST}Content-Length: 0\r\n\r\n` +
        `${HEAD_OF_POST}Content-Length: 5\r\n\r\nhello${HEAD_OF_POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    );
    assert.equal(backend.connections.length, 1, 'one connection serves them all');
  });

  it('RFC 9110 §8.6: Content-Length: 0 only where the method gives a body a meaning', async (context) => {
    const { backend, send } = await start(context, answerEach(OK));
    for (const method of ['DELETE', 'OPTIONS', 'PUT', 'PATCH']) await send({ ...GET, method }).over;
    const lines = backend.received.split('\r\n').filter((line) => / HTTP|^Content/.test(line));
    assert.deepEqual(lines, [
      'DELETE /a?b HTTP/1.1',
      'OPTIONS /a?b HTTP/1.1',
      'PUT /a?b HTTP/1.1',
      'Content-Length: 0',
      'PATCH /a?b HTTP/1.1',
      'Content-Length: 0',
    ]);
  });

  it('never holds framing that came in the fields', async (context) => {
    const { backend, send } = await start(context, answerEach(OK));
    const framing = ['Content-Length', '3', 'transfer-encoding', 'chunked', 'Connection', 'close', 'Trailer', 'x'];
    await send({ ...GET, fields: ['Host', 'b', ...framing, 'Keep-Alive', '1'] }).over;
    assert.equal(backend.received, 'GET /a?b HTTP/1.1\r\nHost: b\r\nY: 1\r\n\r\n');
  });

  it('cuts the answer when the body breaks off behind its head', async (context) => {
    const { backend, send } = await start(context, () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const body = new ScriptedBody(10);
    const answer = send(POST, body);
    await answer.headed;
    (await body.requested).abort('request_timeout');
    assert.equal(answer.sink.outcome, 'request_timeout');
    await backend.connections[0]?.closed;
  });

  it('shows the head before the body has begun', async (context) => {
    const { backend, send } = await start(context, () => undefined);
    send(POST, new ScriptedBody(undefined));
    await backend.receivedText(`${HEAD_OF_POST}Transfer-Encoding: chunked\r\n\r\n`);
  });

  it('never sends bytes beyond the announced length, nor fewer as if complete', async (context) => {
    for (const bytes of ['hello!', 'hell']) {
      const { backend, send } = await start(context, () => undefined);
      const body = new ScriptedBody(5);
      const answer = send(POST, body);
      const sink = await body.requested;
      sink.write(Buffer.from(bytes));
      sink.end();
      await answer.over;
      assert.equal(answer.failure, 'malformed_request');
      for (const connection of backend.connections) {
        await connection.closed;
        assert.equal(isWholeRequest(connection.received), false);
      }
    }
  });

  it('leaves the request incomplete when the body breaks off', async (context) => {
    const { backend, send } = await start(context, () => undefined);
    const body = new ScriptedBody(undefined);
    const answer = send(POST, body);
    const sink = await body.requested;
    sink.write(Buffer.from('part'));
    await backend.receivedText('part');
    sink.abort('payload_too_large');
    assert.equal(answer.failure, 'payload_too_large');
    await backend.connections[0]?.closed;
    assert.equal(backend.received.endsWith('4\r\npart\r\n'), true);
  });

  it('does not touch the connection when the body is refused before its first byte', async (context) => {
    const { backend, send } = await start(context, answerEach(OK));
    await send(GET).over;
    const answer = send(POST, { length: 9, deliverTo: (sink) => sink.abort('payload_too_large') });
    assert.equal(answer.failure, 'payload_too_large');
    await send(GET).over;
    assert.equal(backend.connections.length, 1);
    assert.equal(backend.received.includes('POST'), false);
  });
});

describe('RFC 9112 §6.3: the answer', () => {
  const bodies: Readonly<Record<string, readonly [answer: string, body: string, outcome: string]>> = {
    'by Content-Length': [OK, 'ok', 'end'],
    'chunked, without extensions and trailers': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\no\r\n1\r\nk\r\n0\r\nT: u\r\n\r\n',
      'ok',
      'end',
    ],
    'behind interim responses': [
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`,
      'ok',
      'end',
    ],
  };
  for (const [name, [bytes, body, outcome]] of Object.entries(bodies)) {
    it(`is complete ${name}, however it is cut`, async (context) => {
      let sent = false;
      const { backend, send } = await start(context, (_bytes, connection) => {
        if (!sent) for (const byte of Buffer.from(bytes)) connection.socket.write(Uint8Array.of(byte));
        else connection.socket.write(bytes);
        sent = true;
        return '';
      });
      for (const answer of [send(GET), undefined]) {
        const each = answer ?? send(GET);
        await each.over;
        assert.deepEqual([each.sink.text, each.sink.outcome], [body, outcome]);
        assert.deepEqual(each.informational, name.includes('interim') ? [[103, ['Link', 'x']]] : []);
      }
      assert.equal(backend.connections.length, 1);
    });
  }

  it('without framing ends with a clean close, and is cut by a reset', async (context) => {
    let resets = false;
    const { send } = await start(context, (_bytes, { socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nok', () => {
        if (!resets) socket.end();
      });
      return '';
    });
    const clean = send(GET);
    await clean.over;
    assert.deepEqual([clean.sink.text, clean.sink.outcome, clean.head?.length], ['ok', 'end', undefined]);
    resets = true;
    const cut = await start(context, (_bytes, { socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nok');
      return '';
    });
    const answer = cut.send(GET);
    await answer.headed;
    (await cut.backend.connection(0)).socket.resetAndDestroy();
    await answer.over;
    assert.equal(answer.sink.outcome, 'backend_closed');
  });

  const broken: Readonly<Record<string, string>> = {
    'both framing fields': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'an unasked 101': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n',
    'another protocol': 'SSH-2.0-x\r\n',
    'an endless head': `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(5_000)}`,
    'a bare LF': 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
    'endless interim responses': 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(65),
  };
  for (const [name, bytes] of Object.entries(broken)) {
    it(`${name}: backend_protocol_error, and the connection is dropped`, async (context) => {
      const { backend, send } = await start(context, () => bytes);
      const answer = send(GET);
      await answer.over;
      assert.equal(answer.failure, 'backend_protocol_error');
      assert.equal(answer.cause instanceof Error, true);
      await backend.connections[0]?.closed;
    });
  }

  for (const [name, bytes] of Object.entries({
    'a broken chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nx\r\n',
    'a missing last chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n',
    'a short body': 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok',
  })) {
    it(`RFC 9112 §8: ${name} aborts the sink and never ends it`, async (context) => {
      const { send } = await start(context, (_bytes, { socket }) => {
        socket.end(bytes);
        return '';
      });
      const answer = send(GET);
      await answer.over;
      assert.deepEqual([answer.sink.text, answer.sink.outcome], ['ok', 'backend_closed']);
    });
  }
});

describe('RFC 9112 §9.3: the pool', () => {
  it('drops a connection that says more than its answer (response smuggling)', async (context) => {
    const { backend, send } = await start(context, answerEach(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`));
    for (const _ of [1, 2]) {
      const answer = send(GET);
      await answer.over;
      assert.equal(answer.sink.text, 'ok');
    }
    assert.equal(backend.connections.length, 2);
  });

  it('never lets what follows an answer answer the next request, even one sent in the same tick', async (context) => {
    const { send } = await start(context, answerEach(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`));
    const next = Promise.withResolvers<RecordedAnswer>();
    const answer = send(GET);
    answer.sink.onOutcome = () => next.resolve(send(GET));
    const second = await next.promise;
    await second.over;
    assert.equal(second.sink.text, 'ok');
  });

  it('drops an idle connection on which something comes', async (context) => {
    const { backend, send } = await start(context, answerEach(OK));
    await send(GET).over;
    backend.connections[0]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
    await backend.connections[0]?.closed;
    const answer = send(GET);
    await answer.over;
    assert.deepEqual([answer.sink.text, backend.connections.length], ['ok', 2]);
  });

  it('drops a connection whose request was not sent to its end, and passes the early answer on', async (context) => {
    const { backend, send } = await start(context, answerEach(OK));
    const waiting = await start(context, () => OK);
    const body = new ScriptedBody(5);
    const answer = waiting.send(POST, body);
    const sink = await body.requested;
    await answer.over;
    assert.deepEqual([answer.sink.text, answer.sink.outcome], ['ok', 'end']);
    assert.equal(sink.write(Buffer.from('hello')), true);
    sink.end();
    await waiting.backend.connections[0]?.closed;
    assert.equal(waiting.backend.received.includes('hello'), false);
    await send(GET).over;
    assert.equal(backend.connections.length, 1);
  });

  it('uses the youngest idle connection, keeps maxIdleConnections, and closes them when they grow old', async (context) => {
    const { backend, send, timing } = await start(context, answerEach(OK), { maxIdleConnections: 2 });
    await Promise.all([send(GET).over, send(GET).over, send(GET).over]);
    await Promise.race(backend.connections.map((connection) => connection.closed));
    assert.equal(backend.connections.length, 3);
    await send(GET).over;
    timing.advance(3_999);
    await send(GET).over;
    assert.equal(backend.connections.length, 3);
    timing.advance(1);
    const open = backend.connections.filter((connection) => !connection.socket.destroyed);
    await Promise.race(open.map((connection) => connection.closed));
    await send(GET).over;
    assert.equal(backend.connections.length, 3, 'the one used last is still young');
  });

  it('hangs up before the backend does that announces its Keep-Alive timeout', async (context) => {
    const { backend, send, timing } = await start(
      context,
      answerEach(OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=20\r\n\r\n')),
    );
    await send(GET).over;
    timing.advance(18_999);
    await send(GET).over;
    assert.equal(backend.connections.length, 1);
    timing.advance(19_000);
    await backend.connections[0]?.closed;
  });

  it('keeps the connection behind an answer that has no body, whatever its length says', async (context) => {
    const { backend, send } = await start(context, (bytes) =>
      bytes.includes('HEAD') ? OK.slice(0, -2) : 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n',
    );
    for (const [method, length] of [
      ['HEAD', 2],
      ['GET', 7],
      ['HEAD', 2],
    ] as const) {
      const answer = send({ ...GET, method });
      await answer.over;
      assert.deepEqual([answer.head?.length, answer.sink.text, answer.sink.outcome], [length, '', 'end']);
    }
    assert.equal(backend.connections.length, 1);
  });

  it('a request cancelled before its connection is made never reaches the backend', async (context) => {
    const { backend, send } = await start(context, answerEach(OK));
    const cancelled = send(POST);
    cancelled.cancel();
    await send(GET).over;
    assert.deepEqual([cancelled.head, cancelled.failure], [undefined, undefined]);
    assert.equal(backend.received.includes('POST'), false);
  });

  it('cancel destroys the connection and silences the receiver', async (context) => {
    const { backend, send } = await start(context, () => undefined);
    const answer = send(GET);
    await backend.receivedText('\r\n\r\n');
    answer.cancel();
    await backend.connections[0]?.closed;
    assert.deepEqual([answer.head, answer.failure], [undefined, undefined]);
  });

  it('close lets a running answer finish and keeps nothing', async (context) => {
    const { backend, pool, send } = await start(context, () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no');
    const answer = send(GET);
    await answer.headed;
    pool.close();
    backend.connections[0]?.socket.write('k');
    await answer.over;
    assert.equal(answer.sink.outcome, 'end');
    await backend.connections[0]?.closed;
  });
});

describe('RFC 9110 §9.2.2: a kept connection that turns out dead', () => {
  /** Answers the first request on each of the first `healthy` connections; every other request kills its connection. */
  const dieOnSecond = (): OnRequestBytes => {
    let requests = 0;
    return (bytes, { socket }) => {
      if (!isWholeRequest(bytes)) return undefined;
      requests += 1;
      if (requests !== 2) return OK;
      socket.destroy();
      return '';
    };
  };

  it('repeats an idempotent request without a body, on a fresh connection', async (context) => {
    const { backend, send } = await start(context, dieOnSecond());
    await send(GET).over;
    const answer = send(GET);
    await answer.over;
    assert.deepEqual([answer.sink.text, backend.connections.length], ['ok', 2]);
  });

  it('does not repeat a POST, nor anything whose body has been taken', async (context) => {
    for (const [request, length] of [
      [POST, 0],
      [{ ...GET, method: 'PUT' }, 4],
    ] as const) {
      const { backend, send } = await start(context, dieOnSecond());
      await send(GET).over;
      const body = length === 0 ? NO_BODY : wholeBody(Buffer.from('body'));
      const answer = send(request, body);
      await answer.over;
      assert.deepEqual([answer.failure, backend.connections.length], ['backend_unavailable', 1]);
    }
  });

  it('does not repeat a request whose head has left, even when its body is still to come', async (context) => {
    const { backend, send } = await start(context, (bytes, { socket }) => {
      if (bytes.includes('GET')) return OK;
      socket.destroy();
      return '';
    });
    await send(GET).over;
    const answer = send(POST, new ScriptedBody(4));
    await answer.over;
    assert.deepEqual([answer.failure, backend.connections.length], ['backend_unavailable', 1]);
  });

  it('does not repeat twice', async (context) => {
    let requests = 0;
    const { backend, send } = await start(context, (_bytes, { socket }) => {
      requests += 1;
      if (requests === 1) return OK;
      socket.destroy();
      return '';
    });
    await send(GET).over;
    const answer = send(GET);
    await answer.over;
    assert.deepEqual([answer.failure, backend.connections.length, requests], ['backend_unavailable', 2, 3]);
  });

  it('does not repeat on a first connection, nor behind the first byte of an answer', async (context) => {
    const fresh = await start(context, (_bytes, { socket }) => {
      socket.destroy();
      return '';
    });
    const first = fresh.send(GET);
    await first.over;
    assert.deepEqual([first.failure, fresh.backend.connections.length], ['backend_unavailable', 1]);
    let requests = 0;
    const partial = await start(context, (_bytes, { socket }) => {
      requests += 1;
      if (requests === 1) return OK;
      socket.end('HTTP/1.1 2');
      return '';
    });
    await partial.send(GET).over;
    const second = partial.send(GET);
    await second.over;
    assert.deepEqual([second.failure, requests], ['backend_protocol_error', 2]);
  });
});

describe('deadlines', () => {
  it('backend_timeout when no head comes within headTimeoutMs of the last byte of the request', async (context) => {
    const { backend, send, timing } = await start(context, () => undefined);
    const body = new ScriptedBody(2);
    const answer = send(POST, body);
    const sink = await body.requested;
    timing.advance(3_600_000);
    assert.equal(answer.failure, undefined, 'a slow client is not a slow backend');
    sink.write(Buffer.from('ok'));
    sink.end();
    timing.advance(29_999);
    assert.equal(answer.failure, undefined);
    timing.advance(1);
    assert.equal(answer.failure, 'backend_timeout');
    await backend.connections[0]?.closed;
  });

  it('never cuts a stream that has begun', async (context) => {
    const { backend, send, timing } = await start(
      context,
      () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const answer = send(GET);
    await answer.headed;
    timing.advance(3_600_000);
    backend.connections[0]?.socket.write('2\r\nok\r\n0\r\n\r\n');
    await answer.over;
    assert.deepEqual([answer.sink.text, answer.sink.outcome], ['ok', 'end']);
  });

  it('backend_unavailable with its cause when nobody listens', async (context) => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    await new Promise((resolve) => server.close(resolve));
    const { send, pool } = await start(context, () => undefined, { url: new URL(`http://127.0.0.1:${address.port}`) });
    const answer = send(POST, { length: 1, deliverTo: () => assert.fail('the body is not asked for') });
    await answer.over;
    assert.equal(answer.failure, 'backend_unavailable');
    assert.match(String(answer.cause), /ECONNREFUSED/);
    await assert.rejects(pool.probe(1_000), /ECONNREFUSED/);
  });

  it('RFC 8446: a handshake that does not come about is backend_timeout, one that fails backend_unavailable', async (context) => {
    const mute = await start(context, () => undefined);
    const tls = (port: number): Partial<BackendOptions> => ({ url: new URL(`https://127.0.0.1:${port}`) });
    const { send, pool, timing } = await start(context, () => undefined, tls(mute.backend.port));
    const answer = send(GET);
    await mute.backend.connection(0);
    timing.advance(4_999);
    assert.equal(answer.failure, undefined);
    timing.advance(1);
    assert.equal(answer.failure, 'backend_timeout');
    assert.equal(String(answer.cause), 'BackendTimeout: no connection within 5000 ms');
    await assert.rejects(pool.probe(40), { message: 'no answer within 40 ms' });
    const rude = await start(context, () => 'HTTP/1.1 400 Bad Request\r\n\r\n');
    const refused = (await start(context, () => undefined, tls(rude.backend.port))).send(GET);
    await refused.over;
    assert.deepEqual([refused.failure, String(refused.cause)], ['backend_unavailable', `Error: ${NO_TLS}`]);
  });

  it('an interim response is a sign of life: the time runs anew', async (context) => {
    const { backend, send, timing } = await start(context, () => 'HTTP/1.1 102 Processing\r\n\r\n');
    const answer = send(POST);
    const { socket } = await backend.connection(0);
    for (let count = 1; count < 4; count += 1) {
      await until(`interim response ${count}`, () => answer.informational.length === count || undefined);
      timing.advance(29_999);
      socket.write('HTTP/1.1 102 Processing\r\n\r\n');
    }
    await until('the last interim response', () => answer.informational.length === 4 || undefined);
    timing.advance(29_999);
    assert.equal(answer.failure, undefined);
    timing.advance(1);
    assert.deepEqual(
      [answer.failure, String(answer.cause)],
      ['backend_timeout', 'BackendTimeout: no response head within 30000 ms'],
    );
  });

  it('a request that may wait is waited for, but neither with a body nor in the middle of a head', async (context) => {
    const { backend, send, timing } = await start(context, () => undefined);
    const patient = { ...GET, mayWait: true };
    const answer = send(patient);
    await backend.receivedText('Y: 1\r\n\r\n');
    timing.advance(24 * 3_600_000);
    assert.equal(answer.failure, undefined);
    const withBody = send(patient, wholeBody(Buffer.from('ok')));
    await backend.receivedText('\r\n\r\nok');
    timing.advance(30_000);
    assert.deepEqual([answer.failure, withBody.failure], [undefined, 'backend_timeout']);
    backend.connections[0]?.socket.write('HTTP/1.1 200 O');
    await until('the beginning of a head has been read', () => {
      timing.advance(30_000);
      return answer.failure;
    });
    assert.equal(answer.failure, 'backend_timeout');
  });
});

describe('RFC 9110 §9.3.7: probe asks for what changes nothing, by a connection of its own', () => {
  it('any valid answer will do, and is not waited for', async (context) => {
    const statuses = ['200 OK', '404 Not Found', '500 Oops'];
    const { backend, pool } = await start(
      context,
      () => `HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 ${statuses.shift()}\r\nContent-Length: 100\r\n\r\n`,
    );
    for (let count = 0; count < 3; count += 1) {
      await pool.probe(60_000);
      await (await backend.connection(count)).closed;
    }
    const request = `OPTIONS / HTTP/1.1\r\nHost: 127.0.0.1:${backend.port}\r\nUser-Agent: obex/${VERSION}\r\nConnection: close\r\n\r\n`;
    assert.equal(backend.received, request.repeat(3));
  });

  it('a backend that takes connections and answers nothing is found out', async (context) => {
    const resets = await start(context, (_bytes, { socket }) => {
      socket.resetAndDestroy();
      return '';
    });
    await assert.rejects(resets.pool.probe(60_000), /ECONNRESET/);
    const closes = await start(context, (_bytes, { socket }) => {
      socket.end();
      return '';
    });
    await assert.rejects(closes.pool.probe(60_000), {
      message: 'the connection was closed without an answer; is it https?',
    });
    const mute = await start(context, () => undefined);
    await assert.rejects(mute.pool.probe(40), { message: 'no answer within 40 ms' });
    await (await mute.backend.connection(0)).closed;
  });

  for (const [bytes, name] of FOREIGN) {
    it(`names what came back: ${name}`, async (context) => {
      const { pool, send } = await start(context, () => Buffer.from(bytes, 'latin1'));
      const message = `the answer is not valid HTTP/1.1: ${name}`;
      await assert.rejects(pool.probe(60_000), { message });
      const answer = send(POST);
      await answer.over;
      assert.deepEqual([answer.failure, answer.cause?.message], ['backend_protocol_error', message]);
    });
  }
});

describe('RFC 9112 §9.5: an answer that came before the request was complete', () => {
  const REFUSAL = 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\ntoo large';
  const CHUNK = Buffer.alloc(65_536, 'x');

  /** The backend answers at the first bytes, closes with some of the body unread, and only then is more written. */
  async function sendPastAnswer(context: TestContext, last: string, secure: boolean): Promise<RecordedAnswer> {
    const { promise, resolve } = Promise.withResolvers<() => void>();
    const serve = (socket: Socket): void => {
      socket.on('error', () => socket.destroy());
      socket.once('data', async () => {
        const writeMore = await promise;
        writeMore();
        socket.write(last);
        socket.destroy();
        writeMore();
        writeMore();
      });
    };
    const certificate = createCertificate('backend');
    const server = secure ? createTlsServer(certificate, serve) : createServer(serve);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    context.after(() => void server.close());
    const url = new URL(`${secure ? 'https' : 'http'}://localhost:${boundPort(server)}`);
    const { send } = await start(context, () => undefined, { url, ca: certificate.cert });
    const body = new ScriptedBody(100 * CHUNK.length);
    const answer = send(POST, body);
    const sink = await body.requested;
    resolve(() => void sink.write(CHUNK));
    await answer.over;
    return answer;
  }

  for (const secure of [false, true]) {
    const over = secure ? 'TLS' : 'TCP';
    it(`is read although writing has failed, over ${over}`, async (context) => {
      const { failure, head, sink } = await sendPastAnswer(context, REFUSAL, secure);
      assert.deepEqual([failure, head?.status, sink.text, sink.outcome], [undefined, 413, 'too large', 'end']);
    });

    it(`is cut when it should have ended with the connection, which broke, over ${over}`, async (context) => {
      const { failure, head, sink } = await sendPastAnswer(context, 'HTTP/1.1 413 Too Large\r\n\r\ntoo', secure);
      assert.deepEqual([failure, head?.status, sink.text, sink.outcome], [undefined, 413, 'too', 'backend_closed']);
    });

    it(`without one the cause is the failed write, over ${over}`, async (context) => {
      const { failure, cause } = await sendPastAnswer(context, '', secure);
      assert.equal(failure, 'backend_unavailable');
      assert.match(String(cause), /write (EPIPE|ECONNRESET)/);
    });
  }

  it('what lay there before anything of the request arrived is no answer to it', async (context) => {
    const { backend, send } = await start(context, answerEach(OK));
    await send(GET).over;
    const { socket } = await backend.connection(0);
    socket.write(REFUSAL);
    socket.resetAndDestroy();
    const answer = send(POST, wholeBody(CHUNK));
    await answer.over;
    assert.deepEqual([answer.head, answer.failure], [undefined, 'backend_unavailable']);
  });
});

describe('backpressure', () => {
  it('a backend that does not read makes the writer of the body wait until it does', async (context) => {
    const { backend, send } = await start(context, () => undefined);
    const body = new ScriptedBody(undefined);
    send(POST, body);
    const sink = await body.requested;
    const { socket } = await backend.connection(0);
    socket.pause();
    let writes = 0;
    while (sink.write(Buffer.alloc(65_536))) writes += 1;
    assert.ok(writes < 1_000);
    const drained = new Promise<void>((resolve) => {
      sink.onDrain = resolve;
    });
    socket.resume();
    await drained;
  });

  it('a full sink holds the backend up until onDrain', async (context) => {
    const total = 8_000_000;
    const { backend, send } = await start(context, () => `HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    const answer = send(GET);
    answer.sink.full = true;
    await answer.headed;
    const { socket } = await backend.connection(0);
    const flushed = new Promise<void>((resolve) => socket.write(Buffer.alloc(total, 'x'), () => resolve()));
    let length = -1;
    while (length !== answer.sink.text.length || length === 0) {
      length = answer.sink.text.length;
      for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    }
    assert.ok(length < 1_000_000, `took ${length} bytes that nobody wanted`);
    answer.sink.full = false;
    answer.sink.onDrain?.();
    await flushed;
    await answer.over;
    assert.deepEqual([answer.sink.text.length, answer.sink.outcome], [total, 'end']);
  });
});
