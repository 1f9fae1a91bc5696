/** Pointers into JSON documents. RFC 6901 §3, §4, §5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJsonPointer, readJsonPointer } from '../../src/lib/json-pointer.ts';

/** The document of §5. */
const DOCUMENT: unknown = JSON.parse(String.raw`{
  "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8,
  "__proto__": { "polluted": 9 }
}`);

const at = (text: string): unknown => {
  const pointer = parseJsonPointer(text);
  assert.ok(pointer !== undefined, text);
  return readJsonPointer(DOCUMENT, pointer);
};

describe('RFC 6901 §5', () => {
  const examples: readonly [string, unknown][] = [
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    [String.raw`/i\j`, 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ];
  for (const [pointer, value] of examples) it(`finds ${pointer}`, () => assert.deepEqual(at(pointer), value));
});

describe('RFC 6901 §4', () => {
  it('decodes ~01 to ~1, not to a slash', () => assert.deepEqual(parseJsonPointer('/a~01b'), ['a~1b']));

  for (const pointer of ['/foo/2', '/foo/00', '/foo/-', '/foo/length', '/foo/1e0', '/foo/0/0', '/nothing', '/ /0']) {
    it(`finds nothing at ${pointer}`, () => assert.equal(at(pointer), undefined));
  }

  it('finds own members only, of which __proto__ can be one', () => {
    for (const pointer of [
      '/constructor',
      '/toString',
      '/foo/constructor',
      '/constructor/name',
      '/__proto__/toString',
    ]) {
      assert.equal(at(pointer), undefined, pointer);
    }
    assert.equal(at('/__proto__/polluted'), 9);
  });
});

describe('RFC 6901 §3', () => {
  for (const text of ['', '/a~', '/a~2b', '/~/b']) {
    it(`is no pointer: ${JSON.stringify(text)}`, () => assert.equal(parseJsonPointer(text), undefined));
  }
});

describe('a text that does not begin with a slash', () => {
  it('is the name of a member, whatever stands in it', () => {
    for (const name of ['scope', 'a/b', 'm~n', 'https://example.com/roles', 'urn:zitadel:iam:org:project:1:roles']) {
      assert.deepEqual(parseJsonPointer(name), [name]);
    }
    assert.deepEqual([at('a/b'), at('m~n')], [1, 8]);
  });
});
