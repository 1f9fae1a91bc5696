/** What is kept for who comes back, in which order it comes, and what a client that does not read costs. MCP 2025-11-25, Resumability. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Channel, readEventId } from '../../../src/programs/channel.ts';
import { EventStore } from '../../../src/programs/event-store.ts';
import { Flow } from '../../../src/programs/flow.ts';
import { KeepAlive } from '../../../src/programs/keep-alive.ts';
import { SseStream } from '../../../src/programs/sse-stream.ts';
import { RecordingSink } from '../../support/wire-peers.ts';

const FLOWING = new Flow(() => undefined);

class SlowSink extends RecordingSink {
  takesMore = false;

  override write(chunk: Uint8Array): boolean {
    super.write(chunk);
    return this.takesMore;
  }
}

function openStream(flow = FLOWING, sink: RecordingSink = new RecordingSink()) {
  const keepAlive = new KeepAlive();
  const stream = new SseStream(sink, flow, keepAlive);
  const events = () => sink.text.split('\n\n').slice(0, -1);
  return { stream, sink, events };
}

function json(text: string): Buffer {
  return Buffer.from(JSON.stringify(text));
}

describe('Channel', () => {
  it('keeps what nobody hears, and gives it to who comes first', () => {
    const channel = new Channel(0, new EventStore(10_000), () => undefined);
    channel.send(json('early'));
    const { stream, events } = openStream();
    channel.open(stream, false);
    channel.send(json('late'));
    assert.deepEqual(events(), ['event: message\nid: 0-1\ndata: "early"', 'event: message\nid: 0-2\ndata: "late"']);
    stream.end();
    assert.equal(channel.isHeard, false);
  });

  it('gives each message to the latest connection alone, and to the one before when that is gone', () => {
    const channel = new Channel(0, new EventStore(10_000), () => undefined);
    const [one, other] = [openStream(), openStream()];
    channel.open(one.stream, false);
    channel.open(other.stream, false);
    channel.send(json('a'));
    other.stream.release();
    channel.send(json('b'));
    assert.equal(one.events().length, 1);
    assert.equal(other.events().length, 1);
    assert.match(one.sink.text, /"b"/);
  });

  it('ends the oldest of many connections', () => {
    const channel = new Channel(0, new EventStore(10_000), () => undefined);
    const streams = Array.from({ length: 6 }, () => openStream());
    for (const { stream } of streams) channel.open(stream, false);
    assert.deepEqual(
      streams.map(({ stream }) => stream.isOver),
      [true, true, false, false, false, false],
    );
  });

  it('knows what it has forgotten', () => {
    const store = new EventStore(1_000);
    const [one, other] = [1, 2].map((number) => new Channel(number, store, () => undefined));
    assert.ok(one !== undefined && other !== undefined);
    one.send(json('first'));
    for (let event = 0; event < 10; event += 1) other.send(json('x'.repeat(100)));
    assert.ok(store.bytes <= 1_000, `${store.bytes} bytes`);
    assert.equal(one.canResume(0), false);
    assert.equal(one.canResume(1), true);
    assert.equal(other.canResume(7), false);
    assert.equal(other.canResume(8), true);
    // One that is larger than all that is kept takes nothing else away.
    const before = store.bytes;
    other.send(json('x'.repeat(2_000)));
    assert.equal(store.bytes, before);
    assert.equal(other.canResume(11), false);
  });

  it('does not know again what it has forgotten when an earlier one is forgotten later', () => {
    const channel = new Channel(1, new EventStore(2_000), () => undefined);
    const small = Buffer.from('"a"');
    channel.send(small);
    channel.send(small);
    channel.send(Buffer.alloc(5_000, '1'));
    assert.equal(channel.canResume(2), false);
    for (let sent = 0; sent < 8; sent += 1) channel.send(small);
    assert.equal(channel.canResume(2), false);
  });

  it('is there no longer when it is complete and all of it is forgotten', () => {
    const store = new EventStore(1_000);
    const discarded: string[] = [];
    const known = new Channel(1, store, () => void discarded.push('known'));
    known.open(openStream().stream, true);
    known.send(json('a'));
    known.complete();
    const unknown = new Channel(2, store, () => void discarded.push('unknown'));
    unknown.complete();
    assert.deepEqual(discarded, ['unknown']);
    const noise = new Channel(3, store, () => undefined);
    for (let event = 0; event < 10; event += 1) noise.send(json('x'.repeat(100)));
    assert.deepEqual(discarded, ['unknown', 'known']);
  });

  it('reads no event ids but its own', () => {
    assert.deepEqual(readEventId('12-345'), { channel: 12, sequence: 345 });
    for (const text of ['', '1', '1-', '-1', '1-2-3', '1-a', ' 1-2', '1-9999999999999999']) {
      assert.equal(readEventId(text), undefined, text);
    }
  });
});

describe('a client that does not read', () => {
  it('stops the program when a megabyte waits, and lets it go on when that is taken, or the client is gone', () => {
    const flows: boolean[] = [];
    const flow = new Flow((isFlowing) => void flows.push(isFlowing));
    const slow = openStream(flow, new SlowSink());
    const message = json('x'.repeat(100_000));
    for (let index = 0; index < 10; index += 1) slow.stream.message(message, undefined);
    assert.deepEqual(flows, []);
    slow.stream.message(message, undefined);
    assert.deepEqual(flows, [false]);
    slow.sink.onDrain?.();
    assert.deepEqual(flows, [false, true]);
    for (let index = 0; index < 11; index += 1) slow.stream.message(message, undefined);
    slow.stream.release();
    assert.deepEqual(flows, [false, true, false, true]);
  });

  it('gets no sign of life on top, and stops nothing any more when the program has ended', () => {
    const flows: boolean[] = [];
    const flow = new Flow((isFlowing) => void flows.push(isFlowing));
    const slow = openStream(flow, new SlowSink());
    slow.stream.keepAlive();
    slow.stream.keepAlive();
    assert.deepEqual(slow.events(), [': keepalive']);
    flow.open();
    for (let index = 0; index < 20; index += 1) slow.stream.message(json('x'.repeat(100_000)), undefined);
    assert.deepEqual(flows, [true]);
  });
});

describe('a message', () => {
  it('is one event, whatever line ends stand in its JSON', () => {
    const { stream, sink } = openStream();
    stream.message(Buffer.from('{"a":\r1\n}'), '1-1');
    assert.equal(sink.text, 'event: message\nid: 1-1\ndata: {"a": 1 }\n\n');
  });
});
