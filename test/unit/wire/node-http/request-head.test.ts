/** Which request heads reach an exchange, and that refused ones never reach a backend. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerEach, startRawBackend } from '../../../support/raw-http.ts';
import { backendOptions, createForwarder, LIMITS, startFixture } from './fixture.ts';

const BACKEND_OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** name → bytes, and what they are refused as. */
const REFUSED: Readonly<Record<string, string>> = {
  'two Host fields': 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n',
  'no Host': 'GET / HTTP/1.1\r\n\r\n',
  'an empty Host': 'GET / HTTP/1.1\r\nHost:\r\n\r\n',
  'a Host with userinfo': 'GET / HTTP/1.1\r\nHost: user@a\r\n\r\n',
  'a Host with a comma': 'GET / HTTP/1.1\r\nHost: a,b\r\n\r\n',
  'a Host with a path': 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n',
  'a Host with an impossible port': 'GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n',
  'a Host with a broken IP literal': 'GET / HTTP/1.1\r\nHost: [::1::2]\r\n\r\n',
  'two equal Content-Length fields': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx',
  'two different Content-Length fields':
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
  'a Content-Length list': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx',
  'a signed Content-Length': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx',
  'an unrepresentable Content-Length': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999\r\n\r\nx',
  'Transfer-Encoding with Content-Length':
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'Content-Length with Transfer-Encoding':
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
  'two Transfer-Encoding fields':
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding: ,chunked': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding: gzip, chunked': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked, identity':
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding: xchunked': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding: identity': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n',
  'Transfer-Encoding on HTTP/1.0': 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  Transfer_Encoding: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\n',
  Content_Length: 'POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n',
  'Content.Length': 'POST / HTTP/1.1\r\nHost: a\r\nContent.Length: 5\r\n\r\n',
  'a space before the colon': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\nx',
  'a folded field line': 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n',
  'a bare LF in the head': 'GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n',
  'a NUL in a field value': 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n',
  'a DEL in a field value': 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\x7fc\r\n\r\n',
  'target *': 'GET * HTTP/1.1\r\nHost: a\r\n\r\n',
  'OPTIONS *': 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'a fragment in the target': 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n',
  'non-ASCII in the target': 'GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n',
  'a control byte in the target': 'GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target without a slash': 'GET a HTTP/1.1\r\nHost: a\r\n\r\n',
  'absolute-form with another authority': 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'absolute-form with another port': 'GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'absolute-form with userinfo': 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'absolute-form of another scheme': 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/2.0 as text': 'GET / HTTP/2.0\r\nHost: a\r\n\r\n',
  'the HTTP/2 preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'HTTP/0.9': 'GET /\r\n\r\n',
  'TLS on a plain port': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
};

describe('RFC 9112 §3, §6: a request that two parsers could read differently', () => {
  for (const [name, bytes] of Object.entries(REFUSED)) {
    it(`refuses ${name}, closes, and tells the backend nothing`, async (context) => {
      const backend = await startRawBackend(answerEach(BACKEND_OK));
      context.after(() => backend.close());
      const { forward } = createForwarder(context, backendOptions(backend.port));
      const fixture = await startFixture(context, { onExchange: forward });
      const client = await fixture.open();
      await client.send(bytes);
      const response = await client.readResponse();
      assert.equal(response.status, 400);
      assert.deepEqual(response.values('X-Refused'), ['malformed_request']);
      assert.deepEqual(response.values('Connection'), ['close']);
      assert.equal(response.body.toString(), 'malformed_request');
      assert.equal(response.complete, true);
      assert.equal((await client.readToEnd()).length, 0, 'one answer only');
      assert.equal(fixture.refused.length, 1);
      assert.equal(fixture.exchanges.length, 0);
      assert.equal(backend.connections.length, 0);
    });
  }

  it('keeps the order of answers when the refused request was pipelined, and serves nothing behind it', async (context) => {
    const fixture = await startFixture(context);
    const client = await fixture.open();
    const good = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    await client.send(`${good}POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${good}`);
    assert.equal((await client.readResponse()).status, 200);
    assert.equal((await client.readResponse()).status, 400);
    assert.equal((await client.readToEnd()).length, 0);
    assert.equal(fixture.exchanges.length, 1);
  });

  it('never puts a refusal into a response that has begun', async (context) => {
    const fixture = await startFixture(context, { onExchange: (exchange) => void exchange.respond(head200) });
    const client = await fixture.open();
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await client.readHead()).status, 200);
    await client.send('\x00garbage');
    assert.equal((await client.readToEnd()).length, 0);
    assert.deepEqual(fixture.refused, []);
    assert.deepEqual(fixture.outcomes, ['aborted']);
  });
});

const head200 = { status: 200, reason: '', fields: [], length: undefined };

describe('RFC 9112 §3.2: what passes', () => {
  const cases: Readonly<Record<string, [bytes: string, target: string, authority: string]>> = {
    'origin-form byte for byte': ['GET /a//../%2e?b=%zz&"{} HTTP/1.1\r\nHost: a\r\n\r\n', '/a//../%2e?b=%zz&"{}', 'a'],
    'absolute-form, default port and case aside': ['GET HTTP://A:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n', '/x?y', 'a'],
    'https absolute-form': ['GET https://a/x HTTP/1.1\r\nHost: a:443\r\n\r\n', '/x', 'a:443'],
    'absolute-form without a path': ['GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n', '/?q', 'a'],
    'an IPv6 Host': ['GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n', '/', '[::1]:8443'],
    'HTTP/1.0 without Host': ['GET / HTTP/1.0\r\n\r\n', '/', ''],
    'CONNECT with target "/"': ['CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', '/', 'a:443'],
    'Upgrade as an ordinary request': [
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n',
      '/',
      'a',
    ],
  };
  for (const [name, [bytes, target, authority]] of Object.entries(cases)) {
    it(`passes ${name}`, async (context) => {
      const fixture = await startFixture(context);
      const client = await fixture.open();
      await client.send(bytes);
      const response = await client.readResponse();
      assert.equal(response.status, 200);
      assert.equal(fixture.exchanges[0]?.head.target, target);
      assert.equal(fixture.exchanges[0]?.head.authority, authority);
      assert.equal(fixture.exchanges[0]?.peerAddress, '127.0.0.1');
    });
  }

  it('answers CONNECT like any request, then closes', async (context) => {
    const fixture = await startFixture(context);
    const client = await fixture.open();
    await client.send('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n\x16\x03\x01');
    const response = await client.readResponse();
    assert.deepEqual(response.values('Connection'), ['close']);
    assert.equal(response.body.toString(), 'ok');
    assert.equal(await client.closed, 'fin');
    await fixture.outcome(1);
    assert.deepEqual(fixture.outcomes, ['complete']);
    assert.equal(fixture.exchanges[0]?.head.method, 'CONNECT');
  });

  it('keeps field lines in order, as received, without framing; __proto__ is a name like any other', async (context) => {
    const fixture = await startFixture(context);
    const client = await fixture.open();
    await client.send(
      'POST / HTTP/1.1\r\nhOst: a\r\n__proto__: x\r\nX-A:  1 \r\nCookie: a\r\nCookie: b\r\nX-A: \xe4\r\n' +
        'Connection: x-a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx',
    );
    assert.equal((await client.readResponse()).status, 200);
    assert.deepEqual(fixture.exchanges[0]?.head.fields, [
      'hOst',
      'a',
      '__proto__',
      'x',
      'X-A',
      '1',
      'Cookie',
      'a',
      'Cookie',
      'b',
      'X-A',
      '\xe4',
      'Connection',
      'x-a',
    ]);
  });

  it('does not lose fields beyond the number at which node:http stops to report them', async (context) => {
    const fixture = await startFixture(context, { limits: { maxHeaderBytes: 100_000 } });
    const client = await fixture.open();
    await client.send(`GET / HTTP/1.1\r\nHost: a\r\n${'x: y\r\n'.repeat(3_000)}\r\n`);
    assert.equal((await client.readResponse()).status, 200);
    assert.equal(fixture.exchanges[0]?.head.fields.length, 2 + 6_000);
  });
});

describe('limits.max_header_bytes and the request line', () => {
  const long = (length: number): string => 'x'.repeat(length);
  const cases: Readonly<Record<string, [bytes: string, refusal: string]>> = {
    'a target over its limit': [`GET /${long(LIMITS.maxRequestLineBytes)} HTTP/1.1\r\nHost: a\r\n\r\n`, 'uri_too_long'],
    'a target over every limit': [`GET /${long(60_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 'uri_too_long'],
    'fields over their limit': [`GET / HTTP/1.1\r\nHost: a\r\nX: ${long(4_096)}\r\n\r\n`, 'headers_too_large'],
    'fields over every limit': [`GET / HTTP/1.1\r\nHost: a\r\nX: ${long(60_000)}\r\n\r\n`, 'headers_too_large'],
    'many small fields': [`GET / HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(700)}\r\n`, 'headers_too_large'],
  };
  for (const [name, [bytes, refusal]] of Object.entries(cases)) {
    it(`refuses ${name} as ${refusal}`, async (context) => {
      const fixture = await startFixture(context);
      const client = await fixture.open();
      await client.send(bytes);
      const response = await client.readResponse();
      assert.deepEqual(response.values('X-Refused'), [refusal]);
      assert.equal((await client.readToEnd()).length, 0);
      assert.equal(fixture.exchanges.length, 0);
    });
  }

  it('refuses a head that never ends as request_timeout', async (context) => {
    const fixture = await startFixture(context, { limits: { readTimeoutMs: 50 } });
    const client = await fixture.open();
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n');
    assert.deepEqual((await client.readResponse()).values('X-Refused'), ['request_timeout']);
    assert.equal((await client.readToEnd()).length, 0);
  });

  it('hangs up silently on a connection that never sends a byte, and on a client that leaves within a head', async (context) => {
    const fixture = await startFixture(context, { limits: { readTimeoutMs: 50 } });
    const silent = await fixture.open();
    assert.equal((await silent.readToEnd()).length, 0);
    const leaving = await fixture.open();
    await leaving.send('GET / HT');
    leaving.socket.end();
    assert.equal((await leaving.readToEnd()).length, 0);
    assert.deepEqual(fixture.refused, []);
  });
});
