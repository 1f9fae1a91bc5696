/** RFC 9112 §7.1: the chunked transfer coding, decoded from requests. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openMemoryConnection } from '../support/wire-peers.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Body and end, fed whole and byte by byte, which must be the same. */
function decode(body: string): { body: string; outcome: string } {
  const whole = openMemoryConnection({ limits: { maxBodyBytes: 20 } });
  whole.socket.receive(HEAD + body);
  const bytewise = openMemoryConnection({ limits: { maxBodyBytes: 20 } });
  for (const byte of Buffer.from(HEAD + body, 'latin1')) bytewise.socket.receive(Uint8Array.of(byte));
  assert.deepEqual(whole.events, bytewise.events);
  assert.equal(whole.socket.sent, bytewise.socket.sent);
  const [event] = whole.events;
  assert.ok(typeof event === 'object' && event !== null && 'body' in event && 'outcome' in event);
  return { body: String(event.body), outcome: String(event.outcome) };
}

function passes(name: string, body: string, expected: string): void {
  it(name, () => assert.deepEqual(decode(body), { body: expected, outcome: 'end' }));
}

function refuses(name: string, body: string, delivered = '', outcome = 'malformed_request'): void {
  it(name, () => {
    assert.deepEqual(decode(body), { body: delivered, outcome });
    const { socket } = openMemoryConnection({ limits: { maxBodyBytes: 20 } });
    socket.receive(`${HEAD}${body}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.match(socket.sent, /^HTTP\/1\.1 400 [^]*\r\nConnection: close\r\n/);
    assert.equal(socket.sent.split('HTTP/1.1 ').length - 1, 1, 'nothing behind it is answered');
    assert.equal(socket.ended, true);
  });
}

describe('RFC 9112 §7.1: chunk-size and chunk-data', () => {
  passes('several chunks', '3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n', 'abc0123456789');
  passes('an empty body', '0\r\n\r\n', '');
  passes('a chunk-size in either case, with leading zeros', '00a\r\n0123456789\r\n000\r\n\r\n', '0123456789');
  passes('CR and LF inside the data', '4\r\n\r\n\r\n\r\n0\r\n\r\n', '\r\n\r\n');
  refuses('no chunk-size', '\r\nabc\r\n0\r\n\r\n');
  refuses('a signed chunk-size', '+3\r\nabc\r\n0\r\n\r\n');
  refuses('a negative chunk-size', '-3\r\nabc\r\n0\r\n\r\n');
  refuses('a chunk-size with 0x', '0x3\r\nabc\r\n0\r\n\r\n');
  refuses('a chunk-size with an underscore', '1_0\r\nabc\r\n0\r\n\r\n');
  refuses('whitespace before the chunk-size', ' 3\r\nabc\r\n0\r\n\r\n');
  refuses('whitespace behind the chunk-size', '3 \r\nabc\r\n0\r\n\r\n');
  refuses('a chunk-size that overflows 64 bits', '10000000000000003\r\nabc\r\n0\r\n\r\n');
  refuses('a chunk-size that overflows 53 bits', '20000000000003\r\nabc\r\n0\r\n\r\n');
  refuses('endless leading zeros', `${'0'.repeat(17)}3\r\nabc\r\n0\r\n\r\n`);
  refuses('a bare LF behind the chunk-size', '3\nabc\r\n0\r\n\r\n');
  refuses('a bare CR behind the chunk-size', '3\rabc\r\n0\r\n\r\n');
  refuses('data longer than its chunk-size', '3\r\nabcd\r\n0\r\n\r\n', 'abc');
  refuses('a bare LF behind the data', '3\r\nabc\n0\r\n\r\n', 'abc');
  refuses('a bare CR behind the data', '3\r\nabc\r0\r\n\r\n', 'abc');
  refuses('more data than allowed, at the chunk-size that says so', '3\r\nabc\r\n12\r\nx', 'abc', 'payload_too_large');
});

describe('RFC 9112 §7.1.1: chunk extensions are ignored, but bounded and well-formed', () => {
  passes('names, tokens and quoted strings', '1;a;b=c;d="e ;\\"f"\r\nx\r\n0;last\r\n\r\n', 'x');
  refuses('whitespace around an extension', '1 ;a\r\nx\r\n0\r\n\r\n');
  refuses('an extension without a name', '1;\r\nx\r\n0\r\n\r\n');
  refuses('a bare LF in an extension', '1;a\nx\r\n0\r\n\r\n');
  refuses('an open quoted string', '1;a="b\r\nx\r\n0\r\n\r\n');
  refuses('a NUL in an extension', '1;a=\0\r\nx\r\n0\r\n\r\n');
  refuses('an endless extension', `1;${'a'.repeat(257)}\r\nx\r\n0\r\n\r\n`);
  it('a flood of extensions over many chunks (CVE-2023-39326)', () => {
    const flood = `1;${'a'.repeat(250)}\r\nx\r\n`.repeat(17);
    assert.deepEqual(decode(`${flood}0\r\n\r\n`), { body: 'x'.repeat(16), outcome: 'malformed_request' });
  });
});

describe('RFC 9112 §7.1.2: trailers are parsed and dropped', () => {
  passes('trailer fields never reach the head or the body', '1\r\nx\r\n0\r\nX-Obex-User: root\r\nB: c\r\n\r\n', 'x');
  refuses('a malformed trailer', '0\r\nX : y\r\n\r\n');
  refuses('a trailer without a colon', '0\r\nX\r\n\r\n');
  refuses('a bare LF in a trailer', '0\r\nX: y\nZ: w\r\n\r\n');
  refuses('a folded trailer', '0\r\nX: y\r\n z\r\n\r\n');
  refuses('endless trailers', `0\r\n${'X: y\r\n'.repeat(700)}\r\n`);
  it('keeps the connection in step behind them', () => {
    const { socket, events } = openMemoryConnection();
    socket.receive(`${HEAD}0\r\nA: b\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.partialDeepStrictEqual(events, [{ target: '/' }, { target: '/next' }]);
    assert.deepEqual(JSON.stringify(events).includes('"b"'), false);
  });
});
