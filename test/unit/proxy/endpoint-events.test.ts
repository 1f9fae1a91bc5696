/** Endpoint events in a stream, however its bytes are cut: translated or never complete; everything else byte for byte. WHATWG HTML §9.2.6. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EndpointEvents } from '../../../src/proxy/endpoint-events.ts';
import type { BodySink } from '../../../src/wire/exchange.ts';

const MARK = '\ufeff';

function createSink() {
  const chunks: Buffer[] = [];
  let over = '';
  const sink: BodySink = {
    write: (chunk) => {
      assert.equal(over, '', 'written after the end');
      chunks.push(Buffer.from(chunk));
      return false;
    },
    end: () => void (over += 'end'),
    abort: () => void (over += 'abort'),
    onDrain: undefined,
  };
  return { sink, text: () => Buffer.concat(chunks).toString(), over: () => over };
}

/** What comes out of chunks, and the fault if there was one. */
function pass(chunks: readonly Uint8Array[], isEnded = true) {
  const { sink, text, over } = createSink();
  let fault: string | undefined;
  const events = new EndpointEvents({
    sink,
    translate: (reference) => (reference.startsWith('/') ? { reference: `/crm${reference}` } : { fault: 'elsewhere' }),
    onFault: (found) => {
      assert.equal(fault, undefined, 'told once');
      fault = found;
    },
  });
  for (const chunk of chunks) events.write(chunk);
  if (isEnded) events.end();
  return { text: text(), fault, over: over() };
}

/** The same whatever the chunks. */
function passAnyhow(stream: string, isEnded = true) {
  const bytes = Buffer.from(stream);
  const whole = pass([bytes], isEnded);
  for (let cut = 1; cut < bytes.length; cut += 1) {
    const halves = pass([bytes.subarray(0, cut), bytes.subarray(cut)], isEnded);
    assert.deepEqual({ ...halves, text: '' }, { ...whole, text: '' }, `cut at ${cut}`);
    if (whole.fault === undefined) assert.equal(halves.text, whole.text, `cut at ${cut}`);
  }
  const single = pass(
    [...bytes].map((byte) => Uint8Array.of(byte)),
    isEnded,
  );
  assert.equal(single.fault, whole.fault);
  if (whole.fault === undefined) assert.equal(single.text, whole.text);
  return { ...whole, single: single.text };
}

describe('EndpointEvents', () => {
  const translated: Readonly<Record<string, readonly [sent: string, received: string]>> = {
    'an endpoint event': ['event: endpoint\ndata: /m?a=b\n\n', 'event: endpoint\ndata: /crm/m?a=b\n\n'],
    'with CR LF': ['event: endpoint\r\ndata: /m\r\n\r\n', 'event: endpoint\r\ndata: /crm/m\r\n\r\n'],
    'with CR': ['event: endpoint\rdata: /m\r\r', 'event: endpoint\rdata: /crm/m\r\r'],
    'without spaces': ['event:endpoint\ndata:/m\n\n', 'event:endpoint\ndata:/crm/m\n\n'],
    'behind a byte order mark': [`${MARK}event: endpoint\ndata: /m\n\n`, `${MARK}event: endpoint\ndata: /crm/m\n\n`],
    'with other fields between': [
      'event: endpoint\nid: 1\n: ping\nretry: 5\ndatax: /x\nevents: x\ndata: /m\n\n',
      'event: endpoint\nid: 1\n: ping\nretry: 5\ndatax: /x\nevents: x\ndata: /crm/m\n\n',
    ],
    'behind other events, and again': [
      ': hi\n\nevent: message\ndata: /a\n\nevent: endpoint\ndata: /m\n\ndata: /b\n\nevent: endpoint\ndata: /m\n\n',
      ': hi\n\nevent: message\ndata: /a\n\nevent: endpoint\ndata: /crm/m\n\ndata: /b\n\nevent: endpoint\ndata: /crm/m\n\n',
    ],
    'with its name written twice': [
      'event: message\nevent: endpoint\ndata: /m\n\n',
      'event: message\nevent: endpoint\ndata: /crm/m\n\n',
    ],
    'beyond ASCII': ['event: endpoint\ndata: /m?\u00e4\u20ac\n\n', 'event: endpoint\ndata: /crm/m?\u00e4\u20ac\n\n'],
  };
  for (const [title, [sent, received]] of Object.entries(translated))
    it(`translates ${title}`, () => {
      const { text, fault, over } = passAnyhow(sent);
      assert.deepEqual({ text, fault, over }, { text: received, fault: undefined, over: 'end' });
    });

  const untouched: Readonly<Record<string, string>> = {
    'other events': 'event: message\ndata: /a\ndata: /b\n\ndata: {"event: endpoint":1}\n\n',
    'an event whose name became another': 'event: endpoint\nevent: message\ndata: /m\n\n',
    'an event whose name was taken back': 'event: endpoint\nevent\ndata: /m\n\n',
    'names that are not quite it':
      'event: endpoint2\ndata: /m\n\nevent:  endpoint\ndata: /m\n\nEvent: endpoint\ndata: /m\n\n',
    'a name in the data': 'data: event: endpoint\ndata: /m\n\n',
    'a name that an earlier event had': 'event: endpoint\n\ndata: /m\n\n',
    'a mark that is not at the beginning': `\n${MARK}event: endpoint\ndata: /m\n\n`,
    'bytes that are no text': '\x00\x01\n\ndata\n\n',
    'what has no line end': 'data: abc',
    'half a name': 'event: endp',
  };
  for (const [title, stream] of Object.entries(untouched))
    it(`leaves ${title} as they are`, () => {
      const { text, fault, over } = passAnyhow(stream);
      assert.deepEqual({ text, fault, over }, { text: stream, fault: undefined, over: 'end' });
    });

  const faults: Readonly<Record<string, readonly [fault: string, stream: string]>> = {
    'another origin': ['elsewhere', 'event: endpoint\ndata: https://evil.example/m\n\n'],
    'another origin behind an event that was fine': [
      'elsewhere',
      'event: endpoint\ndata: /m\n\nevent: endpoint\ndata: https://evil.example/m\n\n',
    ],
    'another origin behind CR': ['elsewhere', 'event: endpoint\rdata: https://evil.example/m\r\r'],
    'two lines, which a URL parser joins': ['not_one_line', 'event: endpoint\ndata: /\ndata: /evil.example/m\n\n'],
    'data before the name': ['not_one_line', 'data: https://evil.example/m\nevent: endpoint\n\n'],
    'a line without end': ['too_long', `event: endpoint\ndata: /${'x'.repeat(8200)}`],
    'a line that is too long': ['too_long', `event: endpoint\ndata: /${'x'.repeat(8200)}\n\n`],
  };
  for (const [title, [fault, stream]] of Object.entries(faults))
    it(`ends the stream at ${title}`, () => {
      const outcome = stream.length > 1000 ? { ...pass([Buffer.from(stream)]), single: '' } : passAnyhow(stream);
      assert.deepEqual([outcome.fault, outcome.over], [fault, '']);
      for (const text of [outcome.text, outcome.single]) {
        // The event is not complete, whatever of it has gone on.
        const last = text.split(/\n\n|\r\r/).at(-1) ?? '';
        const isNamed = last.includes('event: endpoint');
        assert.ok(!text.endsWith('evil.example/m\n\n') && (!isNamed || !last.includes('evil')), text);
      }
    });

  it('holds back no more than the line that may matter', () => {
    assert.equal(pass([Buffer.from('data: {"a":')], false).text, 'data: {"a":');
    assert.equal(pass([Buffer.from('event: message\nda')], false).text, 'event: message\n');
    assert.equal(pass([Buffer.from('event: endpoint\ndata: /m')], false).text, 'event: endpoint\n');
    assert.equal(pass([Buffer.from('event: endpoint\ndata: /m')]).text, 'event: endpoint\n');
  });

  it('passes on back pressure, and an end that is none', () => {
    const { sink, over } = createSink();
    const events = new EndpointEvents({ sink, translate: () => ({ fault: 'outside' }), onFault: () => undefined });
    const listener = (): void => undefined;
    events.onDrain = listener;
    assert.equal(sink.onDrain, listener);
    assert.equal(events.write(Buffer.from('data: 1\n')), false);
    events.abort('backend_closed');
    events.end();
    assert.equal(over(), 'abort');
  });
});
