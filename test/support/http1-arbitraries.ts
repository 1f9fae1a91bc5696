/** Random HTTP/1.1 byte streams for property tests: mostly well-formed messages, with faults of the kinds seen in attacks. */
import fc from 'fast-check';

/** How many cases a property runs; `FUZZ_RUNS` raises it for `make fuzz`. */
export const FUZZ_RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);
export const FUZZ_SEED = Number(process.env['FUZZ_SEED'] ?? 9112);
/** A long run, which says what it did. */
export const IS_FUZZING = FUZZ_RUNS > 10_000;
const BATCH = 5_000;

/** Checks a property in batches of one seed each, between which the event loop gets to what the cases have left to it. */
export async function assertAlways<T>(property: fc.IProperty<T>): Promise<void> {
  for (let done = 0; done < FUZZ_RUNS; done += BATCH) {
    fc.assert(property, { seed: FUZZ_SEED + done / BATCH, numRuns: Math.min(BATCH, FUZZ_RUNS - done) });
    await new Promise(setImmediate);
  }
}

const often = <T>(usual: readonly T[], odd: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });

const method = often(['GET', 'POST', 'OPTIONS', 'DELETE', 'M-SEARCH'], ['get', 'G T', '', 'G\x01', 'CONNECT']);
const target = often(
  ['/', '/mcp', '/a/../b', '//x', '/?a=b&c', '/%2e%2E', 'http://a/x', 'HTTPS://A?y'],
  ['*', '/#', '/ x', '/\x7f', '/\xe4', '/%z', 'http://b/', 'x', '/\\', '/"<>', 'a:1'],
);
const version = often(['HTTP/1.1'], ['HTTP/1.0', 'HTTP/1.2', 'http/1.1', 'HTTP/2.0', 'HTTP/1.1 ', '']);
const lineEnd = fc.oneof(
  { weight: 60, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n', '\n\r') },
);
const host = often(
  ['Host: a', 'host:a', 'HOST: a \t'],
  ['Host: a\r\nHost: a', 'Host: b', 'Host:', 'Host: a/b', 'Host : a', 'X: y'],
);
const field = often(
  [
    'X: y',
    'Accept: */*',
    'x:',
    'Empty: ',
    'B:\t1 2 \t',
    'Cookie: a=\xe4',
    'Mcp-Session-Id: 1',
    'Connection: keep-alive',
    'Keep-Alive: x',
    'Upgrade: h2c',
    'Expect: 100-continue',
    '__proto__: z',
  ],
  [
    'X : y',
    ' X: y',
    'X: a\0b',
    'X',
    ': y',
    'X: a\x01',
    'X\xe4: y',
    'Connection: close',
    'Content_Length: 3',
    'Transfer.Encoding: chunked',
    'Connection: @',
    '\tfold',
  ],
);
const chunk = often(
  ['1\r\nx\r\n', '3\r\nabc\r\n', '00A\r\n0123456789\r\n', '2;e=f\r\n\r\n\r\n', '1;a="b"\r\ny\r\n'],
  [
    '-1\r\n',
    '+1\r\nx\r\n',
    '0x1\r\nx\r\n',
    '2\r\nx\r\n',
    '1\nx\r\n',
    '1\r\nx\n',
    '1;\r\nx\r\n',
    '1 ;a\r\nx\r\n',
    'fffffffffffffffff\r\n',
    '1 \r\nx\r\n',
  ],
);
const lastChunk = often(
  ['0\r\n\r\n', '000;x\r\n\r\n', '0\r\nT: u\r\n\r\n'],
  ['0\r\n', '0\n\n', '0\r\nT\r\n\r\n', '0\r\n X: y\r\n\r\n', ''],
);

/** Framing fields with the body that they promise, or not. */
const framed = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ fields: [], body: '' }) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('', 'x', 'hello', 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n')
      .map((body) => ({ fields: [`Content-Length: ${body.length}`], body })),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.array(chunk, { maxLength: 3 }), lastChunk)
      .map(([chunks, last]) => ({ fields: ['Transfer-Encoding: chunked'], body: chunks.join('') + last })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.subarray(
          [
            'Content-Length: 3',
            'Content-Length: 4',
            'content-length:3',
            'Transfer-Encoding: chunked',
            'Transfer-Encoding: gzip, chunked',
            'Transfer-Encoding: ,chunked',
            'Content-Length: +3',
            'Content-Length: 3, 3',
            'transfer-encoding: identity',
          ],
          { minLength: 1, maxLength: 3 },
        ),
        fc.constantFrom('3\r\nabc\r\n0\r\n\r\n', 'abc', 'abcd'),
      )
      .map(([fields, body]) => ({ fields, body })),
  },
);

const request = fc
  .tuple(method, target, version, host, fc.array(field, { maxLength: 5 }), framed, lineEnd, lineEnd)
  .map(([verb, uri, http, hostField, fields, framing, firstEnd, headEnd]) =>
    [
      `${verb} ${uri} ${http}${firstEnd}`,
      ...[hostField, ...fields, ...framing.fields].map((line) => `${line}\r\n`),
      headEnd,
      framing.body,
    ].join(''),
  );

/** A fault anywhere: a byte replaced, taken out, doubled or put in. */
const fault = fc.tuple(
  fc.nat(),
  fc.constantFrom('replace', 'remove', 'double', 'insert'),
  fc.constantFrom('\r', '\n', '\0', ' ', '\t', ':', '0', ',', ';', '\x7f', '\xff', '_', '-', 'a'),
);

const faults = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fault, { minLength: 1, maxLength: 2 }) },
);

function spoil(text: string, all: readonly (readonly [position: number, kind: string, byte: string])[]): string {
  let spoilt = text;
  for (const [position, kind, byte] of all) {
    const at = position % spoilt.length;
    const there = spoilt.charAt(at);
    const replacement =
      kind === 'remove' ? '' : kind === 'double' ? there + there : kind === 'insert' ? byte + there : byte;
    spoilt = spoilt.slice(0, at) + replacement + spoilt.slice(at + 1);
  }
  return spoilt;
}

/** One to three requests on one connection, as latin1, with up to two faults. */
export const requestStream: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('', '', '', '', '\r\n', '\r\n\r\n'), fc.array(request, { minLength: 1, maxLength: 3 }), faults)
  .map(([start, requests, all]) => spoil(start + requests.join(''), all));

const statusLine = often(
  [
    'HTTP/1.1 200 OK',
    'HTTP/1.1 404 ',
    'HTTP/1.1 299 \xe4',
    'HTTP/1.0 200 OK',
    'HTTP/1.1 204 No Content',
    'HTTP/1.1 304 x',
  ],
  [
    'HTTP/1.1 200',
    'HTTP/2 200 OK',
    'HTTP/1.1 099 x',
    'HTTP/1.1 101 Switching Protocols',
    'HTTP/1.1 600 x',
    'SSH-2.0-x',
  ],
);
const interim = often(
  ['', '', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'],
  ['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 1'],
);

/** A backend's answer, as latin1: interim responses, head, body and what may follow it, with up to two faults. */
export const responseStream: fc.Arbitrary<string> = fc
  .tuple(
    fc.tuple(interim, statusLine),
    fc.array(field, { maxLength: 4 }),
    framed,
    often([''], ['HTTP/1.1 200 OK\r\n\r\n']),
    faults,
  )
  .map(([[early, line], fields, framing, behind, all]) => {
    const lines = [line, ...fields, ...framing.fields].map((each) => `${each}\r\n`).join('');
    return spoil(`${early}${lines}\r\n${framing.body}${behind}`, all);
  });
