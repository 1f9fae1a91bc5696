/** Ending an event stream between two events, wherever its bytes are cut into chunks. WHATWG HTML §9.2.6. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { acceptsEventStream, EventStream, isCoded, isEventStream } from '../../../src/proxy/event-stream.ts';
import type { BodySink } from '../../../src/wire/exchange.ts';

class Sink implements BodySink {
  onDrain: (() => void) | undefined;
  text = '';
  outcome = '';
  ready = true;

  write(chunk: Uint8Array): boolean {
    assert.equal(this.outcome, '', 'written after the end');
    this.text += Buffer.from(chunk).toString('latin1');
    return this.ready;
  }

  end(): void {
    assert.equal(this.outcome, '');
    this.outcome = 'end';
  }

  abort(failure: string): void {
    assert.equal(this.outcome, '');
    this.outcome = failure;
  }
}

function createStream(isCoded = false) {
  const sink = new Sink();
  const finished = { count: 0 };
  const source = {
    cancel(): void {
      finished.count += 1;
    },
  };
  const stream = new EventStream(sink, source, isCoded);
  const write = (text: string): boolean => stream.write(Buffer.from(text, 'latin1'));
  return { sink, stream, finished, write };
}

/** Where the stream may end, by the letter of §9.2.6: lines end with CR LF, LF or CR; an empty line ends an event. */
function boundaries(text: string): ReadonlySet<number> {
  const ends = new Set([0]);
  let lineIsEmpty = true;
  for (let at = 0; at < text.length; at += 1) {
    const isBreak = text[at] === '\n' || text[at] === '\r';
    if (!isBreak) {
      lineIsEmpty = false;
      continue;
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at += 1;
    if (lineIsEmpty) ends.add(at + 1);
    lineIsEmpty = true;
  }
  return ends;
}

const STREAMS: Readonly<Record<string, string>> = {
  LF: 'data: one\n\nid: 2\ndata: two\n\n: comment\n\ndata: three\n\n',
  'CR LF': 'data: one\r\n\r\nid: 2\r\ndata: two\r\n\r\n: comment\r\n\r\n',
  CR: 'data: one\r\rid: 2\rdata: two\r\r: comment\r\r',
  'mixed line ends': 'data: one\r\n\ndata: a\n\r\ndata: b\r\n\rdata: c\n\rdata: d\r\r\ne\n\n',
  'short lines': 'a\n\nb\n\nc\n\n\n\nd\n\n',
};

describe('EventStream: passing through', () => {
  it('changes nothing, and passes backpressure on', () => {
    const { sink, stream, write } = createStream();
    assert.equal(write('data: 1\n'), true);
    sink.ready = false;
    assert.equal(write('\nda'), false);
    const onDrain = (): void => undefined;
    stream.onDrain = onDrain;
    assert.equal(sink.onDrain, onDrain);
    assert.equal(stream.onDrain, onDrain);
    stream.end();
    assert.equal(sink.text, 'data: 1\n\nda');
    assert.equal(sink.outcome, 'end');
  });

  it('passes an abort on', () => {
    const { sink, stream, finished } = createStream();
    stream.abort('backend_closed');
    assert.equal(sink.outcome, 'backend_closed');
    stream.finish();
    assert.equal(finished.count, 0);
  });
});

describe('EventStream: finishing', () => {
  it('before the first byte ends at once', () => {
    const { sink, stream, finished } = createStream();
    stream.finish();
    assert.equal(sink.outcome, 'end');
    assert.equal(finished.count, 1);
  });

  it('ends once, whatever is called afterwards', () => {
    const { sink, stream, finished, write } = createStream();
    write('data: 1\n\n');
    stream.finish();
    stream.finish();
    assert.equal(write('data: 2\n\n'), true);
    stream.end();
    stream.abort('backend_closed');
    assert.equal(sink.text, 'data: 1\n\n');
    assert.equal(sink.outcome, 'end');
    assert.equal(finished.count, 1);
  });

  it('a backend that ends by itself meanwhile is the end', () => {
    const { sink, stream, finished, write } = createStream();
    write('data: 1');
    stream.finish();
    stream.end();
    assert.equal(sink.outcome, 'end');
    assert.equal(finished.count, 0);
  });

  it('a boundary in the past is no reason to cut the event that has begun', () => {
    const { sink, stream, write } = createStream();
    write('data: 1\n\nda');
    stream.finish();
    assert.equal(sink.outcome, '');
    write('ta: 2\n\ndata: 3\n\n');
    assert.equal(sink.text, 'data: 1\n\ndata: 2\n\n');
    assert.equal(sink.outcome, 'end');
  });

  for (const [name, text] of Object.entries(STREAMS)) {
    it(`${name}: ends at the next boundary, wherever it is asked and wherever the bytes are cut`, () => {
      const ends = boundaries(text);
      for (let asked = 0; asked <= text.length; asked += 1) {
        for (let cut = asked; cut <= text.length; cut += 1) {
          const { sink, stream, finished, write } = createStream();
          write(text.slice(0, asked));
          stream.finish();
          write(text.slice(asked, cut));
          for (const character of text.slice(cut)) write(character);
          const where = `asked at ${asked}, cut at ${cut}: ${JSON.stringify(sink.text)}`;
          assert.equal(sink.outcome, 'end', where);
          assert.equal(finished.count, 1, where);
          assert.ok(isAtBoundary(text, sink.text.length, ends), where);
          assert.ok(![...ends].some((end) => end >= asked && end < sink.text.length - 1), `not the next one, ${where}`);
        }
      }
    });
  }

  it('holds for any stream and any chunks', () => {
    const piece = fc.constantFrom('\r', '\n', '\r\n', 'a', 'data: x', ':');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }),
        fc.nat(60),
        (pieces, sizes, asked) => {
          const text = `${pieces.join('')}x\n\n`;
          const { sink, stream, write } = createStream();
          let at = 0;
          for (let index = 0; at < text.length; index += 1) {
            if (at >= asked) stream.finish();
            const size = sizes[index % sizes.length] ?? 1;
            write(text.slice(at, at + size));
            at += size;
          }
          stream.finish();
          assert.ok(text.startsWith(sink.text));
          assert.equal(sink.outcome, 'end');
          assert.ok(isAtBoundary(text, sink.text.length, boundaries(text)), JSON.stringify([text, sink.text]));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('EventStream with a Content-Encoding', () => {
  it('is cut at once where a plain one would end, for blank lines in coded bytes end no event', () => {
    for (const text of ['', 'gzip\n\n', 'gzip']) {
      const { sink, stream, finished, write } = createStream(true);
      write(text);
      stream.finish();
      assert.deepEqual([sink.text, sink.outcome, finished.count], [text, 'backend_closed', 1]);
      assert.equal(write('more'), true);
      stream.end();
      stream.finish();
      assert.deepEqual([sink.text, sink.outcome, finished.count], [text, 'backend_closed', 1]);
    }
  });

  it('passes through and ends with its backend as any other', () => {
    const { sink, stream, finished, write } = createStream(true);
    sink.ready = false;
    assert.equal(write('a\n\nb'), false);
    stream.end();
    stream.finish();
    assert.deepEqual([sink.text, sink.outcome, finished.count], ['a\n\nb', 'end', 0]);
  });
});

describe('RFC 9110 §8.4: isCoded', () => {
  const cases: readonly (readonly [fields: readonly string[], is: boolean])[] = [
    [['Content-Encoding', 'gzip'], true],
    [['content-encoding', 'Identity, BR'], true],
    [['Content-Encoding', 'identity', 'Content-Encoding', 'zstd'], true],
    [['Content-Encoding', 'identity'], false],
    [['Content-Encoding', ' , IDENTITY'], false],
    [['Content-Encoding', ''], false],
    [['Accept-Encoding', 'gzip'], false],
    [[], false],
  ];
  for (const [fields, is] of cases) {
    it(`${JSON.stringify(fields)} ${is ? 'is' : 'is not'}`, () => assert.equal(isCoded(fields), is));
  }
});

/** The LF of a CR LF may be missing: the CR alone has ended the event already. */
function isAtBoundary(text: string, length: number, ends: ReadonlySet<number>): boolean {
  return ends.has(length) || (text[length - 1] === '\r' && text[length] === '\n' && ends.has(length + 1));
}

describe('isEventStream', () => {
  const cases: readonly (readonly [fields: readonly string[], is: boolean])[] = [
    [['Content-Type', 'text/event-stream'], true],
    [['content-type', 'Text/Event-Stream; charset=utf-8'], true],
    [['X', 'y', 'CONTENT-TYPE', 'text/event-stream'], true],
    [['Content-Type', 'application/json'], false],
    [['Accept', 'text/event-stream'], false],
    [['Content-Type', 'application/json; was=text/event-stream'], false],
    [[], false],
  ];
  for (const [fields, is] of cases) {
    it(`${JSON.stringify(fields)} ${is ? 'is' : 'is not'} one`, () => assert.equal(isEventStream(fields), is));
  }
});

describe('RFC 9110 §12.5.1: Accept names the media type', () => {
  const accepts: Readonly<Record<string, boolean>> = {
    'text/event-stream': true,
    'application/json, text/event-stream': true,
    'Text/Event-Stream;q=0.5,*/*': true,
    'application/json,\ttext/event-stream ; q=1': true,
    '*/*': false,
    'text/event-streams': false,
    'x-text/event-stream': false,
    'application/json; profile="text/event-stream"': false,
    '': false,
  };
  for (const [value, expected] of Object.entries(accepts)) {
    it(`${JSON.stringify(value)}: ${expected}`, () => {
      assert.equal(acceptsEventStream(['Host', 'a', 'accept', value]), expected);
    });
  }

  it('in any of its field lines', () => {
    assert.equal(acceptsEventStream(['Accept', 'application/json', 'Accept', 'text/event-stream']), true);
    assert.equal(acceptsEventStream([]), false);
  });
});
