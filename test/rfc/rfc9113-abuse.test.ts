/** One HTTP/2 connection that asks for too much is told to calm down. RFC 9113 §10.5, CVE-2023-44487, CVE-2024-27316. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Exchange } from '../../src/wire/exchange.ts';
import { createBackendPool } from '../../src/wire/http1/backend-pool.ts';
import { startRawBackend } from '../support/raw-http.ts';
import { forwardTo, NO_FAULTS } from '../support/wire-peers.ts';
import {
  answerOk,
  END_HEADERS,
  END_STREAM,
  FRAME,
  type FrameClient,
  fieldBlock,
  frame,
  GET,
  listen,
  POST,
  readAnswer,
  uint32,
} from '../unit/wire/http2/fixture.ts';

const ENHANCE_YOUR_CALM = 11;
const PROTOCOL_ERROR = 1;
const REFUSED_STREAM = 7;
const CANCEL = uint32(8);

const HEAD = fieldBlock(GET);
const open = (stream: number): Buffer => frame(FRAME.headers, END_STREAM | END_HEADERS, stream, HEAD);
const streams = (count: number): number[] => Array.from({ length: count }, (_, index) => 2 * index + 1);

/** A GOAWAY is lost when the kernel answers what the client sends behind it with a reset. */
function assertCalmed(client: FrameClient): void {
  assert.ok(client.ended);
  assert.equal(client.goawayCode ?? ENHANCE_YOUR_CALM, ENHANCE_YOUR_CALM);
}

/** The cap, the one that exceeds it, and one that came with that. */
const MOST = 102;

describe('RFC 9113 §10.5 streams reset by the client (CVE-2023-44487)', () => {
  it('a thousand in one write: GOAWAY ENHANCE_YOUR_CALM after a hundred', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    client.send(...streams(1000).flatMap((stream) => [open(stream), frame(FRAME.reset, 0, stream, CANCEL)]));
    await client.untilEnd();
    assertCalmed(client);
    assert.ok(recorded.exchanges.length <= MOST, `${recorded.exchanges.length} exchanges`);
    for (const outcome of await Promise.all(recorded.closed)) assert.equal(outcome, 'aborted');
  });

  it('one after the other: the backend sees no more than the cap', async (context) => {
    const backend = await startRawBackend(() => undefined);
    const pool = createBackendPool({
      url: new URL(`http://127.0.0.1:${backend.port}`),
      connectTimeoutMs: 5000,
      headTimeoutMs: 30_000,
      maxIdleConnections: 10,
      maxHeaderBytes: 4096,
      ca: undefined,
      onBug: NO_FAULTS.onBug,
    });
    context.after(async () => {
      pool.close();
      await backend.close();
    });
    const recorded = await listen(context, forwardTo(pool));
    const client = await recorded.openFrames();
    for (const stream of streams(1000)) {
      client.send(open(stream));
      await client.settled();
      client.send(frame(FRAME.reset, 0, stream, CANCEL));
      if (client.ended) break;
    }
    await client.untilEnd();
    assertCalmed(client);
    assert.ok(recorded.exchanges.length <= MOST, `${recorded.exchanges.length} exchanges`);
    // Each of them was aborted, so that none of the connections could be used again.
    const requests = backend.connections.length;
    assert.ok(requests > 50 && requests <= MOST, `${requests} backend requests`);
  });

  it('a hundred, and a hundred more when ten seconds have passed, are nothing to worry about', async (context) => {
    const recorded = await listen(context, (exchange) => exchange.head.target === '/ok' && answerOk(exchange));
    const client = await recorded.openFrames();
    const [first, second] = [streams(200).slice(0, 100), streams(200).slice(100)];
    for (const some of [first, second]) {
      for (const stream of some) client.send(open(stream), frame(FRAME.reset, 0, stream, CANCEL));
      await client.settled();
      recorded.timing.advance(10_000);
    }
    client.request(401, [...GET.filter(([name]) => name !== ':path'), [':path', '/ok']]);
    await client.first(({ type, stream }) => type === FRAME.data && stream === 401);
    assert.equal(client.goawayCode, undefined);
  });
});

describe('RFC 9113 §10.5 streams that the client makes the server reset (CVE-2025-8671)', () => {
  const offences: readonly (readonly [what: string, offence: (stream: number) => Buffer[]])[] = [
    ['a window increment of zero', (stream) => [open(stream), frame(FRAME.window, 0, stream, uint32(0))]],
    ['a window that overflows', (stream) => [open(stream), frame(FRAME.window, 0, stream, uint32(0x7f_ff_ff_ff))]],
    ['DATA after END_STREAM', (stream) => [open(stream), frame(FRAME.data, 0, stream, Buffer.from('x'))]],
    ['HEADERS after END_STREAM', (stream) => [open(stream), open(stream)]],
    [
      'a body shorter than its Content-Length',
      (stream) => [
        frame(FRAME.headers, END_HEADERS, stream, fieldBlock([...POST, ['content-length', '5']])),
        frame(FRAME.data, END_STREAM, stream, Buffer.from('x')),
      ],
    ],
  ];
  for (const [what, offence] of offences) {
    it(what, async (context) => {
      const recorded = await listen(context);
      const client = await recorded.openFrames();
      client.send(...streams(1000).flatMap(offence));
      await client.untilEnd();
      assert.ok(recorded.exchanges.length <= MOST, `${recorded.exchanges.length} exchanges`);
    });
  }

  it('malformed requests that are answered 400', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    const block = fieldBlock([...GET, ['host', 'b']]);
    client.send(...streams(1000).map((stream) => frame(FRAME.headers, END_STREAM | END_HEADERS, stream, block)));
    await client.untilEnd();
    assertCalmed(client);
    assert.deepEqual([recorded.exchanges.length, recorded.refusals.length], [0, 101]);
  });
});

describe('RFC 9113 §5.1.2 streams in flight', () => {
  it('128 are served, the next is refused, and taken once there is room', async (context) => {
    const answers: Exchange[] = [];
    const recorded = await listen(context, (exchange) => answers.push(exchange));
    const client = await recorded.openFrames(false);
    client.send(...streams(129).map(open));
    assert.equal(await client.reset(257), REFUSED_STREAM);
    assert.equal(recorded.exchanges.length, 128);
    answers[0]?.respond({ status: 204, reason: '', fields: [], length: undefined }).end();
    assert.equal(await recorded.closed[0], 'complete');
    client.send(open(259));
    await recorded.exchange(128);
    assert.equal(client.goawayCode, undefined);
  });

  it('a client that has acknowledged the limit and goes beyond it loses its connection', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    client.send(...streams(129).map(open));
    await client.untilEnd();
    assert.equal(client.goawayCode, PROTOCOL_ERROR);
    assert.equal(recorded.exchanges.length, 128);
    for (const outcome of await Promise.all(recorded.closed)) assert.equal(outcome, 'aborted');
  });

  it('refusing goes on only so long', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames(false);
    client.send(...streams(1000).map(open));
    await client.untilEnd();
    assert.equal(recorded.exchanges.length, 128);
  });
});

describe('RFC 9113 §10.5 frames that cost the client nothing', () => {
  const floods: readonly (readonly [what: string, frames: Buffer[]])[] = [
    [
      'CONTINUATION without end (CVE-2024-27316)',
      [
        frame(FRAME.headers, END_STREAM, 1, HEAD),
        ...Array.from({ length: 1000 }, () => frame(FRAME.continuation, 0, 1, fieldBlock([['a', 'b']]))),
      ],
    ],
    [
      'empty DATA (CVE-2019-9518)',
      [
        frame(FRAME.headers, END_HEADERS, 1, fieldBlock(POST)),
        ...Array.from({ length: 5000 }, () => frame(FRAME.data, 0, 1)),
      ],
    ],
    ['PING (CVE-2019-9512)', Array.from({ length: 5000 }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8)))],
    ['SETTINGS (CVE-2019-9515)', Array.from({ length: 5000 }, () => frame(FRAME.settings, 0, 0))],
    ['PRIORITY', Array.from({ length: 20_000 }, () => frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 0, 1])))],
    ['DATA on a stream that was never opened', [frame(FRAME.data, 0, 1, Buffer.from('x'))]],
    ['a frame larger than was agreed', [frame(FRAME.headers, END_STREAM | END_HEADERS, 1, Buffer.alloc(16_385))]],
    [
      'a field block that cannot be decoded',
      [frame(FRAME.headers, END_STREAM | END_HEADERS, 1, Buffer.from([0xff, 0xff]))],
    ],
  ];
  for (const [what, frames] of floods) {
    it(`${what}: the connection ends`, async (context) => {
      const recorded = await listen(context);
      const client = await recorded.openFrames();
      client.send(...frames);
      await client.untilEnd();
      assert.ok(recorded.exchanges.length <= 1);
    });
  }

  it('a head in eight CONTINUATION frames is read; a ninth ends the connection', async (context) => {
    const recorded = await listen(context, answerOk);
    const more = (count: number): Buffer[] =>
      Array.from({ length: count }, (_, index) =>
        frame(FRAME.continuation, index === count - 1 ? END_HEADERS : 0, 1, fieldBlock([['a', 'b']])),
      );
    const [eight, nine] = [await recorded.openFrames(), await recorded.openFrames()];
    eight.send(frame(FRAME.headers, END_STREAM, 1, HEAD), ...more(8));
    await eight.first(({ type, stream }) => type === FRAME.data && stream === 1);
    nine.send(frame(FRAME.headers, END_STREAM, 1, HEAD), ...more(9));
    await nine.untilEnd();
    assert.equal(recorded.exchanges.length, 1);
  });

  it('PINGs in small numbers, each of them answered and read, end the connection as well', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    for (let round = 0; round < 11 && !client.ended; round += 1) {
      client.send(...Array.from({ length: 100 }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))));
      await client.settled();
    }
    await client.untilEnd();
    assertCalmed(client);
  });

  it('a client that does as it should is served beside it', async (context) => {
    const recorded = await listen(context, answerOk);
    const bad = await recorded.openFrames();
    bad.send(...streams(1000).flatMap((stream) => [open(stream), frame(FRAME.reset, 0, stream, CANCEL)]));
    const good = recorded.connect();
    for (let i = 0; i < 200; i += 1) assert.equal((await readAnswer(good.request({ ':path': '/' }))).body, 'ok');
    await bad.untilEnd();
  });
});
