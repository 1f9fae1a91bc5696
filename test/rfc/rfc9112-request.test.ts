/** RFC 9112 at the request side of the engine: one duty a test, each refused before there is an exchange. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openMemoryConnection } from '../support/wire-peers.ts';

const request = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
const get = (...fields: string[]): string => request('GET / HTTP/1.1', 'Host: a', ...fields);

/** The only event must be one refusal; its answer closes the connection. */
function assertRefused(bytes: string, detail: string, refusal = 'malformed_request'): void {
  const { socket, events, exchanges } = openMemoryConnection();
  socket.receive(bytes);
  assert.deepEqual(events, [{ refusal, detail }]);
  assert.equal(exchanges.length, 0);
  assert.equal(
    socket.sent,
    `HTTP/1.1 400 Bad Request\r\nDate: Thu, 01 Jan 1970 00:16:40 GMT\r\nContent-Length: ${refusal.length}\r\nConnection: close\r\n\r\n${refusal}`,
  );
  assert.equal(socket.ended, true);
}

function assertPasses(bytes: string, target: string, authority: string): void {
  const { events, socket } = openMemoryConnection();
  socket.receive(bytes);
  assert.partialDeepStrictEqual(events, [{ target, authority, outcome: 'end' }]);
  assert.equal(events.length, 1);
  assert.match(socket.sent, /^HTTP\/1\.1 200 OK\r\n/);
}

function refusals(cases: Readonly<Record<string, readonly [bytes: string, detail: string]>>): void {
  for (const [name, [bytes, detail]] of Object.entries(cases)) it(name, () => assertRefused(bytes, detail));
}

const REQUEST_LINE = 'invalid request line';
const VERSION = 'invalid request line or HTTP version';
const TARGET = 'invalid request target';
const VALUE = 'invalid character in a field value';
const NAME = 'invalid character in a field name';

describe('RFC 9112 §2.2: message parsing', () => {
  refusals({
    'a bare LF does not end the request line': ['GET / HTTP/1.1\nHost: a\r\n\r\n', VERSION],
    'a bare LF does not end a field line': ['GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n', VALUE],
    'a bare LF is refused before the head is complete': [
      'GET / HTTP/1.1\r\nHost: a\n',
      'bare LF in the request head, or not HTTP',
    ],
    'a bare CR in a field value': ['GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n', VALUE],
    'a bare CR in the target': ['GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n', TARGET],
    'whitespace between the request line and the first field line': [
      request('GET / HTTP/1.1', ' Host: a'),
      'whitespace at the start of a field line',
    ],
    'a second empty line before the request line': [`\r\n\r\n${get()}`, 'bare LF in the request head, or not HTTP'],
    'a TLS ClientHello on a plain port, at its first byte': [
      '\x16\x03\x01',
      'a TLS handshake, where obex.tls.enabled is false',
    ],
  });

  it('a server SHOULD ignore at least one empty line received prior to the request-line', () => {
    assertPasses(`\r\n${get()}`, '/', 'a');
  });
});

describe('RFC 9112 §2.3: HTTP version', () => {
  refusals({
    'HTTP/2.0': [request('GET / HTTP/2.0', 'Host: a'), VERSION],
    'the HTTP/2 preface': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', VERSION],
    'HTTP/1.2': [request('GET / HTTP/1.2', 'Host: a'), VERSION],
    'HTTP-version is case-sensitive': [request('GET / http/1.1', 'Host: a'), VERSION],
    'HTTP/0.9': ['GET /\r\n\r\n', REQUEST_LINE],
  });
});

describe('RFC 9112 §3: request line', () => {
  refusals({
    'no method': [request(' / HTTP/1.1', 'Host: a'), 'bare LF in the request head, or not HTTP'],
    'a method that is no token': [request('G(T / HTTP/1.1', 'Host: a'), REQUEST_LINE],
    'two spaces before the target': [request('GET  / HTTP/1.1', 'Host: a'), TARGET],
    'two spaces behind the target': [request('GET /  HTTP/1.1', 'Host: a'), TARGET],
    'a tab for a space': [request('GET\t/ HTTP/1.1', 'Host: a'), REQUEST_LINE],
    'whitespace inside the target': [request('GET /a b HTTP/1.1', 'Host: a'), TARGET],
    'something behind the version': [request('GET / HTTP/1.1 ', 'Host: a'), VERSION],
    'no target': [request('GET HTTP/1.1', 'Host: a'), REQUEST_LINE],
  });
});

describe('RFC 9112 §3.2: Host', () => {
  refusals({
    'a request that lacks Host': [request('GET / HTTP/1.1', 'X: y'), 'missing Host'],
    'more than one Host': [get('host: a'), 'more than one Host'],
    'an empty Host': [request('GET / HTTP/1.1', 'Host:'), 'invalid Host'],
    'userinfo in Host': [request('GET / HTTP/1.1', 'Host: u@a'), 'invalid Host'],
    'two joined Host values': [request('GET / HTTP/1.1', 'Host: a,b'), 'invalid Host'],
    'a path in Host': [request('GET / HTTP/1.1', 'Host: a/b'), 'invalid Host'],
    'a space in Host': [request('GET / HTTP/1.1', 'Host: a b'), 'invalid Host'],
    'a port that is none': [request('GET / HTTP/1.1', 'Host: a:65536'), 'invalid Host'],
    'a signed port': [request('GET / HTTP/1.1', 'Host: a:+80'), 'invalid Host'],
    'two ports': [request('GET / HTTP/1.1', 'Host: a:80:80'), 'invalid Host'],
    'a broken IP literal': [request('GET / HTTP/1.1', 'Host: [::1'), 'invalid Host'],
    'an IP literal with a zone': [request('GET / HTTP/1.1', 'Host: [fe80::1%25eth0]'), 'invalid Host'],
    'something behind an IP literal': [request('GET / HTTP/1.1', 'Host: [::1]x'), 'invalid Host'],
    'a broken pct-encoding in Host': [request('GET / HTTP/1.1', 'Host: a%2'), 'invalid Host'],
    'non-ASCII in Host': [request('GET / HTTP/1.1', 'Host: \xe4'), 'invalid Host'],
  });

  it('passes names, ports, IPv4 and IPv6', () => {
    for (const host of ['a.example:8443', 'a:', '127.0.0.1:1', '[::1]:8443', 'x_y', 'a%20b']) {
      assertPasses(request('GET / HTTP/1.1', `Host: ${host}`), '/', host);
    }
  });

  it('passes HTTP/1.0 without Host', () => assertPasses(request('GET / HTTP/1.0'), '/', ''));
});

describe('RFC 9112 §3.2: request target', () => {
  refusals({
    'asterisk-form': [request('OPTIONS * HTTP/1.1', 'Host: a'), TARGET],
    'a target without a slash': [request('GET x HTTP/1.1', 'Host: a'), TARGET],
    'a fragment': [request('GET /a#b HTTP/1.1', 'Host: a'), TARGET],
    'a broken pct-encoding': [request('GET /%zz HTTP/1.1', 'Host: a'), TARGET],
    'a pct-encoding cut short': [request('GET /%2 HTTP/1.1', 'Host: a'), TARGET],
    'a backslash': [request('GET /a\\b HTTP/1.1', 'Host: a'), TARGET],
    'a NUL': [request('GET /a\0b HTTP/1.1', 'Host: a'), TARGET],
    'a DEL': [request('GET /a\x7fb HTTP/1.1', 'Host: a'), TARGET],
    'a raw byte beyond ASCII': [request('GET /\xe4 HTTP/1.1', 'Host: a'), TARGET],
    'absolute-form with another authority than Host': [request('GET http://b/x HTTP/1.1', 'Host: a'), TARGET],
    'absolute-form with another port than Host': [request('GET http://a:81/x HTTP/1.1', 'Host: a'), TARGET],
    'absolute-form with userinfo': [request('GET http://u@a/x HTTP/1.1', 'Host: a'), TARGET],
    'absolute-form of another scheme': [request('GET ftp://a/x HTTP/1.1', 'Host: a'), TARGET],
    'absolute-form over HTTP/1.0 without Host': [request('GET http://a/x HTTP/1.0'), TARGET],
    'absolute-form with a fragment': [request('GET http://a/x#y HTTP/1.1', 'Host: a'), TARGET],
    'OPTIONS in absolute-form without a path, which means "*"': [
      request('OPTIONS http://a HTTP/1.1', 'Host: a'),
      TARGET,
    ],
    'CONNECT in origin-form': [request('CONNECT /x HTTP/1.1', 'Host: a'), TARGET],
    'CONNECT without a port': [request('CONNECT a HTTP/1.1', 'Host: a'), TARGET],
  });

  it('passes origin-form byte for byte, dot segments and doubled slashes included', () => {
    const target = "//x/../%2e%2F/;a=1,2/@:!$&'()*+?q=/?&%00";
    assertPasses(request(`GET ${target} HTTP/1.1`, 'Host: a'), target, 'a');
  });

  it('reduces absolute-form with the authority of Host to origin-form', () => {
    assertPasses(request('GET http://A:80/x?y HTTP/1.1', 'Host: a:80'), '/x?y', 'a:80');
    assertPasses(request('GET HTTPS://a?y HTTP/1.1', 'Host: a'), '/?y', 'a');
    assertPasses(request('GET http://a HTTP/1.1', 'Host: a'), '/', 'a');
  });

  it('hands CONNECT out with target "/" and closes behind its answer', () => {
    const { socket, exchanges } = openMemoryConnection();
    socket.receive(`${request('CONNECT a:443 HTTP/1.1', 'Host: a:443')}\x16\x03\x01`);
    assert.deepEqual(
      exchanges.map(({ head }) => [head.method, head.target]),
      [['CONNECT', '/']],
    );
    assert.match(socket.sent, /\r\nConnection: close\r\n/);
    assert.equal(socket.ended, true);
  });
});

describe('RFC 9112 §5: field syntax', () => {
  refusals({
    'no whitespace is allowed between the field name and colon': [get('X : y'), 'whitespace before the colon'],
    'a tab before the colon': [get('X\t: y'), 'whitespace before the colon'],
    'obs-fold': [get('X: y', ' z'), 'whitespace at the start of a field line'],
    'a line without a colon': [get('X'), NAME],
    'an empty name': [get(': y'), NAME],
    'a name that is no token': [get('X(: y'), NAME],
    'a NUL in a value': [get('X: a\0b'), VALUE],
    'a control in a value': [get('X: a\x01b'), VALUE],
    'a DEL in a value': [get('X: a\x7fb'), VALUE],
    'a Connection that is no list of tokens': [get('Connection: a b'), 'invalid Connection'],
  });

  it('hands field lines out in order, as received, without surrounding whitespace and without framing', () => {
    const { socket, events } = openMemoryConnection();
    socket.receive(
      `POST / HTTP/1.1\r\nhOst:a\r\n__proto__: x\r\nX:\t 1 2\t \r\nX:\r\nx: \xe4\r\nConnection: X, close\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nb`,
    );
    const fields = ['hOst', 'a', '__proto__', 'x', 'X', '1 2', 'X', '', 'x', '\xe4', 'Connection', 'X, close'];
    assert.deepEqual(events, [{ method: 'POST', target: '/', authority: 'a', fields, body: 'b', outcome: 'end' }]);
  });
});

describe('RFC 9112 §6: framing', () => {
  const chunked = (...fields: string[]): string => `${get(...fields)}0\r\n\r\n`;
  refusals({
    'Transfer-Encoding and Content-Length': [
      chunked('Transfer-Encoding: chunked', 'Content-Length: 5'),
      'both Transfer-Encoding and Content-Length',
    ],
    'Content-Length and Transfer-Encoding': [
      chunked('Content-Length: 5', 'Transfer-Encoding: chunked'),
      'both Transfer-Encoding and Content-Length',
    ],
    'Transfer-Encoding over HTTP/1.0': [
      request('GET / HTTP/1.0', 'Transfer-Encoding: chunked'),
      'Transfer-Encoding over HTTP/1.0',
    ],
    'two equal Content-Length': [get('Content-Length: 0', 'Content-Length: 0'), 'more than one Content-Length'],
    'a Content-Length list': [get('Content-Length: 0, 0'), 'invalid Content-Length'],
    'a signed Content-Length': [get('Content-Length: +1'), 'invalid Content-Length'],
    'a hexadecimal Content-Length': [get('Content-Length: 0x1'), 'invalid Content-Length'],
    'an empty Content-Length': [get('Content-Length:'), 'invalid Content-Length'],
    'a Content-Length beyond 2^53': [get('Content-Length: 9007199254740993'), 'invalid Content-Length'],
    'a Content_Length': [get('Content_Length: 1'), 'a field name that looks like Content-Length'],
    'a Content.Length': [get('CONTENT.length: 1'), 'a field name that looks like Content-Length'],
    'a Transfer_Encoding': [get('Transfer_Encoding: chunked'), 'a field name that looks like Transfer-Encoding'],
    'a Transfer~Encoding': [get('transfer~encoding: chunked'), 'a field name that looks like Transfer-Encoding'],
    'two Transfer-Encoding': [
      chunked('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
      'more than one Transfer-Encoding',
    ],
  });
  for (const coding of [
    'gzip, chunked',
    ',chunked',
    'chunked,',
    'identity',
    'xchunked',
    'chunked;a=b',
    '"chunked"',
    '',
  ]) {
    it(`a Transfer-Encoding "${coding}"`, () => {
      assertRefused(chunked(`Transfer-Encoding: ${coding}`), 'a Transfer-Encoding other than chunked');
    });
  }

  it('all transfer-coding names are case-insensitive', () => {
    const { socket, events } = openMemoryConnection();
    socket.receive(`${get('Transfer-Encoding: ChUnKeD')}1\r\nx\r\n0\r\n\r\n`);
    assert.partialDeepStrictEqual(events, [{ body: 'x', outcome: 'end' }]);
  });
});

describe('limits of the head, whole or byte by byte', () => {
  const cases: Readonly<Record<string, readonly [bytes: string, refusal: string, detail: string]>> = {
    'a request line over its limit': [
      request(`GET /${'x'.repeat(1024)} HTTP/1.1`),
      'uri_too_long',
      'request line too long',
    ],
    'an endless request line': [`GET /${'x'.repeat(9000)}`, 'uri_too_long', 'request line too long'],
    'a head over its limit': [get(`X: ${'y'.repeat(4096)}`), 'headers_too_large', 'request head too large'],
    'an endless head': [`GET / HTTP/1.1\r\nX: ${'y'.repeat(9000)}`, 'headers_too_large', 'request head too large'],
    'too many lines': [get(...Array<string>(256).fill('a:b')), 'headers_too_large', 'too many field lines'],
  };
  for (const [name, [bytes, refusal, detail]] of Object.entries(cases)) {
    it(name, () => {
      assertRefused(bytes, detail, refusal);
      const { socket, events } = openMemoryConnection();
      for (const byte of Buffer.from(bytes, 'latin1')) socket.receive(Uint8Array.of(byte));
      assert.deepEqual(events, [{ refusal, detail }]);
    });
  }

  it('a head of exactly the limit passes, one byte more does not', () => {
    const empty = get('X: ').length;
    const { socket, exchanges } = openMemoryConnection();
    socket.receive(get(`X: ${'y'.repeat(4096 - empty)}`));
    assert.equal(exchanges.length, 1);
    assertRefused(get(`X: ${'y'.repeat(4097 - empty)}`), 'request head too large', 'headers_too_large');
  });
});
