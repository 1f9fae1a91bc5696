/** One HTTP/2 connection that asks for too much is told to calm down. RFC 9113 §10.5, CVE-2023-44487, CVE-2024-27316. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Exchange } from '../../src/wire/exchange.ts';
import { createBackendPool } from '../../src/wire/http1/backend-pool.ts';
import { startRawBackend } from '../support/raw-http.ts';
import { forwardTo, LIMITS, NO_FAULTS, respondText } from '../support/wire-peers.ts';
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
  type Recorded,
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

/** SETTINGS_INITIAL_WINDOW_SIZE = 0 (§6.5.2): a head may leave, nothing behind it. */
const CLOSED_WINDOW = frame(FRAME.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(0)]));
const openWindow = (stream: number, bytes: number): Buffer => frame(FRAME.window, 0, stream, uint32(bytes));

const WRITE_TIMEOUT_MS = LIMITS.writeTimeoutMs;
const PATIENCE_MS = WRITE_TIMEOUT_MS / 4;
const MOST_UNREAD = 16;

const MANY_LINES = fieldBlock([...GET, ...Array.from({ length: 250 }, () => ['x', 'v'] as const)]);
const MANY_ALLOWED = { maxHeaderBytes: 16_384 };

/** A client that reads no body, and has asked for `count` of them. */
async function openUnreading(recorded: Recorded, count: number, block = HEAD): Promise<FrameClient> {
  const client = await recorded.openFrames();
  client.send(CLOSED_WINDOW);
  client.send(...streams(count).map((stream) => frame(FRAME.headers, END_STREAM | END_HEADERS, stream, block)));
  await client.settled();
  return client;
}

describe('RFC 9113 §10.5 answers that the client does not read (CVE-2019-9511, CVE-2019-9517)', () => {
  it('keep nothing of the request but what an access line tells: 290 bytes of memory for each byte of an indexed field', async (context) => {
    const recorded = await listen(context, answerOk, MANY_ALLOWED);
    await openUnreading(recorded, 3, MANY_LINES);
    for (const { head } of recorded.exchanges) {
      assert.deepEqual(head, { method: 'GET', target: '/', authority: '', fields: [] });
    }
    assert.equal(recorded.exchanges.length, 3);
  });

  it('are waited for as long as they are few', async (context) => {
    const recorded = await listen(context, answerOk);
    const client = await openUnreading(recorded, MOST_UNREAD);
    recorded.timing.advance(0);
    recorded.timing.advance(WRITE_TIMEOUT_MS - 1);
    await client.settled();
    assert.deepEqual([client.ended, client.goawayCode], [false, undefined]);
    client.send(openWindow(1, 100));
    assert.equal(await recorded.closed[0], 'complete');
    recorded.timing.advance(1);
    await client.untilEnd();
    assert.deepEqual(await Promise.all(recorded.closed.slice(1)), Array(MOST_UNREAD - 1).fill('aborted'));
  });

  it('end the connection soon when they are many: GOAWAY ENHANCE_YOUR_CALM', async (context) => {
    const recorded = await listen(context, answerOk);
    const client = await openUnreading(recorded, MOST_UNREAD + 1);
    recorded.timing.advance(0);
    recorded.timing.advance(PATIENCE_MS - 1);
    await client.settled();
    assert.deepEqual([client.ended, client.goawayCode], [false, undefined]);
    recorded.timing.advance(1);
    await client.untilEnd();
    assertCalmed(client);
    for (const outcome of await Promise.all(recorded.closed)) assert.equal(outcome, 'aborted');
    assert.deepEqual(recorded.ended, ['answers not read']);
  });

  it('are waited for, many as they are, while the client reads the first of them slowly', async (context) => {
    const recorded = await listen(context, (exchange) => respondText(exchange, 'x'.repeat(100)));
    const client = await openUnreading(recorded, 128);
    for (let read = 0; read < 3; read += 1) {
      client.send(openWindow(2 * read + 1, 100));
      assert.equal(await recorded.closed[read], 'complete');
      recorded.timing.advance(PATIENCE_MS - 1);
    }
    await client.settled();
    assert.deepEqual([client.ended, client.goawayCode], [false, undefined]);
    assert.equal(client.frames.filter(({ type }) => type === FRAME.reset).length, 0);
  });

  it('have a deadline also when they answer what is malformed', async (context) => {
    const recorded = await listen(context);
    const client = await recorded.openFrames();
    // Something that goes on, so that the connection is not merely idle.
    client.send(open(1));
    await recorded.exchange();
    client.send(CLOSED_WINDOW);
    client.request(3, [...GET, ['host', 'b']]);
    await client.settled();
    recorded.timing.advance(0);
    recorded.timing.advance(WRITE_TIMEOUT_MS);
    assert.equal(await client.reset(3), 8);
  });

  it('hold no body of their request either: what has come is thrown away', async (context) => {
    const recorded = await listen(context, (exchange) => respondText(exchange, 'no'));
    const client = await recorded.openFrames();
    client.send(CLOSED_WINDOW);
    client.request(1, POST, END_HEADERS);
    client.send(...Array.from({ length: 4 }, () => frame(FRAME.data, 0, 1, Buffer.alloc(16_000))));
    const window = await client.first(({ type, stream }) => type === FRAME.window && stream === 1);
    assert.ok(window, 'bytes that are kept do not open the window again');
    client.send(openWindow(1, 100));
    assert.equal(await client.endOf(1), undefined);
    assert.equal(await client.reset(1), 0);
  });
});

const MOST_FOR_STREAMS = 32 * 1024 * 1024;
const MOST_BYTES = 128 * 1024 * 1024;
/** What is counted for a stream that is not read, at least. */
const STREAM_BYTES = 8 * 1024;
/** What is counted for a frame of a body that waits, beside its content. */
const PIECE_BYTES = 512;

describe('RFC 9113 §10.5 all connections together', () => {
  /** Opens connections of 100 streams, and one of 128 in their midst, until one of them has ended. */
  async function fill(recorded: Recorded, streamsInAll: number, block: Buffer): Promise<FrameClient[]> {
    const clients = [await openUnreading(recorded, 100, block), await openUnreading(recorded, 128, block)];
    const most = streamsInAll / 100 + 1;
    while (clients.length < most && recorded.ended.length === 0) {
      clients.push(await openUnreading(recorded, 100, block));
    }
    return clients;
  }

  async function assertGreediestWent(recorded: Recorded, clients: readonly FrameClient[]): Promise<void> {
    const [, greediest] = clients;
    assert.ok(greediest);
    await greediest.untilEnd();
    assertCalmed(greediest);
    assert.deepEqual(recorded.ended, ['too much held']);
    const others = clients.filter((client) => client !== greediest);
    for (const client of others) await client.settled();
    assert.deepEqual(
      others.map(({ ended, goawayCode }) => [ended, goawayCode]),
      others.map(() => [false, undefined]),
    );
  }

  it('answers that nobody reads: the connection with most of them goes first', async (context) => {
    const body = 'x'.repeat(60_000);
    const recorded = await listen(context, (exchange) => respondText(exchange, body));
    await assertGreediestWent(recorded, await fill(recorded, MOST_BYTES / body.length, HEAD));
  });

  it('bodies that nobody takes yet, in frames of one byte: each costs what Node keeps of it', async (context) => {
    const recorded = await listen(context, () => undefined);
    const client = await recorded.openFrames();
    const drip = Buffer.concat(Array.from({ length: 60_000 }, () => frame(FRAME.data, 0, 1, Buffer.from('a'))));
    const streams = Math.ceil(MOST_BYTES / (60_000 * PIECE_BYTES));
    for (let each = 0; each < streams; each += 1) {
      assert.deepEqual(recorded.ended, []);
      client.request(2 * each + 1, POST, END_HEADERS);
      const frames = Buffer.from(drip);
      for (let at = 0; at < frames.length; at += drip.length / 60_000) frames.writeUInt32BE(2 * each + 1, at + 5);
      client.send(frames);
      await client.settled();
      recorded.timing.advance(0);
    }
    await client.untilEnd();
    assertCalmed(client);
    assert.deepEqual(recorded.ended, ['too much held']);
  });

  it('streams that have been answered in a few bytes: the connection with most of them goes first', async (context) => {
    const recorded = await listen(context, answerOk);
    await assertGreediestWent(recorded, await fill(recorded, MOST_FOR_STREAMS / STREAM_BYTES, HEAD));
  });

  it('heads that wait for their answer: the connection with most of them goes first', async (context) => {
    const recorded = await listen(context, undefined, MANY_ALLOWED);
    await assertGreediestWent(recorded, await fill(recorded, MOST_BYTES / 50_000, MANY_LINES));
  });

  it('bodies that wait for somebody to take them: the connection with most of them goes first', async (context) => {
    const recorded = await listen(context);
    const body = Array.from({ length: 4 }, () => frame(FRAME.data, 0, 1, Buffer.alloc(16_000)));
    const upload = (stream: number): Buffer[] => [
      frame(FRAME.headers, END_HEADERS, stream, fieldBlock(POST)),
      ...body.map((each) => Buffer.concat([each.subarray(0, 5), uint32(stream), each.subarray(9)])),
    ];
    const clients: FrameClient[] = [];
    while (clients.length < MOST_BYTES / 64_000 / 100 + 1 && recorded.ended.length === 0) {
      const client = await recorded.openFrames();
      clients.push(client);
      for (const stream of streams(clients.length === 2 ? 128 : 100)) {
        client.send(...upload(stream));
        // §6.9.1: the window of the connection has to be open again.
        await client.settled();
      }
      recorded.timing.advance(0);
      await client.settled();
    }
    await assertGreediestWent(recorded, clients);
  });

  it('what has been given up counts no longer', async (context) => {
    const body = 'x'.repeat(60_000);
    const recorded = await listen(context, (exchange) => respondText(exchange, body));
    for (let round = 0; round < 25; round += 1) {
      const client = await openUnreading(recorded, 100);
      client.socket.destroy();
      await Promise.all(recorded.closed);
    }
    assert.ok(recorded.exchanges.length * body.length > MOST_BYTES);
    assert.deepEqual(recorded.ended, []);
  });
});
