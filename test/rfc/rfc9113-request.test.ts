/** Requests over HTTP/2, sent as hand-made frames: what the handler gets, and what must not get through. RFC 9113. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { RecordingSink } from '../support/wire-peers.ts';
import {
  answerOk,
  END_HEADERS,
  END_STREAM,
  FRAME,
  fieldBlock,
  frame,
  GET,
  listen,
  POST,
} from '../unit/wire/http2/fixture.ts';

const PROTOCOL_ERROR = 1;
const ENHANCE_YOUR_CALM = 11;
/** RFC 7541 Appendix A: `:status: 400` as an index into the static table. */
const STATUS_400 = 0x8c;

type Lines = typeof GET;

const plus = (...lines: Lines): Lines => [...GET, ...lines];
const without = (name: string, ...lines: Lines): Lines => [...GET.filter((line) => line[0] !== name), ...lines];
const withPath = (path: string): Lines => without(':path', [':path', path]);

/** Sends a head with END_STREAM, and tells what became of it. */
async function send(context: TestContext, lines: Lines, limits = {}) {
  const recorded = await listen(context, answerOk, limits);
  const client = await recorded.openFrames();
  client.request(1, lines);
  await client.settled();
  const status = client.of(1).find(({ type }) => type === FRAME.headers)?.payload[0];
  const { heads, refusals } = recorded;
  return { heads, refusals, status, reset: client.resetCode(1) };
}

describe('RFC 9113 §8.3.1 a request is handed on as over HTTP/1.1', () => {
  it('with Host from :authority, names as received, cookie crumbs joined (§8.2.3), framing fields taken off', async (context) => {
    const lines = plus(
      ['accept', '*/*'],
      ['cookie', 'a=1'],
      ['x-b', ''],
      ['content-length', '0'],
      ['cookie', 'b=2'],
      ['expect', 'x'],
      ['te', 'trailers'],
      ['x-b', '\xe9\tc'],
      ['cookie', 'c=3'],
    );
    const fields = [
      'host',
      'a',
      'accept',
      '*/*',
      'cookie',
      'a=1; b=2; c=3',
      'x-b',
      '',
      'te',
      'trailers',
      'x-b',
      '\xe9\tc',
    ];
    assert.deepEqual((await send(context, lines)).heads, [{ method: 'GET', target: '/', authority: 'a', fields }]);
  });

  it('a Host without :authority is the authority', async (context) => {
    const { heads } = await send(context, without(':authority', ['host', 'b:1']));
    assert.deepEqual(heads, [{ method: 'GET', target: '/', authority: 'b:1', fields: ['host', 'b:1'] }]);
  });

  it('a Host equal to :authority adds nothing', async (context) => {
    const { heads } = await send(context, plus(['host', 'A']));
    assert.deepEqual(heads, [{ method: 'GET', target: '/', authority: 'a', fields: ['host', 'a'] }]);
  });

  it('the path arrives byte for byte', async (context) => {
    const path = '/a//../%2e/b;c?d=/e?%00';
    assert.equal((await send(context, withPath(path))).heads[0]?.target, path);
  });

  it('§8.5: CONNECT arrives as over HTTP/1.1, for the handler to refuse', async (context) => {
    const { heads } = await send(context, [
      [':method', 'CONNECT'],
      [':authority', 'b:1'],
    ]);
    assert.deepEqual(heads, [{ method: 'CONNECT', target: '/', authority: 'b:1', fields: ['host', 'b:1'] }]);
  });
});

const CONNECTION_SPECIFIC: Lines = [
  ['connection', 'close'],
  ['connection', 'x-obex-user'],
  ['keep-alive', 'timeout=5'],
  ['proxy-connection', 'close'],
  ['transfer-encoding', 'chunked'],
  ['upgrade', 'h2c'],
  ['te', 'gzip'],
  ['te', 'trailers, gzip'],
];

/** `node:http2` answers these itself, and tells nobody. */
const RESET: readonly (readonly [what: string, lines: Lines])[] = [
  ...CONNECTION_SPECIFIC.map((line) => [`§8.2.2: ${line.join(': ')}`, plus(line)] as const),
  ['§8.2.1: an upper-case name', plus(['X-A', 'b'])],
  ['§8.3: :method twice', plus([':method', 'GET'])],
  ['§8.3: :path twice', plus([':path', '/'])],
  ['§8.3: :authority twice', plus([':authority', 'a'])],
  ['§8.3: a pseudo-header field after a field', [...GET.slice(0, 3), ['x', 'y'], [':authority', 'a']]],
  ['§8.3: an unknown pseudo-header field', plus([':foo', 'x'])],
  ['§8.3: a response pseudo-header field', plus([':status', '200'])],
  ['§8.3.1: no :method', without(':method')],
  ['§8.3.1: no :scheme', without(':scheme')],
  ['§8.3.1: no :path', without(':path')],
  ['§8.3.1: an empty :path', withPath('')],
  ['§8.3.1: :path "*" for GET', withPath('*')],
  ['§8.3.1: a :path in absolute-form', withPath('https://a/')],
  ['§8.3.1: a :path without a slash', withPath('a')],
  ['a space in :path', withPath('/a b')],
  ['a control character in :path', withPath('/a\x01')],
  ['neither :authority nor Host', without(':authority')],
  ['§8.3.1: userinfo in :authority', without(':authority', [':authority', 'b@a'])],
  ['RFC 9112 §3.2: Host twice', without(':authority', ['host', 'a'], ['host', 'a'])],
  ['a :method that is no token', without(':method', [':method', 'G T'])],
  ['RFC 8441: extended CONNECT', [[':method', 'CONNECT'], [':protocol', 'websocket'], ...GET.slice(1)]],
  ['§8.5: CONNECT with :path and :scheme', [[':method', 'CONNECT'], ...GET.slice(1)]],
  ['RFC 9110 §8.6: Content-Length twice', plus(['content-length', '0'], ['content-length', '0'])],
  ['RFC 9110 §8.6: an invalid Content-Length', plus(['content-length', '+0'])],
  ['§8.1.1: Content-Length without a body', plus(['content-length', '5'])],
];

const ANSWERED: readonly (readonly [what: string, lines: Lines, detail: string])[] = [
  ['a Host that differs from :authority', plus(['host', 'b']), 'a Host that differs from :authority'],
  ['a Host that differs in its port', plus(['host', 'a:443']), 'a Host that differs from :authority'],
  ['a comma in :authority', without(':authority', [':authority', 'a,b']), 'invalid :authority'],
  ['a :scheme that is not http(s)', without(':scheme', [':scheme', 'ftp']), 'a :scheme other than http and https'],
  [
    'OPTIONS *',
    [[':method', 'OPTIONS'], [':path', '*'], ...without(':path').slice(1)],
    'invalid or missing :path or :scheme',
  ],
  ['# in :path', withPath('/#a'), 'invalid or missing :path or :scheme'],
  ['a non-ASCII byte in :path', withPath('/\xe9'), 'invalid or missing :path or :scheme'],
  ['half a pct-encoded byte in :path', withPath('/%2'), 'invalid or missing :path or :scheme'],
  [
    'CONNECT without a port',
    [
      [':method', 'CONNECT'],
      [':authority', 'a'],
    ],
    'invalid or missing :path or :scheme',
  ],
  ['content_length', plus(['content_length', '5']), 'a field name that looks like Content-Length'],
  ['transfer_encoding', plus(['transfer_encoding', 'chunked']), 'a field name that looks like Transfer-Encoding'],
  ['transfer.encoding', plus(['transfer.encoding', 'chunked']), 'a field name that looks like Transfer-Encoding'],
  ['§8.2.1: a space before a value', plus(['x', ' a']), 'invalid character or surrounding whitespace in a field value'],
  ['§8.2.1: a tab behind a value', plus(['x', 'a\t']), 'invalid character or surrounding whitespace in a field value'],
];

/** Not refused, but never seen by anybody behind `node:http2` either. */
const DROPPED: Lines = [
  ['', 'a'],
  ['x obex-user', 'a'],
  ['x-obex-user:', 'a'],
  ['x-obex\0user', 'a'],
  ['x\xe9', 'a'],
  ['x-obex-user', 'a\0b'],
  ['x-obex-user', 'a\rb'],
  ['x-obex-user', 'a\nx-obex-scopes: b'],
  ['x-obex-user', 'a\x7f'],
  ['host', 'a b'],
];

describe('RFC 9113 §8.1.1 a malformed request never becomes an exchange', () => {
  for (const [what, lines] of RESET) {
    it(`${what}: RST_STREAM PROTOCOL_ERROR`, async (context) => {
      const outcome = await send(context, lines);
      assert.deepEqual(outcome, { heads: [], refusals: [], status: undefined, reset: PROTOCOL_ERROR });
    });
  }

  for (const [what, lines, detail] of ANSWERED) {
    it(`${what}: 400`, async (context) => {
      const refusals = [`malformed_request: ${detail}`];
      assert.deepEqual(await send(context, lines), { heads: [], refusals, status: STATUS_400, reset: undefined });
    });
  }

  for (const line of DROPPED) {
    it(`${JSON.stringify(line)} is dropped by node:http2`, async (context) => {
      const { heads } = await send(context, plus(line));
      assert.deepEqual(heads, [{ method: 'GET', target: '/', authority: 'a', fields: ['host', 'a'] }]);
    });
  }

  it('a refused request whose body goes on is cut off without error behind the answer', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    client.request(1, withPath('/#'), END_HEADERS);
    assert.equal(await client.reset(1), 0);
    const [head, data] = client.of(1);
    assert.equal(head?.payload[0], STATUS_400);
    assert.deepEqual([data?.flags, data?.payload.toString()], [END_STREAM, 'malformed_request']);
  });

  it('a refused HEAD request is answered without a body', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    client.request(1, [[':method', 'HEAD'], ...withPath('/#').slice(1)]);
    await client.settled();
    assert.deepEqual(
      client.of(1).map(({ type, flags }) => ({ type, flags })),
      [{ type: FRAME.headers, flags: END_STREAM | END_HEADERS }],
    );
  });
});

describe('RFC 9113 §8.1.1 Content-Length must equal the DATA received', () => {
  const start = async (context: TestContext, length: string) => {
    const sink = new RecordingSink();
    const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink));
    const client = await recorded.openFrames();
    client.request(1, [...POST, ['content-length', length]], END_HEADERS);
    return { recorded, client, sink };
  };

  it('fewer bytes: RST_STREAM, and the body never ends well', async (context) => {
    const { client, sink, recorded } = await start(context, '5');
    client.send(frame(FRAME.data, END_STREAM, 1, Buffer.from('body')));
    assert.equal(await client.reset(1), PROTOCOL_ERROR);
    assert.equal(await recorded.closed[0], 'aborted');
    assert.deepEqual([sink.text, sink.outcome], ['body', 'client_closed']);
  });

  it('more bytes: not one of them passes', async (context) => {
    const { client, sink, recorded } = await start(context, '3');
    client.send(frame(FRAME.data, END_STREAM, 1, Buffer.from('body')));
    await client.untilEnd();
    assert.equal(await recorded.closed[0], 'aborted');
    assert.deepEqual([sink.text, sink.outcome], ['', 'client_closed']);
  });

  it('as many bytes, in pieces: complete', async (context) => {
    const { client, sink, recorded } = await start(context, '4');
    client.send(frame(FRAME.data, 0, 1, Buffer.from('bo')), frame(FRAME.data, END_STREAM, 1, Buffer.from('dy')));
    await client.settled();
    assert.deepEqual([sink.text, sink.outcome], ['body', 'end']);
    assert.equal(recorded.exchanges[0]?.body.length, 4);
  });
});

describe('RFC 9113 §8.1 trailers', () => {
  it('are dropped, and end the body', async (context) => {
    const sink = new RecordingSink();
    const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink));
    const client = await recorded.openFrames();
    client.request(1, POST, END_HEADERS);
    client.send(frame(FRAME.data, 0, 1, Buffer.from('body')));
    client.request(1, [
      ['x-obex-user', 'mallory'],
      ['authorization', 'Bearer x'],
    ]);
    await client.settled();
    assert.deepEqual([sink.text, sink.outcome], ['body', 'end']);
    assert.deepEqual(
      recorded.exchanges.map(({ head }) => head.fields),
      [['host', 'a']],
    );
  });

  it('with a pseudo-header field make the request malformed', async (context) => {
    const sink = new RecordingSink();
    const recorded = await listen(context, (exchange) => exchange.body.deliverTo(sink));
    const client = await recorded.openFrames();
    client.request(1, POST, END_HEADERS);
    client.request(1, [[':path', '/admin']]);
    assert.equal(await client.reset(1), PROTOCOL_ERROR);
    assert.equal(sink.outcome, 'client_closed');
  });
});

describe('RFC 9113 §10.5.1 size of the field section', () => {
  it('a :path over the limit of a request-line: 414', async (context) => {
    const { heads, refusals } = await send(context, withPath(`/${'a'.repeat(1011)}`));
    assert.deepEqual([heads, refusals], [[], ['uri_too_long: :path too long']]);
    assert.equal((await send(context, withPath(`/${'a'.repeat(1009)}`))).heads.length, 1);
  });

  it('more bytes than the limit: 431', async (context) => {
    const { heads, refusals } = await send(context, plus(['x', 'a'.repeat(4096)]));
    assert.deepEqual([heads, refusals], [[], ['headers_too_large: field section too large']]);
  });

  it('more field lines than the limit: 431', async (context) => {
    const many = Array.from({ length: 253 }, () => ['x', ''] as const);
    const { heads, refusals } = await send(context, plus(...many), { maxHeaderBytes: 8192 });
    assert.deepEqual([heads, refusals], [[], ['headers_too_large: too many field lines']]);
  });

  it('far more than the limit: RST_STREAM ENHANCE_YOUR_CALM, unread', async (context) => {
    const outcome = await send(context, plus(['x', 'a'.repeat(9000)]));
    assert.deepEqual(outcome, { heads: [], refusals: [], status: undefined, reset: ENHANCE_YOUR_CALM });
  });

  it('a field section in CONTINUATION frames is one field section', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    const block = fieldBlock(plus(['x', 'abc']));
    client.send(
      frame(FRAME.headers, END_STREAM, 1, block.subarray(0, 7)),
      frame(FRAME.continuation, 0, 1, block.subarray(7, 9)),
      frame(FRAME.continuation, END_HEADERS, 1, block.subarray(9)),
    );
    assert.deepEqual((await recorded.exchange()).head.fields, ['host', 'a', 'x', 'abc']);
  });
});
