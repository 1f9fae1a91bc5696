/** Texts that two decoders read in two ways are not read at all. RFC 8259 §4, §6, §7, §8.1, §8.2; RFC 7493 §2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseStrictJson } from '../../../src/mcp/strict-json.ts';

const parse = (text: string | Uint8Array) => parseStrictJson(Buffer.from(text));
const detailOf = (text: string | Uint8Array) => {
  const read = parse(text);
  return 'detail' in read ? read.detail : undefined;
};

const nested = (levels: number, open: string, close: string) => `${open.repeat(levels)}1${close.repeat(levels)}`;

const REFUSED: Readonly<Record<string, readonly (readonly [string, string | Uint8Array])[]>> = {
  'not JSON in UTF-8': [
    ['nothing', ''],
    ['white space', ' \n'],
    ['a cut object', '{"a":1'],
    ['a cut string', '{"a":"b'],
    ['a cut escape', '"\\u00'],
    ['two objects', '{}{}'],
    ['an object and a word', '{} x'],
    ['an object and NUL', '{}\0'],
    ['two objects on two lines', '{}\n{}'],
    ['a final comma in an object', '{"a":1,}'],
    ['a final comma in an array', '[1,]'],
    ['single quotes', "{'a':1}"],
    ['a bare name', '{a:1}'],
    ['a comment', '{"a":1/**/}'],
    ['a comment of one line', '{}//'],
    ['NaN', '[NaN]'],
    ['Infinity', '[-Infinity]'],
    ['a hexadecimal number', '[0x10]'],
    ['a leading zero', '[01]'],
    ['a leading plus', '[+1]'],
    ['a leading point', '[.5]'],
    ['a final point', '[1.]'],
    ['a number without exponent', '[1e]'],
    ['a tab in a string', '["\t"]'],
    ['a line end in a string', '["\n"]'],
    ['an unknown escape', '["\\x41"]'],
    ['an escape of half a digit', '["\\u00g0"]'],
    ['a word in capitals', '[TRUE]'],
    ['two colons', '{"a"::1}'],
    ['a form feed between tokens', '[1,\f2]'],
    ['a no-break space between tokens', '[1,\u00a02]'],
    ['a byte order mark', '\ufeff{}'],
    ['UTF-16, little-endian', Buffer.from('{"a":1}', 'utf16le')],
    ['UTF-16 with its mark', Buffer.from('\ufeff{"a":1}', 'utf16le')],
    ['UTF-16, big-endian', Buffer.from('{"a":1}', 'utf16le').swap16()],
    ['UTF-7 in a string is ASCII, in a structure it is not', '+AHsAfQ-'],
    ['a lone continuation byte', Buffer.from([0x22, 0x80, 0x22])],
    ['an overlong solidus', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['an overlong NUL', Buffer.from([0x22, 0xc0, 0x80, 0x22])],
    ['a truncated sequence', Buffer.from([0x22, 0xe2, 0x82, 0x22])],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a pair of surrogates in UTF-8 (CESU-8)', Buffer.from([0x22, 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80, 0x22])],
    ['beyond U+10FFFF', Buffer.from([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22])],
    ['a byte that UTF-8 never has', Buffer.from([0x22, 0xff, 0x22])],
    ['latin1', Buffer.from('["é"]', 'latin1')],
  ],
  'a member name twice in one object': [
    ['twice the same', '{"a":1,"a":1}'],
    ['others between', '{"a":1,"b":2,"a":3}'],
    ['the second escaped', '{"method":1,"\\u006dethod":2}'],
    ['the first escaped', '{"\\u006d\\u0065thod":1,"method":2}'],
    ['escaped in two cases', '{"\\u00e9x":1,"\\u00E9x":2}'],
    ['escaped and plain beyond ASCII', '{"éx":1,"\\u00e9x":2}'],
    ['a pair of surrogates and its character', '{"\\ud83d\\ude00":1,"😀":2}'],
    ['a solidus escaped', '{"a/b":1,"a\\/b":2}'],
    ['in an object within', '{"a":{"b":1,"b":2}}'],
    ['in an object within an array', '[[{"b":1,"b":2}]]'],
    ['lost under a second name', '{"a":{"b":1,"c":2},"a":{"b":1,"c":2}}'],
    ['lost under a shorter value', '{"a":{"b":1},"a":2}'],
    ['empty names', '{"":1,"":2}'],
    ['__proto__', '{"__proto__":1,"__proto__":2}'],
    ['constructor', '{"constructor":1,"constructor":2}'],
    ['integer names', '{"1":1,"1":2}'],
    ['names with quotes and colons', '{"\\":":1,"\\":":2}'],
    ['at the 64th level', `${'['.repeat(63)}{"a":1,"a":2}${']'.repeat(63)}`],
  ],
  'nested more than 64 levels deep': [
    ['65 arrays', nested(65, '[', ']')],
    ['65 objects', nested(65, '{"a":', '}')],
    ['a million arrays', '['.repeat(1_000_000)],
    ['a million objects', '{"a":'.repeat(1_000_000)],
    ['behind something shallow', `[1,{"b":2},${nested(64, '[', ']')}]`],
  ],
  'a lone surrogate': [
    ['a high one', '["\\ud800"]'],
    ['a high one in capitals', '["\\uD800"]'],
    ['a low one', '["\\udc00"]'],
    ['two in the wrong order', '["\\ude00\\ud83d"]'],
    ['two high ones', '["\\ud83d\\ud83d"]'],
    ['a high one and the other as a letter', '["\\ud83dx"]'],
    ['one behind a pair', '["\\ud83d\\ude00\\ud83d"]'],
    ['in a name', '{"a\\ud800":1}'],
    ['in a value of an object', '{"a":{"b":"\\udfff"}}'],
  ],
  'a number out of range': [
    ['1e999', '[1e999]'],
    ['-1e999', '{"a":-1e999}'],
    ['1e309', '[1e309]'],
    ['four hundred digits', `[${'9'.repeat(400)}]`],
    ['a million digits', `[${'9'.repeat(1_000_000)}]`],
  ],
  'an integer that cannot be read exactly': [
    ['2^53 + 1', '[9007199254740993]'],
    ['-2^53 - 1', '[-9007199254740993]'],
    ['2^63 - 1', '{"id":9223372036854775807}'],
    ['2^64 - 1', '[18446744073709551615]'],
    ['2^60, which a double holds and is written otherwise', '[1152921504606846976]'],
    ['10^21, which is written with an exponent', '[1000000000000000000000]'],
    ['a nanosecond of today', '[1796036400123456789]'],
    ['behind others that can', '[9007199254740992,1e300,"9007199254740993",true,false,9007199254740993]'],
    ['behind a long fraction', `[9007199254740993,0.${'1'.repeat(1_000_000)}]`],
    ['as the whole text', '9007199254740993'],
  ],
  'a member called "\\"': [
    ['the name', '{"\\\\":1}'],
    ['escaped', '{"\\u005c":1}'],
    ['within', '[{"a":{"\\\\":1}}]'],
  ],
};

const ACCEPTED: readonly (readonly [string, string, unknown])[] = [
  ['an object', '{"a":1}', { a: 1 }],
  ['white space', ' {\r\n\t"a" : [ 1 , 2 ] } ', { a: [1, 2] }],
  ['an array', '[1,"a",null,true,false]', [1, 'a', null, true, false]],
  ['a scalar', '"a"', 'a'],
  ['null', 'null', null],
  ['names in two cases', '{"a":1,"A":2}', { a: 1, A: 2 }],
  [
    'equal names in two objects',
    '{"a":{"b":1},"c":[{"b":1},{"b":{"b":2}}],"b":3}',
    { a: { b: 1 }, c: [{ b: 1 }, { b: { b: 2 } }], b: 3 },
  ],
  ['colons and braces in strings', '{"a":"\\":{[,\\"b\\":1","c{":"]}"}', { a: '":{[,"b":1', 'c{': ']}' }],
  ['a name of two backslashes', '{"\\\\\\\\":1}', { '\\\\': 1 }],
  ['a backslash at the end of a string', '["a\\\\","b"]', ['a\\', 'b']],
  ['64 arrays', nested(64, '[', ']'), undefined],
  ['64 objects', nested(64, '{"a":', '}'), undefined],
  ['brackets in strings', `["${'['.repeat(100)}"]`, ['['.repeat(100)]],
  ['2^53 - 1', '[9007199254740991,-9007199254740991]', [9007199254740991, -9007199254740991]],
  ['2^53', '[9007199254740992]', [9007199254740992]],
  ['nanoseconds that a double holds', '[1732900000000000000]', [1732900000000000000]],
  ['a large number that is no integer literal', '[1e300,1.5e10]', [1e300, 1.5e10]],
  ['more digits than a double has', '[0.12345678901234567890]', [0.12345678901234568]],
  ['a number that vanishes', '[1e-999]', [0]],
  ['digits in a string', '["9007199254740993"]', ['9007199254740993']],
  ['a pair of surrogates', '["\\ud83d\\ude00"]', ['😀']],
  ['NUL in a string', '["a\\u0000b"]', ['a\0b']],
  ['U+FEFF in a string', '["\ufeff"]', ['\ufeff']],
  ['line separators in a string', '["\u2028\u2029"]', ['\u2028\u2029']],
  ['DEL in a string', '["\u007f"]', ['\u007f']],
];

for (const [detail, cases] of Object.entries(REFUSED)) {
  describe(`RFC 8259: ${detail}`, () => {
    for (const [name, text] of cases) it(`refuses ${name}`, () => assert.equal(detailOf(text), detail));
  });
}

describe('RFC 8259: what everybody reads the same way', () => {
  for (const [name, text, value] of ACCEPTED) {
    it(`reads ${name}`, () => assert.deepEqual(parse(text), { value: value ?? JSON.parse(text) }));
  }

  it('reads __proto__ as a member like any other (CVE-2026-21710)', () => {
    const read = parse('{"__proto__":{"polluted":true},"a":1}');
    assert.ok('value' in read && typeof read.value === 'object' && read.value !== null);
    assert.deepEqual(Object.keys(read.value), ['__proto__', 'a']);
    assert.equal(Object.getPrototypeOf(read.value), Object.prototype);
  });

  it('reads a view into a larger buffer', () => {
    const bytes = Buffer.from('xx[9007199254740992]yy');
    assert.deepEqual(parseStrictJson(bytes.subarray(2, -2)), { value: [9007199254740992] });
    const other = Buffer.from('99[9007199254740993]99');
    assert.ok('detail' in parseStrictJson(other.subarray(2, -2)));
  });
});
