/** The engine on real sockets: both sides plugged into each other, and the ends of connections. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import type { Exchange } from '../../../../src/wire/exchange.ts';
import { createBackendPool } from '../../../../src/wire/http1/backend-pool.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { answerEach, openRaw } from '../../../support/raw-http.ts';
import { until } from '../../../support/until.ts';
import { FakeTiming, forwardTo, head, LIMITS, NO_FAULTS, respondText } from '../../../support/wire-peers.ts';
import { startProxy, startWire } from '../../../support/wire-server.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const SSE = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('streams through both sides', () => {
  it('an event stream: the head before the first event, each event as it comes, the end as an end', async (context) => {
    const { backend, client, closed } = await startProxy(context, () => SSE);
    await client.send(GET);
    assert.deepEqual((await client.readHead()).values('Transfer-Encoding'), ['chunked']);
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      backend.connections[0]?.socket.write(`9\r\n${event}\r\n`);
      await client.readUntil(event);
    }
    backend.connections[0]?.socket.write('0\r\n\r\n');
    assert.equal(await client.readUntil('0\r\n\r\n'), '9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n');
    assert.equal(await closed[0]?.promise, 'complete');
  });

  it('a stream that the backend breaks off does not look complete', async (context) => {
    const { backend, client, closed } = await startProxy(context, () => SSE);
    await client.send(GET);
    await client.readHead();
    backend.connections[0]?.socket.end('1\r\nx\r\n');
    assert.equal((await client.readToEnd()).toString(), '1\r\nx\r\n');
    assert.equal(await closed[0]?.promise, 'aborted');
  });

  it('RFC 9112 §8: an answer that only the end of the connection delimits is broken off by a reset', async (context) => {
    const { open } = await startWire(context, (exchange) => {
      const sink = exchange.respond(head(200));
      sink.write(Buffer.from('part'));
      setImmediate(() => sink.abort('backend_closed'));
    });
    const client = await open();
    await client.send('GET / HTTP/1.0\r\n\r\n');
    assert.equal(await client.closed, 'reset');
  });

  it('an upload and a download of 30 MB arrive byte for byte, in constant pieces', async (context) => {
    const total = 30_000_000;
    const payload = Buffer.alloc(total, 'abcdefg');
    const { backend, client } = await startProxy(context, (bytes, { socket }) => {
      if (bytes.length < total) return undefined;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
      return payload;
    });
    const received: Buffer[] = [];
    client.socket.removeAllListeners('data').on('data', (chunk: Buffer) => received.push(chunk));
    await client.send(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${total}\r\n\r\n`);
    await client.send(payload);
    await client.closed;
    const answer = Buffer.concat(received);
    assert.equal(answer.subarray(answer.indexOf('\r\n\r\n') + 4).equals(payload), true);
    const request = backend.connections[0]?.received ?? Buffer.alloc(0);
    assert.equal(request.subarray(request.indexOf('\r\n\r\n') + 4).equals(payload), true);
  });

  it('GHSA-style smuggling: what hides behind the framing never reaches the backend', async (context) => {
    const hidden = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';
    for (const framing of [
      'Content-Length: 4\r\nTransfer-Encoding: chunked',
      'Transfer-Encoding: chunked\r\nTransfer-encoding: cow',
      'Transfer-Encoding : chunked',
      'Transfer-Encoding:\x0bchunked',
      'Transfer-Encoding: xchunked',
      'X: y\nTransfer-Encoding: chunked',
      'Content-Length: 0\r\nContent-Length: 4',
    ]) {
      const { backend, client } = await startProxy(context, answerEach('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
      await client.send(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n0\r\n\r\n${hidden}`);
      assert.equal((await client.readResponse()).status, 400);
      assert.equal((await client.readToEnd()).length, 0);
      assert.equal(backend.connections.length, 0, framing);
    }
  });
});

describe('a client that goes away', () => {
  it('within a stream, by reset or by FIN: the backend connection is destroyed', async (context) => {
    for (const leave of ['destroy', 'resetAndDestroy'] as const) {
      const { backend, client, closed } = await startProxy(context, () => SSE);
      await client.send(GET);
      await client.readHead();
      client.socket[leave]();
      await backend.connections[0]?.closed;
      assert.equal(await closed[0]?.promise, 'aborted');
    }
  });

  it('before the answer: the backend connection is destroyed', async (context) => {
    const { backend, client, closed } = await startProxy(context, () => undefined);
    await client.send(GET);
    await backend.receivedText('\r\n\r\n');
    client.destroy();
    await backend.connections[0]?.closed;
    assert.equal(await closed[0]?.promise, 'aborted');
  });

  it('seconds after its FIN: the backend connection is destroyed, whatever is waited for', async (context) => {
    for (const answer of [undefined, SSE]) {
      const timing = new FakeTiming();
      const { backend, client, closed } = await startProxy(context, () => answer, {}, timing);
      client.socket.allowHalfOpen = true;
      await client.send(GET);
      await backend.receivedText('\r\n\r\n');
      if (answer !== undefined) await client.readHead();
      client.socket.end();
      await until('the first nudges', () => (client.buffered.length >= 4 ? true : undefined));
      client.destroy();
      await until('the others to find that it has gone', () => {
        timing.advance(5000);
        return backend.connections[0]?.socket.destroyed === true ? true : undefined;
      });
      assert.equal(await closed[0]?.promise, 'aborted');
    }
  });

  it('behind 64 KiB and more of requests that wait: the backend connection is destroyed', async (context) => {
    const timing = new FakeTiming();
    const { backend, client, closed } = await startProxy(context, () => SSE, {}, timing);
    client.socket.on('error', () => undefined);
    await client.send(GET);
    await client.readHead();
    client.socket.write(GET.repeat(50_000));
    await new Promise(setImmediate);
    client.socket.end();
    client.socket.on('finish', () => client.destroy());
    await until('it to be found out', () => {
      timing.advance(1000);
      return backend.connections[0]?.socket.destroyed === true ? true : undefined;
    });
    assert.equal(await closed[0]?.promise, 'aborted');
  });

  it('RFC 9112 §9.6: one that has only finished sending gets its whole answer, nudges and all', async (context) => {
    const { open } = await startWire(context, (exchange) => {
      setTimeout(() => {
        const sink = exchange.respond(head(200));
        sink.write(Buffer.from('first'));
        setTimeout(() => {
          sink.write(Buffer.from('second'));
          sink.end();
        }, 60);
      }, 60);
    });
    const client = await open();
    client.socket.allowHalfOpen = true;
    await client.send(GET);
    client.socket.end();
    const response = await client.readResponse();
    assert.deepEqual([response.status, response.body.toString(), response.complete], [200, 'firstsecond', true]);
    assert.equal(await client.closed, 'fin');
  });
});

describe('RFC 9112 §9.6: tear-down', () => {
  it('a client that still sends gets to read the refusal: a FIN and no reset', async (context) => {
    const { open } = await startWire(context, (exchange) => respondText(exchange, 'no', 401));
    const client = await open();
    const upload = client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n${'x'.repeat(89_000)}`);
    const response = await client.readResponse();
    assert.deepEqual([response.status, response.values('Connection')], [401, ['close']]);
    await upload;
    assert.equal(await client.closed, 'fin');
  });

  it('drain stops accepting, leaves running answers, closes behind them, then resolves', async (context) => {
    const running: Exchange[] = [];
    const { server, open } = await startWire(context, (exchange) => void running.push(exchange));
    const busy = await open();
    await busy.send(GET);
    while (running.length === 0) await new Promise(setImmediate);
    const drained = server.drain();
    await assert.rejects(openRaw(server.port));
    for (const exchange of running) respondText(exchange, 'done');
    assert.deepEqual((await busy.readResponse()).values('Connection'), ['close']);
    await drained;
    assert.equal(server.connections, 0);
  });

  it('drain resets no request that is on its way', async (context) => {
    const { server, open } = await startWire(context, (exchange) => respondText(exchange, 'ok'));
    const [kept, fresh] = [await open(), await open()];
    await kept.send(GET);
    await kept.readResponse();
    while (server.connections < 2) await new Promise(setImmediate);
    const drained = server.drain();
    await fresh.send(GET);
    const response = await fresh.readResponse();
    assert.deepEqual([response.status, response.values('Connection')], [200, ['close']]);
    kept.socket.allowHalfOpen = true;
    assert.equal(await kept.closed, 'fin');
    const errors: Error[] = [];
    kept.socket.on('error', (error) => errors.push(error));
    await kept.send(GET);
    kept.socket.end();
    await drained;
    if (!kept.socket.destroyed) await once(kept.socket, 'close');
    assert.deepEqual(errors, []);
  });

  it('destroy cuts everything at once', async (context) => {
    const { server, open, closed } = await startWire(context, () => undefined);
    const client = await open();
    await client.send(GET);
    while (closed.length === 0) await new Promise(setImmediate);
    server.destroy();
    await client.closed;
    assert.equal(await closed[0]?.promise, 'aborted');
  });

  it('maxConnections marks the exchanges of those beyond it', async (context) => {
    const marks: boolean[] = [];
    const onExchange = (exchange: Exchange): void => {
      marks.push(exchange.overloaded);
      respondText(exchange, 'ok');
    };
    const { open } = await startWire(context, onExchange, { limits: () => ({ ...LIMITS, maxConnections: 1 }) });
    const [first, second] = [await open(), await open()];
    await first.send(GET);
    assert.deepEqual((await first.readResponse()).values('Connection'), []);
    await second.send(GET);
    assert.deepEqual((await second.readResponse()).values('Connection'), ['close']);
    assert.deepEqual(marks, [false, true]);
  });
});

describe('TLS', () => {
  it('speaks http/1.1 by ALPN, resumes sessions, and swaps certificates without dropping a connection', async (context) => {
    const { server } = await startWire(context, (exchange) => respondText(exchange, 'ok'), {
      tls: createCertificate('one'),
    });
    const open = async (session?: Buffer) => {
      const socket = tlsConnect({
        port: server.port,
        rejectUnauthorized: false,
        ALPNProtocols: ['http/1.1'],
        ...(session === undefined ? {} : { session }),
      });
      context.after(() => socket.destroy());
      const ticket = once(socket, 'session');
      await once(socket, 'secureConnect');
      socket.write(GET);
      const [answer] = await once(socket, 'data');
      assert.match(String(answer), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
      return { socket, ticket };
    };
    const first = await open();
    assert.equal(first.socket.alpnProtocol, 'http/1.1');
    const [ticket] = await first.ticket;
    assert.equal((await open(ticket)).socket.isSessionReused(), true);
    server.updateTls(createCertificate('two'));
    const second = await open();
    assert.equal(second.socket.getPeerCertificate().subject['CN'], 'two');
    first.socket.write(GET);
    await once(first.socket, 'data');
  });

  it('an https backend is verified against the given CA', async (context) => {
    const certificate = createCertificate('backend');
    const { server } = await startWire(context, (exchange) => respondText(exchange, 'secure'), { tls: certificate });
    const pool = (ca: string | undefined) =>
      createBackendPool({
        url: new URL(`https://localhost:${server.port}`),
        connectTimeoutMs: 5_000,
        headTimeoutMs: 5_000,
        maxIdleConnections: 0,
        maxHeaderBytes: 4_096,
        ca,
        onBug: NO_FAULTS.onBug,
      });
    const trusting = pool(certificate.cert);
    const front = await startWire(context, forwardTo(trusting));
    const client = await front.open();
    for (const _ of [1, 2]) {
      await client.send(GET);
      const response = await client.readResponse();
      assert.deepEqual([response.status, response.body.toString()], [200, 'secure']);
    }
    trusting.close();
    await assert.rejects(pool(undefined).probe(5_000), /an authority unknown here \(DEPTH_ZERO_SELF_SIGNED_CERT\)/);
  });
});
