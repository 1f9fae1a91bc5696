/** Listening, TLS, connection counts, draining. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { Exchange, ServerTls } from '../../../../src/wire/exchange.ts';
import { openRaw } from '../../../support/raw-http.ts';
import { createTempFolder } from '../../../support/temp-folder.ts';
import { head, respondText, startFixture } from './fixture.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

function makeCertificate(context: TestContext, name: string): ServerTls {
  const folder = createTempFolder('tls');
  context.after(() => folder.remove());
  const [cert, key] = [join(folder.path, 'crt'), join(folder.path, 'key')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-nodes', '-keyout', key, '-out', cert, ...subject, '-days', '2'],
    {
      stdio: 'ignore',
    },
  );
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8'), minVersion: 'TLSv1.2' };
}

/** A process that is killed leaves its socket file behind. */
function leaveDeadSocket(path: string): void {
  const listen = `createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const { signal } = spawnSync(process.execPath, ['-e', `require('node:net').${listen}`]);
  assert.equal(signal, 'SIGKILL');
  assert.ok(existsSync(path));
}

describe('listenHttp', () => {
  it('rejects with the cause when the port is taken', async (context) => {
    const taken = await startFixture(context);
    await assert.rejects(
      startFixture(context, { server: { listen: { host: '127.0.0.1', port: taken.server.port } } }),
      (error: Error) => {
        assert.equal(error.message, `cannot listen on 127.0.0.1:${taken.server.port}`);
        assert.ok(error.cause instanceof Error && 'code' in error.cause);
        assert.equal(error.cause.code, 'EADDRINUSE');
        return true;
      },
    );
  });

  it('listens on a unix path, replaces a dead socket file, and leaves a live one alone', async (context) => {
    const folder = createTempFolder('uds');
    context.after(() => folder.remove());
    const path = join(folder.path, 's');
    leaveDeadSocket(path);
    const fixture = await startFixture(context, { server: { listen: { path } } });
    assert.equal(fixture.server.port, 0);
    const client = await openRaw(path);
    context.after(() => client.destroy());
    await client.send(GET);
    assert.equal((await client.readResponse()).body.toString(), 'ok');
    assert.equal(fixture.exchanges[0]?.peerAddress, '');
    await assert.rejects(startFixture(context, { server: { listen: { path } } }), {
      message: `cannot listen on unix:${path}`,
    });
    await client.send(GET);
    assert.equal((await client.readResponse()).status, 200);
  });

  it('names a plain IPv4 peer on a dual-stack listener', async (context) => {
    const fixture = await startFixture(context, { server: { listen: { host: '::', port: 0 } } });
    const client = await fixture.open();
    await client.send(GET);
    assert.equal((await client.readResponse()).status, 200);
    assert.equal(fixture.exchanges[0]?.peerAddress, '127.0.0.1');
  });
});

describe('TLS', () => {
  it('speaks http/1.1 by ALPN, modern suites only, and swaps certificates for new connections', async (context) => {
    const tls = makeCertificate(context, 'one.test');
    const fixture = await startFixture(context, { server: { tls } });
    const open = async () => {
      const client = await openRaw(fixture.server.port, {
        rejectUnauthorized: false,
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      context.after(() => client.destroy());
      assert.ok(client.socket instanceof TLSSocket);
      return { client, tls: client.socket };
    };
    const first = await open();
    assert.equal(first.tls.alpnProtocol, 'http/1.1');
    assert.equal(first.tls.getPeerCertificate().subject['CN'], 'one.test');
    fixture.server.updateTls(makeCertificate(context, 'two.test'));
    const second = await open();
    assert.equal(second.tls.getPeerCertificate().subject['CN'], 'two.test');
    for (const { client } of [first, second]) {
      await client.send(GET);
      assert.equal((await client.readResponse()).body.toString(), 'ok');
    }
    assert.equal(fixture.server.connections, 2);
    await assert.rejects(
      openRaw(fixture.server.port, {
        rejectUnauthorized: false,
        maxVersion: 'TLSv1.2',
        ciphers: 'ECDHE-ECDSA-AES128-SHA',
      }),
    );
    await assert.rejects(openRaw(fixture.server.port, { rejectUnauthorized: false, maxVersion: 'TLSv1.1' }));
    assert.deepEqual(fixture.refused, []);
  });

  it('refuses and serves over TLS as over TCP, and hangs up on a silent client without a word', async (context) => {
    const tls = makeCertificate(context, 'one.test');
    const fixture = await startFixture(context, { server: { tls }, limits: { readTimeoutMs: 60 } });
    const client = await openRaw(fixture.server.port, { rejectUnauthorized: false });
    await client.send('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    assert.equal((await client.readResponse()).status, 400);
    assert.equal((await client.readToEnd()).length, 0);
    const silent = await openRaw(fixture.server.port, { rejectUnauthorized: false });
    assert.equal((await silent.readToEnd()).length, 0);
    assert.deepEqual(fixture.refused, ['malformed_request: more than one Host']);
  });
});

describe('limits.max_connections', () => {
  it('marks exchanges of connections beyond it, and closes those after their answer', async (context) => {
    const fixture = await startFixture(context, { limits: { maxConnections: 1 } });
    const first = await fixture.open();
    await first.send(GET);
    assert.deepEqual((await first.readResponse()).values('Connection'), ['keep-alive']);
    const second = await fixture.open();
    await second.send(GET);
    assert.deepEqual((await second.readResponse()).values('Connection'), ['close']);
    assert.equal(await second.closed, 'fin');
    assert.deepEqual(
      fixture.exchanges.map((exchange) => exchange.overloaded),
      [false, true],
    );
    await first.send(GET);
    assert.deepEqual((await first.readResponse()).values('Connection'), ['keep-alive']);
    assert.equal(fixture.exchanges[2]?.overloaded, false);
  });

  it('closes a kept connection after idle_timeout', async (context) => {
    const fixture = await startFixture(context, { limits: { idleTimeoutMs: 40 } });
    const client = await fixture.open();
    await client.send(GET);
    assert.equal((await client.readResponse()).status, 200);
    assert.equal((await client.readToEnd()).length, 0);
    assert.deepEqual(fixture.refused, []);
  });
});

describe('drain', () => {
  it('closes idle and untouched connections, lets running ones finish with Connection: close, then resolves', async (context) => {
    const running: Exchange[] = [];
    const fixture = await startFixture(context, {
      onExchange(exchange) {
        if (exchange.head.target === '/idle') respondText(exchange, 'ok');
        else running.push(exchange);
      },
    });
    const [idle, untouched, busy, streaming] = await Promise.all([1, 2, 3, 4].map(() => fixture.open()));
    if (!idle || !untouched || !busy || !streaming) throw new Error('no clients');
    await idle.send('GET /idle HTTP/1.1\r\nHost: a\r\n\r\n');
    await idle.readResponse();
    await streaming.send('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
    while (running.length < 1) await new Promise((resolve) => setImmediate(resolve));
    const stream = running[0]?.respond(head(200));
    assert.deepEqual((await streaming.readHead()).values('Connection'), ['keep-alive']);
    await busy.send('GET /busy HTTP/1.1\r\nHost: a\r\n\r\n');
    while (running.length < 2) await new Promise((resolve) => setImmediate(resolve));

    const drained = fixture.server.drain();
    assert.equal((await idle.readToEnd()).length, 0);
    assert.equal((await untouched.readToEnd()).length, 0);
    await assert.rejects(openRaw(fixture.server.port));
    assert.equal(fixture.server.connections, 2);
    if (running[1] !== undefined) respondText(running[1], 'done');
    const response = await busy.readResponse();
    assert.deepEqual(response.values('Connection'), ['close']);
    assert.equal(response.body.toString(), 'done');
    stream?.end();
    assert.equal((await streaming.readToEnd()).toString(), '0\r\n\r\n');
    await drained;
    assert.equal(fixture.server.connections, 0);
  });

  it('destroy cuts everything at once', async (context) => {
    const fixture = await startFixture(context, { onExchange: (exchange) => void exchange.respond(head(200)) });
    const client = await fixture.open();
    await client.send(GET);
    assert.equal((await client.readHead()).status, 200);
    fixture.server.destroy();
    assert.equal((await client.readToEnd()).length, 0);
    await fixture.outcome(1);
    assert.deepEqual(fixture.outcomes, ['aborted']);
  });
});
