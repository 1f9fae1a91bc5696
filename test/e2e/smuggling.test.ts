/** One test for each family of request and response smuggling, with a good token, on the bytes that the backend received. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { bodyOf, formatRequest, sendOn } from '../support/obex.ts';
import { OK_BODY } from '../support/recording-backend.ts';
import { type Phase2Stack, startPhase2 } from '../support/stack.ts';
import { HTTP1_BYTES } from '../support/transport.ts';

const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

/** What the backend received, without what differs from run to run. */
function receivedOf({ backend }: Phase2Stack): string {
  return backend
    .received()
    .replaceAll(`127.0.0.1:${backend.port}`, 'backend')
    .replace(/(Via: .* obex-).*\r\n/g, '$1id\r\n')
    .replace(/X-Obex-Issuer: .*\r\n/g, '')
    .replace(/X-Obex-Request-ID: .*\r\n/g, '');
}

const FORWARDED =
  'Host: backend\r\nX-Forwarded-For: 127.0.0.1\r\nVia: 1.1 obex-id\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: tool.example.com\r\n' +
  'X-Obex-Scopes: mcp:read\r\nX-Obex-User: alice\r\nX-Obex-Client: client-1\r\n';

/** Refused with one answer, which closes; not one byte reaches the backend. */
async function assertRefusedUnseen(context: TestContext, head: string, body: string): Promise<void> {
  const stack = await startPhase2(context);
  const client = await stack.obex.open();
  await client.send(head.replace('<token>', await stack.authorization()) + body + HIDDEN);
  const response = await client.readResponse();
  assert.equal(response.status, 400);
  assert.deepEqual(bodyOf(response), { error: 'bad_request', reason: 'malformed_request' });
  assert.deepEqual(response.values('connection'), ['close']);
  assert.equal((await client.readToEnd()).length, 0, 'nothing behind it is answered');
  assert.equal(stack.backend.received(), '');
  assert.equal(stack.backend.connections, 0);
}

const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';

function head(...lines: readonly string[]): string {
  return formatRequest({ method: 'POST', lines: ['<token>', ...lines] });
}

describe('RFC 9112 §6, §11.2: framing that two parsers could read differently', HTTP1_BYTES, () => {
  const families: Readonly<Record<string, readonly [head: string, body: string]>> = {
    'CL.TE': [head('Content-Length: 6', 'Transfer-Encoding: chunked'), '0\r\n\r\nG'],
    'TE.CL': [head('Transfer-Encoding: chunked', 'Content-Length: 4'), '5c\r\n'],
    'CL.CL, different': [head('Content-Length: 0', 'Content-Length: 44'), ''],
    'CL.CL, equal': [head('Content-Length: 5', 'Content-Length: 5'), 'hello'],
    'CL.CL in one line': [head('Content-Length: 5, 44'), 'hello'],
    'CVE-2020-8287 (Node.js), TE.TE: the second copy counts for somebody': [
      head('Transfer-Encoding: chunked', 'Transfer-Encoding: eee'),
      CHUNKS,
    ],
    'TE.TE in one line': [head('Transfer-Encoding: chunked, identity'), CHUNKS],
    'TE.TE behind an empty element': [head('Transfer-Encoding: ,chunked'), CHUNKS],
    'TE.TE: gzip, chunked': [head('Transfer-Encoding: gzip, chunked'), CHUNKS],
    'CVE-2019-18277 (HAProxy): a vertical tab before chunked': [head('Transfer-Encoding: \x0bchunked'), CHUNKS],
    'CVE-2021-22959 (llhttp), CVE-2019-16276 (Go): a space before the colon': [
      head('Transfer-Encoding : chunked'),
      CHUNKS,
    ],
    'CVE-2024-27982 (Node.js): a space before Content-Length': [head(' Content-Length: 44'), ''],
    'CVE-2022-32215 (llhttp): Transfer-Encoding over two lines': [head('Transfer-Encoding:\r\n chunked'), CHUNKS],
    'CVE-2023-40225 (HAProxy): an empty Content-Length': [head('Content-Length:', 'Content-Length: 5'), 'hello'],
    'CVE-2023-38697 (protocol-http1): a signed Content-Length': [head('Content-Length: +5'), 'hello'],
    'a hexadecimal Content-Length': [head('Content-Length: 0x5'), 'hello'],
    'CVE-2021-40346 (HAProxy): a Content-Length behind a name of 256 and more letters': [
      head(`Content-Length0${'a'.repeat(255)}:`, 'Content-Length: 44', 'Content-Length: 0'),
      '',
    ],
    'a Content-Length beyond 64 bits': [head('Content-Length: 18446744073709551621'), 'hello'],
    'a look-alike: Transfer_Encoding': [head('Transfer_Encoding: chunked', 'Content-Length: 5'), 'hello'],
    'a look-alike: Content_Length': [head('Content_Length: 44'), ''],
    'CVE-2023-30589 (llhttp): a bare CR ends no line': [head('X: y\rTransfer-Encoding: chunked'), CHUNKS],
    'a bare LF ends no line': [head('X: y\nTransfer-Encoding: chunked'), CHUNKS],
    'a bare LF ends no head': [head('X: y').replace(/\r\n\r\n$/, '\n\n'), ''],
    'a NUL in a value': [head('Transfer-Encoding: chunked\0'), CHUNKS],
    'Transfer-Encoding over HTTP/1.0': [head('Transfer-Encoding: chunked').replace('HTTP/1.1', 'HTTP/1.0'), CHUNKS],
    'HTTP/0.9': ['GET /hidden\r\n\r\n', ''],
    'an HTTP/2 preface': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', ''],
  };
  for (const [name, [bytes, body]] of Object.entries(families)) {
    it(name, (context) => assertRefusedUnseen(context, bytes, body));
  }
});

describe('RFC 9112 §3.2: a target or Host that two parsers could read differently', HTTP1_BYTES, () => {
  const request = (target: string, host = 'Host: 127.0.0.1'): string =>
    `GET ${target} HTTP/1.1\r\n${host}\r\n<token>\r\n\r\n`;
  const families: Readonly<Record<string, string>> = {
    'two Host fields': request('/mcp', 'Host: 127.0.0.1\r\nHost: internal'),
    'two equal Host fields': request('/mcp', 'Host: 127.0.0.1\r\nhost: 127.0.0.1'),
    'Host with userinfo': request('/mcp', 'Host: 127.0.0.1@internal'),
    'a Host list': request('/mcp', 'Host: 127.0.0.1, internal'),
    'absolute-form of another authority': request('http://internal/mcp'),
    'absolute-form with userinfo': request('http://127.0.0.1@internal/mcp'),
    'asterisk-form': request('*'),
    'a fragment': request('/mcp#/health'),
    'a space in the target': request('/mcp /health'),
    'a tab in the target': request('/mcp\t/health'),
    'bytes beyond ASCII': request('/mcp/\xe4'),
    'a backslash, a slash to WHATWG parsers': request('/mcp/..\\..\\health'),
  };
  for (const [name, bytes] of Object.entries(families)) it(name, (context) => assertRefusedUnseen(context, bytes, ''));
});

describe('RFC 9112 §7.1: a chunked body that two parsers could read differently', HTTP1_BYTES, () => {
  const families: Readonly<Record<string, string>> = {
    'CVE-2025-22871 (Go): a bare LF behind the chunk-size': '5\nhello\r\n0\r\n\r\n',
    'a bare LF in a chunk extension (TERM.EXT)': '5;a\nhello\r\n0\r\n\r\n',
    'a bare CR behind the chunk-size': '5\rhello\r\n0\r\n\r\n',
    'a chunk longer than its size (TERM.SPILL)': '5\r\nhelloXX0\r\n\r\n',
    'a bare LF behind the data': '5\r\nhello\n0\r\n\r\n',
    'CVE-2023-38697 (protocol-http1): 0x before the chunk-size': '0x5\r\nhello\r\n0\r\n\r\n',
    'a signed chunk-size': '+5\r\nhello\r\n0\r\n\r\n',
    'an underscore in the chunk-size': '0_5\r\nhello\r\n0\r\n\r\n',
    'a chunk-size that overflows': '10000000000000005\r\nhello\r\n0\r\n\r\n',
    'CVE-2023-39326 (Go): an endless chunk extension': `5;${'a'.repeat(5_000)}\r\nhello\r\n0\r\n\r\n`,
    'a last chunk ended by bare LF': '5\r\nhello\r\n0\n\n',
  };
  for (const [name, body] of Object.entries(families)) {
    it(`${name}: the backend never has a whole request`, async (context) => {
      const stack = await startPhase2(context);
      const client = await stack.obex.open();
      const lines = [await stack.authorization(), 'Transfer-Encoding: chunked'];
      await client.send(formatRequest({ method: 'POST', lines }) + body + HIDDEN);
      const response = await client.readResponse();
      assert.deepEqual(bodyOf(response), { error: 'bad_request', reason: 'malformed_request' });
      assert.deepEqual(response.values('connection'), ['close']);
      assert.equal((await client.readToEnd()).length, 0);
      assert.doesNotMatch(stack.backend.received(), /hidden|\r\n0\r\n/);
      assert.equal(stack.backend.requests.filter(({ complete }) => complete).length, 0);
    });
  }
});

describe('RFC 9112 §7.1.3, §6: what passes is framed anew', HTTP1_BYTES, () => {
  const cases: Readonly<Record<string, readonly [lines: readonly string[], body: string, received: string]>> = {
    'CVE-2021-22960 (llhttp): chunk extensions and leading zeros are gone': [
      ['Transfer-Encoding: ChUnKeD'],
      '005;a="b\t;0"\r\nhello\r\n000;c\r\n\r\n',
      `${FORWARDED}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
    ],
    'trailers, X-Obex-* among them, are gone': [
      ['Trailer: X-Obex-User', 'Transfer-Encoding: chunked'],
      '5\r\nhello\r\n0\r\nX-Obex-User: root\r\nTransfer-Encoding: chunked\r\nContent-Length: 44\r\n\r\n',
      `${FORWARDED}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
    ],
    'a body that looks like a request is a body': [
      [`Content-Length: ${HIDDEN.length}`],
      HIDDEN,
      `${FORWARDED}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    ],
    'CVE-2025-48865 (Fabio): Connection takes neither framing nor Host nor our own fields away': [
      ['Connection: Content-Length, Transfer-Encoding, Host, X-Forwarded-For, X-Obex-User', 'Content-Length: 5'],
      'hello',
      `${FORWARDED}Content-Length: 5\r\n\r\nhello`,
    ],
    'h2c smuggling: Upgrade and what belongs to it are gone': [
      [
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
        'Content-Length: 5',
      ],
      'hello',
      `${FORWARDED}Content-Length: 5\r\n\r\nhello`,
    ],
    'Expect, however it is spelt, stays on this hop': [
      ['Expect: y 100-continue', 'expect: 100-Continue', 'Content-Length: 5'],
      'hello',
      `${FORWARDED}Content-Length: 5\r\n\r\nhello`,
    ],
  };
  for (const [name, [lines, body, received]] of Object.entries(cases)) {
    it(name, async (context) => {
      const stack = await startPhase2(context);
      const client = await stack.obex.open();
      const all = [await stack.authorization(), ...lines];
      await client.send(formatRequest({ method: 'POST', target: '/mcp', lines: all }) + body);
      const response = await client.readResponse();
      assert.deepEqual([response.status, response.body.toString()], [200, OK_BODY]);
      assert.equal(receivedOf(stack), `POST /mcp HTTP/1.1\r\n${received}`);
    });
  }

  it('0.CL and TE.0: what follows a body is a request of its own, and is judged by itself', async (context) => {
    const stack = await startPhase2(context);
    const client = await stack.obex.open();
    for (const [framing, body] of [
      ['Content-Length: 0', ''],
      ['Transfer-Encoding: chunked', '0\r\n\r\n'],
    ] as const) {
      const request = formatRequest({ method: 'POST', lines: [await stack.authorization(), framing] });
      await client.send(request + body + HIDDEN);
      assert.equal((await client.readResponse()).status, 200);
      const hidden = await client.readResponse();
      assert.deepEqual([hidden.status, bodyOf(hidden)['reason']], [401, 'no_token']);
    }
    assert.equal(
      receivedOf(stack),
      `POST /mcp HTTP/1.1\r\n${FORWARDED}Content-Length: 0\r\n\r\n` +
        `POST /mcp HTTP/1.1\r\n${FORWARDED}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    );
  });

  it('GET with a body: the body is framed, or the request behind it would be read as its body', async (context) => {
    const stack = await startPhase2(context);
    const client = await stack.obex.open();
    const lines = [await stack.authorization()];
    assert.equal((await sendOn(client, { lines, body: HIDDEN })).status, 200);
    assert.equal(
      receivedOf(stack),
      `GET /mcp HTTP/1.1\r\n${FORWARDED}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    );
    assert.equal(stack.backend.requests.length, 1);
  });

  it('limits hold when head and body arrive in one read', async (context) => {
    const stack = await startPhase2(context);
    const lines = [await stack.authorization(), `X: ${'x'.repeat(17_000)}`];
    const response = await stack.obex.send({ method: 'POST', lines, body: HIDDEN });
    assert.deepEqual([response.status, bodyOf(response)['reason']], [431, 'headers_too_large']);
    assert.equal(stack.backend.received(), '');
  });
});

describe('RFC 9112 §6.3, §9.2: an answer that two parsers could read differently', () => {
  const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
  const answers: Readonly<Record<string, string>> = {
    'both framing fields': `HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${EVIL}`,
    'two Content-Length': `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${EVIL}`,
    'gzip, chunked': `HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${EVIL}`,
    'Transfer-Encoding over HTTP/1.0': `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${EVIL}`,
    'a bare LF, response splitting': `HTTP/1.1 200 OK\r\nX: y\n\n${EVIL}\r\n\r\n`,
    'a bare CR in a value': `HTTP/1.1 200 OK\r\nX: y\rContent-Length: 0\r\n\r\n${EVIL}`,
    'obs-fold': `HTTP/1.1 200 OK\r\nX: y\r\n Content-Length: 0\r\n\r\n${EVIL}`,
    'a look-alike': `HTTP/1.1 200 OK\r\nContent_Length: 0\r\n\r\n${EVIL}`,
    'an unasked 101': `HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n${EVIL}`,
  };
  for (const [name, bytes] of Object.entries(answers)) {
    it(`${name}: 502, and the next answer comes over another connection`, async (context) => {
      const stack = await startPhase2(context);
      const client = await stack.obex.open();
      const { answer } = stack.backend;
      stack.backend.answer = ({ socket }) => {
        stack.backend.answer = answer;
        socket.write(Buffer.from(bytes, 'latin1'));
      };
      const request = { lines: [await stack.authorization()] };
      const response = await sendOn(client, request);
      assert.deepEqual([response.status, bodyOf(response)['reason']], [502, 'backend_protocol_error']);
      assert.equal((await sendOn(client, request)).body.toString(), OK_BODY);
      assert.equal(stack.backend.connections, 2);
    });
  }

  it('response queue poisoning: a second answer that nobody asked for is nobody’s', async (context) => {
    const stack = await startPhase2(context);
    const client = await stack.obex.open();
    const { answer } = stack.backend;
    stack.backend.answer = (request) => {
      stack.backend.answer = answer;
      request.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${EVIL}`);
    };
    const request = formatRequest({ lines: [await stack.authorization()] });
    await client.send(request + request);
    assert.equal((await client.readResponse()).body.toString(), 'ok');
    assert.equal((await client.readResponse()).body.toString(), OK_BODY);
    assert.equal(stack.backend.connections, 2);
  });
});
