/** HTTP/2 connections on the listener: chosen by ALPN, counted, timed, drained, destroyed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { openRaw } from '../../../support/raw-http.ts';
import { until } from '../../../support/until.ts';
import { head, respondText } from '../../../support/wire-peers.ts';
import { answerOk, certificate, FRAME, frame, GET, listen, readAnswer } from './fixture.ts';

const NO_ERROR = 0;
const REFUSED_STREAM = 7;

async function handshake(port: number, ALPNProtocols: string[] | undefined, ca = certificate()): Promise<TLSSocket> {
  const offer = ALPNProtocols === undefined ? {} : { ALPNProtocols };
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ca: ca.cert, ...offer });
  await once(socket, 'secureConnect');
  return socket;
}

describe('RFC 9113 §3.2 the protocol is chosen by ALPN', () => {
  const offers: readonly (readonly [offer: string[] | undefined, chosen: string | false])[] = [
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1', 'h2'], 'h2'],
    [['h2'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [undefined, false],
  ];
  for (const [offer, chosen] of offers) {
    it(`${offer?.join(', ') ?? 'nothing offered'}: ${chosen}`, async (context) => {
      const recorded = await listen(context);
      const socket = await handshake(recorded.server.port, offer);
      assert.equal(socket.alpnProtocol, chosen);
      socket.destroy();
    });
  }

  it('HTTP/1.1 goes on beside HTTP/2, with the same handlers and one count', async (context) => {
    const recorded = await listen(context, answerOk);
    const h2 = recorded.connect();
    assert.equal((await readAnswer(h2.request({ ':path': '/2' }))).body, 'ok');
    const h1 = await openRaw(recorded.server.port, { servername: 'localhost', ca: certificate().cert });
    context.after(() => h1.destroy());
    await h1.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await h1.readResponse()).body.toString(), 'ok');
    assert.deepEqual(
      recorded.exchanges.map(({ head: { target }, peerAddress }) => [target, peerAddress]),
      [
        ['/2', '127.0.0.1'],
        ['/1', '127.0.0.1'],
      ],
    );
    assert.equal(recorded.server.connections, 2);
    h1.destroy();
    h2.destroy();
    await until('both connections to be gone', () => (recorded.server.connections === 0 ? true : undefined));
  });

  it('the preface of HTTP/2 on a connection that did not choose it is refused', async (context) => {
    const recorded = await listen(context);
    const client = await openRaw(recorded.server.port, { servername: 'localhost', ca: certificate().cert });
    context.after(() => client.destroy());
    await client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    assert.equal((await client.readResponse()).status, 400);
    assert.deepEqual(recorded.exchanges, []);
  });

  it('HTTP/1.1 on a connection that chose HTTP/2 is refused', async (context) => {
    const recorded = await listen(context);
    const socket = await handshake(recorded.server.port, ['h2']);
    socket.on('error', () => undefined).resume();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'close');
    assert.deepEqual(recorded.exchanges, []);
  });

  it('a new certificate is for new connections; those that are open go on', async (context) => {
    const recorded = await listen(context, answerOk);
    const before = recorded.connect();
    assert.equal((await readAnswer(before.request({ ':path': '/' }))).body, 'ok');
    const next = certificate('next.localhost');
    recorded.server.updateTls(next);
    const socket = connectTls({
      host: '127.0.0.1',
      port: recorded.server.port,
      servername: 'next.localhost',
      ca: next.cert,
      ALPNProtocols: ['h2'],
    });
    await once(socket, 'secureConnect');
    assert.equal(socket.getPeerCertificate().subject.CN, 'next.localhost');
    assert.equal(socket.alpnProtocol, 'h2');
    socket.destroy();
    assert.equal((await readAnswer(before.request({ ':path': '/' }))).body, 'ok');
  });
});

describe('an overloaded connection', () => {
  it('says so to the exchange, serves what is open and goes away', async (context) => {
    const recorded = await listen(context, (exchange) => respondText(exchange, `${exchange.overloaded}`), {
      maxConnections: 1,
    });
    const first = recorded.connect();
    assert.equal((await readAnswer(first.request({ ':path': '/' }))).body, 'false');
    const second = recorded.connect();
    assert.equal((await readAnswer(second.request({ ':path': '/' }))).body, 'true');
    await once(second, 'close');
    assert.equal((await readAnswer(first.request({ ':path': '/' }))).body, 'false');
  });
});

describe('time', () => {
  it('a connection without a preface ends after read_timeout', async (context) => {
    const recorded = await listen(context);
    const socket = await handshake(recorded.server.port, ['h2']);
    await until('the session to stand', () => (recorded.server.connections === 1 ? true : undefined));
    const ended = once(socket.resume(), 'close');
    // The server may still be finishing its side of the handshake; its deadline begins with that.
    const ticking = setInterval(() => recorded.timing.advance(10_000), 5);
    context.after(() => clearInterval(ticking));
    await ended;
    clearInterval(ticking);
    assert.deepEqual(recorded.exchanges, []);
  });

  it('a connection without streams gets a GOAWAY after idle_timeout, and not before', async (context) => {
    const recorded = await listen(context, answerOk);
    const client = await recorded.openFrames();
    await client.settled();
    recorded.timing.advance(119_999);
    client.request(1, GET);
    assert.equal(await (await recorded.exchange(), recorded.closed[0]), 'complete');
    recorded.timing.advance(119_999);
    await client.settled();
    assert.equal(client.goawayCode, undefined);
    recorded.timing.advance(1);
    await client.untilEnd();
    assert.equal(client.goawayCode, NO_ERROR);
  });

  it('a client that ignores the GOAWAY is cut', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    await client.settled();
    client.socket.allowHalfOpen = true;
    recorded.timing.advance(120_000);
    await client.untilEnd();
    recorded.timing.advance(5000);
    await until('the connection to be gone', () => (recorded.server.connections === 0 ? true : undefined));
  });

  it('a field section that is never finished ends with the idle connection', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    client.send(frame(FRAME.headers, 0, 1, Buffer.from([0x82])));
    await until('the frame to arrive', () => {
      recorded.timing.advance(120_000);
      return client.ended ? true : undefined;
    });
    assert.deepEqual(recorded.exchanges, []);
  });
});

describe('drain', () => {
  it('RFC 9113 §6.8: GOAWAY, open streams finish, new ones are not taken, then the connection ends', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    client.request(1, GET);
    const exchange = await recorded.exchange();
    const sink = exchange.respond(head(200));
    sink.write(Buffer.from('part'));
    let drained = false;
    const draining = recorded.server.drain().then(() => {
      drained = true;
    });
    await client.first(({ type }) => type === FRAME.goaway);
    assert.equal(client.goawayCode, NO_ERROR);
    client.request(3, GET);
    await client.settled();
    assert.ok([undefined, REFUSED_STREAM].includes(client.resetCode(3)));
    assert.deepEqual([recorded.exchanges.length, drained], [1, false]);
    sink.write(Buffer.from(' rest'));
    sink.end();
    await client.untilEnd();
    client.socket.end();
    assert.equal(await recorded.closed[0], 'complete');
    await draining;
    const body = client.of(1).filter(({ type }) => type === FRAME.data);
    assert.equal(Buffer.concat(body.map(({ payload }) => payload)).toString(), 'part rest');
    assert.equal(body.at(-1)?.flags, 1);
  });

  it('a connection without streams ends at once', async (context) => {
    const recorded = await listen(context, answerOk);
    const client = recorded.connect();
    assert.equal((await readAnswer(client.request({ ':path': '/' }))).body, 'ok');
    await Promise.all([recorded.server.drain(), once(client, 'close')]);
    assert.equal(recorded.server.connections, 0);
  });

  it('destroy ends what drain waits for', async (context) => {
    const recorded = await listen(context);
    const client = recorded.connect();
    client.request({ ':path': '/' }).on('error', () => undefined);
    await recorded.exchange();
    const drained = recorded.server.drain();
    recorded.server.destroy();
    await drained;
    assert.equal(await recorded.closed[0], 'aborted');
  });
});
