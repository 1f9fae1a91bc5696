/** JSON as tokens and keys must be written. RFC 8259 §4, §8; RFC 7515 §4, RFC 7519 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJsonObject } from '../../src/oauth/strict-json.ts';

const parse = (text: string) => parseJsonObject(Buffer.from(text));

/** `levels` objects or arrays, one inside the other, the outermost an object. */
const nested = (levels: number, open: string, close: string) =>
  `{"a":${open.repeat(levels - 1)}1${close.repeat(levels - 1)}}`;

describe('RFC 8259 §4', () => {
  const duplicates: readonly [string, string][] = [
    ['twice the same', '{"iss":"a","iss":"a"}'],
    ['different values', '{"iss":"a","sub":"b","iss":"c"}'],
    ['one of them escaped', '{"iss":"a","\\u0069ss":"b"}'],
    ['inside an object', '{"cnf":{"jkt":"a","jkt":"b"}}'],
    ['inside an array', '{"a":[{"b":1},{"c":1,"c":2}]}'],
    ['an object lost under the second one', '{"a":{"b":1,"c":2},"a":{"b":1,"c":2}}'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}'],
    ['empty names', '{"":1,"":2}'],
    ['names with quotes and colons', '{"\\":":1,"\\":":2}'],
    ['integer names', '{"1":1,"1":2}'],
  ];
  for (const [name, text] of duplicates) {
    it(`refuses duplicate members: ${name}`, () => assert.equal(parse(text), undefined));
  }

  it('lets equal names stand in different objects', () => {
    assert.deepEqual(
      { ...parse('{"a":{"b":1},"c":[{"b":1},{"b":{"b":2}}],"b":3}') },
      {
        a: { b: 1 },
        c: [{ b: 1 }, { b: { b: 2 } }],
        b: 3,
      },
    );
  });

  it('is not confused by colons, braces, quotes and backslashes in strings', () => {
    const text = String.raw`{"a":"\":{[,\"b\":1","c\\":"\\","{":"]}"}`;
    assert.deepEqual({ ...parse(text) }, { a: '":{[,"b":1', 'c\\': '\\', '{': ']}' });
  });

  it('refuses a name that V8 misreads, once it has seen a backslash (nodejs/node#63785), rather than hand it on', () => {
    assert.equal(parse(String.raw`{"h":[],"\\":0}`), undefined);
    for (const text of [String.raw`{"h":1,"\"":2}`, String.raw`{"h":1,"\u0022":2}`]) {
      const object = parse(text);
      if (object !== undefined) assert.deepEqual({ ...object }, { h: 1, '"': 2 });
    }
    assert.equal(parse(String.raw`{"h":1,"\u0061":2,"a":3}`), undefined);
  });

  it('keeps __proto__ and constructor as mere members (CVE-2026-21710)', () => {
    const object = parse('{"__proto__":{"polluted":true},"constructor":1}') ?? {};
    assert.deepEqual(Object.keys(object), ['__proto__', 'constructor']);
    assert.equal(object['polluted'], undefined);
    assert.equal(Object.getPrototypeOf(object), null);
    assert.equal(parse('{}')?.['toString'], undefined);
  });

  for (const text of [
    '',
    ' ',
    'null',
    'true',
    '1',
    '"a"',
    '[]',
    '[{}]',
    '{',
    '{}{}',
    '{} x',
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
  ]) {
    it(`refuses ${JSON.stringify(text)}: not one object`, () => assert.equal(parse(text), undefined));
  }
  for (const text of ['{"a":NaN}', '{"a":01}', '{"a":"\t"}', '{"a":/**/1}', '{"a":"\\x41"}', '{"a"::1}', '{"a":"b']) {
    it(`refuses ${JSON.stringify(text)}: not JSON`, () => assert.equal(parse(text), undefined));
  }

  it('accepts whitespace between tokens', () => assert.deepEqual({ ...parse(' {\r\n\t"a" : 1 } ') }, { a: 1 }));

  it('bounds the depth at 32, the object itself included', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      assert.notEqual(parse(nested(32, open, close)), undefined);
      assert.equal(parse(nested(33, open, close)), undefined);
      assert.equal(parse(nested(5000, open, close)), undefined);
    }
  });
});

describe('RFC 8259 §8', () => {
  const notUtf8: readonly [string, readonly number[]][] = [
    ['a lone continuation byte', [0x80]],
    ['an overlong encoding', [0xc0, 0xaf]],
    ['a truncated sequence', [0xe2, 0x82]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a byte that UTF-8 never has', [0xff]],
    ['latin1', [0xe9]],
  ];
  for (const [name, bytes] of notUtf8) {
    it(`refuses ${name}`, () => {
      assert.equal(parseJsonObject(Buffer.from([...Buffer.from('{"a":"'), ...bytes, ...Buffer.from('"}')])), undefined);
    });
  }

  it('refuses a byte order mark', () => assert.equal(parse('\ufeff{}'), undefined));
  it('refuses UTF-16', () => assert.equal(parseJsonObject(Buffer.from('{"a":1}', 'utf16le')), undefined));

  it('leaves an escaped lone surrogate to be found (§8.2)', () => {
    const value = parse('{"a":"\\ud800"}')?.['a'];
    assert.equal(value, '\ud800');
  });

  it('reads a view into a larger buffer', () => {
    const bytes = Buffer.from('xx{"a":"é"}yy');
    assert.deepEqual({ ...parseJsonObject(bytes.subarray(2, bytes.length - 2)) }, { a: 'é' });
  });
});
