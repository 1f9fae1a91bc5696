/** The backend side against a backend that sends whatever the test wants. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { BackendFailure, BackendOptions, BackendRequest } from '../../../../src/wire/backend.ts';
import type { RequestBody, ResponseHead } from '../../../../src/wire/exchange.ts';
import { createBackendClient } from '../../../../src/wire/node-http/backend-client.ts';
import { answerEach, type OnRequestBytes, startRawBackend } from '../../../support/raw-http.ts';
import { backendOptions, createSignal, NO_BODY, RecordingSink, ScriptedBody } from './fixture.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GET: BackendRequest = { method: 'GET', target: '/a?b', fields: ['Host', 'b.test', 'X-A', '1', 'x-a', '\xe4'] };
const POST: BackendRequest = { ...GET, method: 'POST' };

/** Everything a receiver is told, checked for "exactly one of onHead and onFailure". */
class Answer {
  head: ResponseHead | undefined;
  failure: BackendFailure | undefined;
  cause: Error | undefined;
  readonly informational: [number, readonly string[]][] = [];
  readonly sink = new RecordingSink();
  cancel: () => void = () => undefined;
  readonly #signal = createSignal();

  onInformational(status: number, fields: readonly string[]): void {
    this.informational.push([status, fields]);
  }

  onHead(head: ResponseHead): RecordingSink | undefined {
    this.#checkFirst();
    this.head = head;
    this.#signal.fire();
    return this.sink;
  }

  onFailure(failure: BackendFailure, cause: Error | undefined): void {
    this.#checkFirst();
    this.failure = failure;
    this.cause = cause;
    this.#signal.fire();
  }

  async headed(): Promise<ResponseHead> {
    await this.#signal.until(() => this.head !== undefined || this.failure !== undefined);
    if (this.head === undefined) throw new Error(`failed: ${this.failure}`, { cause: this.cause });
    return this.head;
  }

  async failed(): Promise<BackendFailure | undefined> {
    await this.#signal.until(() => this.head !== undefined || this.failure !== undefined);
    return this.failure;
  }

  #checkFirst(): void {
    if (this.head !== undefined || this.failure !== undefined) throw new Error('told twice');
  }
}

async function startBoth(context: TestContext, onBytes: OnRequestBytes, overrides: Partial<BackendOptions> = {}) {
  const backend = await startRawBackend(onBytes);
  const client = createBackendClient(backendOptions(backend.port, overrides));
  context.after(() => client.close());
  context.after(() => backend.close());
  const send = (request: BackendRequest, body: RequestBody = NO_BODY): Answer => {
    const answer = new Answer();
    answer.cancel = client.send(request, body, answer);
    return answer;
  };
  return { backend, client, send };
}

describe('RFC 9112 §6: the request as the backend sees it', () => {
  const headOf = (framing: string, method = 'POST'): string =>
    `${method} /a?b HTTP/1.1\r\nHost: b.test\r\nX-A: 1\r\nx-a: \xe4\r\n${framing}Connection: keep-alive\r\n\r\n`;

  it('has the given fields in order and one framing field that fits the body', async (context) => {
    const { backend, send } = await startBoth(context, answerEach(OK));
    const rows: readonly [method: string, length: number | undefined, chunks: readonly string[], bytes: string][] = [
      ['GET', 0, [], headOf('', 'GET')],
      ['DELETE', 0, [], headOf('', 'DELETE')],
      ['POST', 0, [], headOf('Content-Length: 0\r\n')],
      ['PUT', 0, [], headOf('Content-Length: 0\r\n', 'PUT')],
      ['PATCH', 0, [], headOf('Content-Length: 0\r\n', 'PATCH')],
      ['POST', 5, ['he', 'llo'], `${headOf('Content-Length: 5\r\n')}hello`],
      ['GET', 2, ['ok'], `${headOf('Content-Length: 2\r\n', 'GET')}ok`],
      ['POST', undefined, ['he', 'llo'], `${headOf('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n0\r\n\r\n`],
    ];
    let expected = '';
    for (const [method, length, chunks, bytes] of rows) {
      const body = new ScriptedBody(length);
      const answer = send({ ...GET, method }, body);
      if (length !== 0) {
        const sink = await body.requested();
        for (const chunk of chunks) sink.write(Buffer.from(chunk));
        sink.end();
      }
      assert.equal((await answer.headed()).status, 200);
      assert.equal(await answer.sink.over(), 'end');
      expected += bytes;
      assert.equal(backend.received, expected);
    }
    assert.equal(backend.connections.length, 1);
  });

  it('never holds framing that came in the fields', async (context) => {
    const { backend, send } = await startBoth(context, answerEach(OK));
    const fields = [
      'Host',
      'b',
      'Content-Length',
      '3',
      'transfer-encoding',
      'chunked',
      'Connection',
      'close',
      'Trailer',
      'x',
    ];
    await send({ method: 'GET', target: '/', fields }).headed();
    assert.equal(backend.received, 'GET / HTTP/1.1\r\nHost: b\r\nConnection: keep-alive\r\n\r\n');
  });

  it('lets the backend see the head while the body has not begun', async (context) => {
    const { backend, send } = await startBoth(context, () => undefined);
    send(POST, new ScriptedBody(undefined));
    await backend.receivedText('\r\n\r\n');
    assert.equal(backend.received, headOf('Transfer-Encoding: chunked\r\n'));
  });
});

describe('RFC 9112 §6, RFC 9110 §7.6.1: the response as it is handed on', () => {
  it('has its fields in order without framing, Connection, Keep-Alive, Trailer and what Connection names', async (context) => {
    const { send } = await startBoth(
      context,
      answerEach(
        'HTTP/1.1 299 Odd \xe4\r\nSet-Cookie: a\r\nX-Hop: 1\r\nset-cookie: b\r\nConnection: x-hop, keep-alive\r\n' +
          'Keep-Alive: timeout=5\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n' +
          '2;ext=1\r\nok\r\n0\r\nX-T: 1\r\n\r\n',
      ),
    );
    const answer = send(GET);
    assert.deepEqual(await answer.headed(), {
      status: 299,
      reason: 'Odd \xe4',
      fields: ['Set-Cookie', 'a', 'set-cookie', 'b'],
      length: undefined,
    });
    assert.equal(await answer.sink.over(), 'end');
    assert.equal(answer.sink.text, 'ok');
  });

  const bodyless: readonly [string, string, string, number | undefined][] = [
    ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n', 7],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n', 7],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', undefined],
  ];
  for (const [name, method, bytes, length] of bodyless) {
    it(`knows that ${name} has no body and keeps the connection`, async (context) => {
      const { backend, send } = await startBoth(context, answerEach(bytes));
      for (let round = 0; round < 2; round += 1) {
        const answer = send({ ...GET, method });
        assert.equal((await answer.headed()).length, length);
        assert.equal(await answer.sink.over(), 'end');
      }
      assert.equal(backend.connections.length, 1);
    });
  }

  it('passes interim responses on, but not 100', async (context) => {
    const { send } = await startBoth(
      context,
      answerEach(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\nlink: b\r\n\r\n${OK}`),
    );
    const answer = send(GET);
    assert.equal((await answer.headed()).status, 200);
    assert.deepEqual(answer.informational, [[103, ['Link', 'a', 'link', 'b']]]);
  });

  const broken: Readonly<Record<string, string>> = {
    'two Content-Length fields': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok',
    'a Content-Length list': 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok',
    'both framing fields': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n',
    'another transfer coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'two Transfer-Encoding fields':
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a look-alike of a framing field': 'HTTP/1.1 200 OK\r\nTransfer_Encoding: chunked\r\nContent-Length: 0\r\n\r\n',
    'chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a control byte in a value': 'HTTP/1.1 200 OK\r\nX: a\x01\r\nContent-Length: 0\r\n\r\n',
    'a status of 600 and more': 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n',
    'an unasked 101': 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    'no HTTP at all': 'SSH-2.0-OpenSSH_9.2\r\n',
    'an endless head': `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(5_000)}\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(broken)) {
    it(`turns a response with ${name} into backend_protocol_error and drops the connection`, async (context) => {
      const { backend, send } = await startBoth(context, answerEach(bytes));
      const answer = send(GET);
      assert.equal(await answer.failed(), 'backend_protocol_error');
      assert.ok(answer.cause instanceof Error);
      await backend.connections[0]?.closed;
    });
  }
});

describe('RFC 9112 §8: incomplete messages', () => {
  const cut: Readonly<Record<string, string>> = {
    'a chunked body without its last chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n',
    'a chunk cut in the middle': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\npart',
    'a body shorter than its Content-Length': 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart',
  };
  for (const [name, bytes] of Object.entries(cut)) {
    it(`aborts on ${name} and never ends`, async (context) => {
      const { backend, send } = await startBoth(context, answerEach(bytes));
      const answer = send(GET);
      await answer.headed();
      await answer.sink.until(() => answer.sink.text === 'part');
      backend.connections[0]?.socket.destroy();
      assert.equal(await answer.sink.over(), 'backend_closed');
    });
  }

  it('aborts on a broken chunk', async (context) => {
    const { send } = await startBoth(
      context,
      answerEach('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nzz\r\n'),
    );
    assert.equal(await send(GET).sink.over(), 'backend_closed');
  });

  it('takes a body without framing as complete at the end of the connection, and as cut at a reset', async (context) => {
    const { backend, send } = await startBoth(context, answerEach('HTTP/1.1 200 OK\r\n\r\npart'));
    for (const finish of ['end', 'resetAndDestroy'] as const) {
      const answer = send(GET);
      await answer.sink.until(() => answer.sink.text === 'part');
      backend.connections.at(-1)?.socket[finish]();
      assert.equal(await answer.sink.over(), finish === 'end' ? 'end' : 'backend_closed');
    }
  });

  it('never reuses a connection that said more than its response', async (context) => {
    const { backend, send } = await startBoth(
      context,
      answerEach(`${OK}HTTP/1.1 200 OK\r\nX-Poison: 1\r\nContent-Length: 0\r\n\r\n`),
    );
    const first = send(GET);
    await first.sink.over();
    const second = send(GET);
    assert.deepEqual((await second.headed()).fields, []);
    assert.equal(backend.connections.length, 2);
  });

  it('shows the backend an incomplete request when the client body fails, and reports that failure', async (context) => {
    for (const length of [10, undefined]) {
      const { backend, send } = await startBoth(context, () => undefined);
      const body = new ScriptedBody(length);
      const answer = send(POST, body);
      const sink = await body.requested();
      sink.write(Buffer.from('part'));
      await backend.receivedText('part');
      sink.abort('payload_too_large');
      assert.equal(await answer.failed(), 'payload_too_large');
      await backend.connections[0]?.closed;
      assert.equal(backend.received.endsWith(length === undefined ? '4\r\npart\r\n' : 'part'), true);
    }
  });

  it('cuts the response when the client body fails after its head', async (context) => {
    const { backend, send } = await startBoth(context, () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const body = new ScriptedBody(10);
    const answer = send(POST, body);
    await answer.headed();
    (await body.requested()).abort('request_timeout');
    assert.equal(await answer.sink.over(), 'request_timeout');
    await backend.connections[0]?.closed;
  });
});

describe('BackendClient.send', () => {
  it('passes a response on at once while the request body is still being sent, then drops the rest', async (context) => {
    const { backend, send } = await startBoth(context, (bytes) => (bytes.includes('part') ? OK : undefined));
    const body = new ScriptedBody(1_000);
    const answer = send(POST, body);
    const sink = await body.requested();
    sink.write(Buffer.from('part'));
    assert.equal((await answer.headed()).status, 200);
    assert.equal(await answer.sink.over(), 'end');
    assert.equal(sink.write(Buffer.from('more')), true);
    sink.end();
    await backend.connections[0]?.closed;
    assert.equal(backend.received.endsWith('part'), true);
  });

  it('cancel destroys the backend connection in the same tick and silences the receiver', async (context) => {
    const { backend, send } = await startBoth(context, () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const before = send(GET);
    const streaming = send(GET);
    before.cancel();
    await streaming.headed();
    streaming.cancel();
    const connection = backend.connections.at(-1);
    await connection?.closed;
    assert.equal(streaming.sink.outcome, undefined);
    assert.equal(before.head ?? before.failure, undefined);
    assert.equal(backend.received.split('GET').length - 1, 1, 'the one cancelled before it was sent never reached it');
  });

  it('waits for onDrain of a full sink, with the backend held up', async (context) => {
    const total = 20_000_000;
    const answerBytes = Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`),
      Buffer.alloc(total),
    ]);
    const { backend, send } = await startBoth(context, () => answerBytes);
    const answer = send(GET);
    answer.sink.full = true;
    await answer.sink.until(() => answer.sink.bytes > 0);
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(answer.sink.chunks.length, 1);
    assert.ok((backend.connections[0]?.socket.writableLength ?? 0) > 0, 'the backend is held up');
    answer.sink.full = false;
    answer.sink.onDrain?.();
    assert.equal(await answer.sink.over(), 'end');
    assert.equal(answer.sink.bytes, total);
  });

  it('asks the writer of the body to wait while the backend does not read, and calls onDrain when it does', async (context) => {
    const { backend, send } = await startBoth(context, () => undefined);
    const body = new ScriptedBody(undefined);
    send(POST, body);
    const sink = await body.requested();
    const connection = await backend.connection(0);
    connection.socket.pause();
    let writes = 0;
    while (sink.write(Buffer.alloc(65_536))) writes += 1;
    assert.ok(writes < 1_000);
    const drained = new Promise<void>((resolve) => {
      sink.onDrain = resolve;
    });
    connection.socket.resume();
    await drained;
  });

  it('reuses the connection used last, and keeps no more idle ones than it may', async (context) => {
    const held: (() => void)[] = [];
    const { backend, send } = await startBoth(
      context,
      (bytes, { socket }) => {
        if (bytes.includes('/hold')) {
          held.push(() => socket.write(OK));
          return '';
        }
        return OK;
      },
      { maxIdleConnections: 1 },
    );
    const answers = [1, 2].map(() => send({ ...GET, target: '/hold' }));
    await backend.connection(1);
    while (held.length < 2) await new Promise((resolve) => setImmediate(resolve));
    for (const release of held) release();
    for (const answer of answers) assert.equal(await answer.sink.over(), 'end');
    await Promise.race(backend.connections.map((connection) => connection.closed));
    const last = send(GET);
    assert.equal(await last.sink.over(), 'end');
    assert.equal(backend.connections.length, 2);
  });

  it('close lets a running answer finish and keeps nothing afterwards', async (context) => {
    const { backend, client, send } = await startBoth(context, () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
    const answer = send(GET);
    await answer.headed();
    client.close();
    backend.connections[0]?.socket.write('ok');
    assert.equal(await answer.sink.over(), 'end');
    await backend.connections[0]?.closed;
  });
});

describe('RFC 9110 §9.2.2: a kept connection that turns out dead', () => {
  /** Answers the first request of the first connection, then hangs up on the next one there without a byte. */
  const dieOnSecond = (): OnRequestBytes => {
    const used = new Set<object>();
    return (_bytes, connection) => {
      if (connection.socket.destroyed) return undefined;
      if (used.size === 1 && used.has(connection)) {
        connection.socket.destroy();
        return undefined;
      }
      used.add(connection);
      return OK;
    };
  };

  it('repeats an idempotent request without body once, on a fresh connection', async (context) => {
    const { backend, send } = await startBoth(context, dieOnSecond());
    await send(GET).sink.over();
    assert.equal(await send(GET).sink.over(), 'end');
    assert.equal(backend.connections.length, 2);
  });

  it('repeats a request whose body has not begun', async (context) => {
    const { backend, send } = await startBoth(context, dieOnSecond());
    await send(GET).sink.over();
    const body = new ScriptedBody(4);
    const answer = send(POST, body);
    await backend.connection(1);
    const sink = await body.requested();
    sink.write(Buffer.from('body'));
    sink.end();
    assert.equal(await answer.sink.over(), 'end');
    assert.equal(backend.connections[1]?.received.toString().endsWith('\r\n\r\nbody'), true);
  });

  it('does not repeat a POST whose bytes are gone', async (context) => {
    for (const length of [0, 4]) {
      const { backend, send } = await startBoth(context, dieOnSecond());
      await send(GET).sink.over();
      const body = new ScriptedBody(length);
      const answer = send(POST, body);
      if (length > 0) {
        const sink = await body.requested();
        sink.write(Buffer.from('body'));
        sink.end();
      }
      assert.equal(await answer.failed(), 'backend_unavailable');
      assert.equal(backend.connections.length, 1);
    }
  });

  it('does not repeat on a first connection, nor twice', async (context) => {
    const { backend, send } = await startBoth(context, (_bytes, { socket }) => void socket.destroy());
    assert.equal(await send(GET).failed(), 'backend_unavailable');
    assert.equal(backend.connections.length, 1);
    const used = { first: true };
    const second = await startBoth(context, (_bytes, { socket }) => {
      if (!used.first) return void socket.destroy();
      used.first = false;
      return OK;
    });
    await second.send(GET).sink.over();
    assert.equal(await second.send(GET).failed(), 'backend_unavailable');
    assert.equal(second.backend.connections.length, 2);
  });

  it('does not repeat after the first byte of an answer', async (context) => {
    let requests = 0;
    const { backend, send } = await startBoth(context, (_bytes, { socket }) => {
      requests += 1;
      if (requests > 1) setImmediate(() => socket.end());
      return requests === 1 ? OK : 'HTTP/1.1 2';
    });
    await send(GET).sink.over();
    assert.equal(await send(GET).failed(), 'backend_protocol_error');
    assert.equal(backend.connections.length, 1);
  });
});

describe('a backend that is not there or not answering', () => {
  async function closedPort(): Promise<number> {
    const backend = await startRawBackend(() => undefined);
    await backend.close();
    return backend.port;
  }

  it('is backend_unavailable with the cause, and the body is never asked for', async (context) => {
    const { send } = await startBoth(context, () => undefined, {
      url: new URL(`http://127.0.0.1:${await closedPort()}`),
    });
    const body = new ScriptedBody(4);
    const answer = send(POST, body);
    assert.equal(await answer.failed(), 'backend_unavailable');
    assert.ok(answer.cause !== undefined && 'code' in answer.cause);
    assert.equal(answer.cause.code, 'ECONNREFUSED');
    assert.equal(body.sink, undefined);
  });

  it('is backend_timeout when no response head comes in time, counted from the last byte of the request', async (context) => {
    const { backend, send } = await startBoth(context, () => undefined, { headTimeoutMs: 40 });
    const slow = new ScriptedBody(4);
    const waiting = send(POST, slow);
    const sink = await slow.requested();
    const other = send(GET);
    assert.equal(await other.failed(), 'backend_timeout');
    assert.equal(waiting.failure, undefined, 'a slow client is not the backend being slow');
    sink.write(Buffer.from('body'));
    sink.end();
    assert.equal(await waiting.failed(), 'backend_timeout');
    for (const connection of backend.connections) await connection.closed;
  });

  it('does not cut a stream that has begun', async (context) => {
    const { backend, send } = await startBoth(context, () => 'HTTP/1.1 200 OK\r\n\r\n', { headTimeoutMs: 20 });
    const answer = send(GET);
    await answer.headed();
    const slower = send({ ...GET, target: '/later' });
    await slower.headed();
    await new Promise((resolve) => setTimeout(resolve, 60)); // three times the limit: the quiet itself is under test
    backend.connections[0]?.socket.end('late');
    assert.equal(await answer.sink.over(), 'end');
    assert.equal(answer.sink.text, 'late');
  });

  it('is backend_timeout when TLS does not come about in time, and backend_unavailable when it fails', async (context) => {
    const mute = await startBoth(context, () => undefined, { connectTimeoutMs: 40 });
    const url = new URL(`https://127.0.0.1:${mute.backend.port}`);
    const client = createBackendClient({ ...backendOptions(mute.backend.port), url, connectTimeoutMs: 40 });
    const answer = new Answer();
    client.send(GET, NO_BODY, answer);
    assert.equal(await answer.failed(), 'backend_timeout');
    const rude = await startBoth(context, () => 'HTTP/1.1 400 Bad Request\r\n\r\n');
    const rudeUrl = new URL(`https://127.0.0.1:${rude.backend.port}`);
    const refused = new Answer();
    createBackendClient({ ...backendOptions(rude.backend.port), url: rudeUrl }).send(GET, NO_BODY, refused);
    assert.equal(await refused.failed(), 'backend_unavailable');
  });
});

describe('BackendClient.probe', () => {
  it('connects and hangs up, or rejects with the cause', async (context) => {
    const { backend, client } = await startBoth(context, () => undefined);
    await client.probe(1_000);
    await (await backend.connection(0)).closed;
    assert.equal(backend.received, '');
    await backend.close();
    await assert.rejects(client.probe(1_000), { code: 'ECONNREFUSED' });
  });

  it('gives up on a backend that never finishes its handshake', async (context) => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => server.close());
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const client = createBackendClient({ ...backendOptions(port), url: new URL(`https://127.0.0.1:${port}`) });
    server.on('connection', (socket) => socket.on('error', () => undefined).resume());
    await assert.rejects(client.probe(40), { message: 'no connection within 40 ms' });
  });
});
