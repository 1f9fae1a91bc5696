/** RFC 9112 at the backend side: a response head as strict as a request head. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHeadText } from '../../src/wire/http1/head-reader.ts';
import { parseResponseHead } from '../../src/wire/http1/response-head.ts';

const parse = (lines: readonly string[], method = 'GET') =>
  parseResponseHead(toHeadText(`${lines.join('\r\n')}\r\n\r\n`), method);

function refuses(name: string, lines: readonly string[], problem: string): void {
  it(name, () => assert.equal(parse(lines), problem));
}

describe('RFC 9112 §4: status line', () => {
  refuses('another version', ['HTTP/2 200 OK'], 'invalid HTTP version');
  refuses('a lower-case version', ['http/1.1 200 OK'], 'invalid HTTP version');
  refuses('a status of two digits', ['HTTP/1.1 20 OK'], 'invalid status line');
  refuses('a status of four digits', ['HTTP/1.1 2000 OK'], 'invalid status line');
  refuses('a status below 100', ['HTTP/1.1 099 OK'], 'invalid status line');
  refuses('a status above 599', ['HTTP/1.1 600 OK'], 'invalid status line');
  refuses('no space behind the status', ['HTTP/1.1 200'], 'invalid status line');
  refuses('a control in the reason phrase', ['HTTP/1.1 200 O\x01K'], 'invalid reason phrase');
  refuses('a bare LF in the status line', ['HTTP/1.1 200 OK\nX: y'], 'invalid reason phrase');
  it('an empty reason phrase is one', () => {
    assert.partialDeepStrictEqual(parse(['HTTP/1.1 200 ']), { head: { status: 200, reason: '' } });
  });
});

describe('RFC 9112 §5, §6: fields and framing', () => {
  const ok = 'HTTP/1.1 200 OK';
  refuses('obs-fold', [ok, 'X: y', ' z'], 'whitespace at the start of a field line');
  refuses('whitespace before the colon', [ok, 'X : y'], 'whitespace before the colon');
  refuses('a bare CR in a value', [ok, 'X: y\rz'], 'invalid character in a field value');
  refuses('two Content-Length', [ok, 'Content-Length: 1', 'Content-Length: 1'], 'more than one Content-Length');
  refuses('a Content-Length list', [ok, 'Content-Length: 1, 1'], 'invalid Content-Length');
  refuses(
    'both framing fields',
    [ok, 'Content-Length: 1', 'Transfer-Encoding: chunked'],
    'both Transfer-Encoding and Content-Length',
  );
  refuses('another coding', [ok, 'Transfer-Encoding: gzip, chunked'], 'a Transfer-Encoding other than chunked');
  refuses(
    'a Transfer-Encoding list',
    [ok, 'Transfer-Encoding: chunked, chunked'],
    'a Transfer-Encoding other than chunked',
  );
  refuses(
    'Transfer-Encoding over HTTP/1.0',
    ['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'],
    'Transfer-Encoding over HTTP/1.0',
  );
  refuses(
    'Transfer-Encoding in a 204',
    ['HTTP/1.1 204 No Content', 'Transfer-Encoding: chunked'],
    'Transfer-Encoding in a 1xx or 204 response',
  );
  refuses('a look-alike', [ok, 'Content_Length: 1'], 'a field name that looks like a framing field');
  refuses('more field lines than clients take', [ok, ...Array(257).fill('Y: a')], 'more than 256 field lines');
  it('as many field lines as clients take', () => {
    assert.partialDeepStrictEqual(parse([ok, ...Array(256).fill('Y: a')]), { head: { status: 200 } });
  });
  refuses('an invalid Connection', [ok, 'Connection: a b'], 'invalid Connection');

  const framings: readonly (readonly [
    name: string,
    method: string,
    lines: readonly string[],
    framing: string,
    length: number | undefined,
  ])[] = [
    ['HEAD has no body and keeps its length', 'HEAD', [ok, 'Content-Length: 9'], 'none', 9],
    ['204 has no body', 'GET', ['HTTP/1.1 204 No Content'], 'none', undefined],
    ['304 has no body and keeps its length', 'GET', ['HTTP/1.1 304 Not Modified', 'Content-Length: 9'], 'none', 9],
    ['Content-Length', 'GET', [ok, 'Content-Length: 9'], 'length', 9],
    ['chunked', 'GET', [ok, 'Transfer-Encoding: Chunked'], 'chunked', undefined],
    ['without framing the body ends with the connection', 'GET', [ok], 'close', undefined],
  ];
  for (const [name, method, lines, framing, length] of framings) {
    it(`§6.3: ${name}`, () => {
      const parsed = parse(lines, method);
      assert.partialDeepStrictEqual(parsed, { end: { framing, persistent: framing !== 'close' } });
      assert.equal(typeof parsed === 'object' ? parsed.head.length : '', length);
    });
  }
});

describe('RFC 9110 §7.6.1: hop-by-hop fields', () => {
  it('removes the hop-by-hop fields and those that Connection names, and nothing else', () => {
    const parsed = parse([
      'HTTP/1.1 200 Fine',
      'Set-Cookie: a',
      'Connection: X-Internal, close',
      'Keep-Alive: timeout=7, max=3',
      'x-internal: 1',
      'set-cookie: b',
      'Upgrade: h2c',
      'TE: x',
      'Trailer: y',
      'Proxy-Connection: z',
      'X-Internal-2: kept',
      'Content-Length: 0',
    ]);
    assert.deepEqual(parsed, {
      head: {
        status: 200,
        reason: 'Fine',
        fields: ['Set-Cookie', 'a', 'set-cookie', 'b', 'X-Internal-2', 'kept'],
        length: 0,
      },
      end: { framing: 'none', persistent: false, keepAliveSeconds: 7 },
    });
  });

  it('an HTTP/1.0 connection persists only if it says so', () => {
    assert.partialDeepStrictEqual(parse(['HTTP/1.0 200 OK', 'Content-Length: 1']), { end: { persistent: false } });
    assert.partialDeepStrictEqual(parse(['HTTP/1.0 200 OK', 'Content-Length: 1', 'Connection: Keep-Alive']), {
      end: { persistent: true },
    });
  });
});
