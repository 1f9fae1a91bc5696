/** Members found and replaced in the bytes of JSON, all others as they were. RFC 8259. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { findSpan, inOneLine, replaceSpans, splitArray } from '../../../src/programs/json-span.ts';
import { isRecord } from '../../support/json.ts';

function found(json: string, ...path: readonly string[]): string | undefined {
  const bytes = Buffer.from(json);
  const span = findSpan(bytes, path);
  return span && bytes.toString('utf8', span.start, span.end);
}

describe('findSpan', () => {
  for (const [json, path, value] of [
    ['{"id":1}', ['id'], '1'],
    ['{"id":1,"a":2}', ['id'], '1'],
    ['{ "id" : 1 }', ['id'], '1'],
    ['\r\n{\t"a":[{"id":9}],"b":"}\\"",\n"id":\n"x" }', ['id'], '"x"'],
    ['{"\\u0069d":true}', ['id'], 'true'],
    ['{"id":1,"id":{"a":2}}', ['id'], '{"a":2}'],
    ['{"idx":1}', ['id'], undefined],
    ['{"a":{"id":1}}', ['id'], undefined],
    ['{"a":{"id":1}}', ['a', 'id'], '1'],
    ['{"a":[{"id":1}]}', ['a', 'id'], undefined],
    ['{"a":"id"}', ['a', 'id'], undefined],
    ['{"é":"\\\\","id":-1.5e3}', ['id'], '-1.5e3'],
    ['{"é":[]}', ['é'], '[]'],
    ['{}', ['id'], undefined],
    ['[]', ['id'], undefined],
    ['1', ['id'], undefined],
  ] as const) {
    it(`${path.join('.')} in ${JSON.stringify(json)}`, () => assert.equal(found(json, ...path), value));
  }

  it('finds what JSON.parse finds, however the text is spaced', () => {
    const spaced = fc.tuple(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 })),
      fc.constantFrom(undefined, 1, '\t', ' \n'),
    );
    fc.assert(
      fc.property(spaced, ([object, space]) => {
        const json = JSON.stringify(object, undefined, space);
        for (const [name, value] of Object.entries(object)) {
          const text = found(json, name);
          assert.deepEqual(JSON.parse(text ?? ''), JSON.parse(JSON.stringify(value)));
        }
      }),
    );
  });
});

describe('replaceSpans', () => {
  it('changes what it is told to, and no other byte', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 2 }), (id, other) => {
        const json = Buffer.from(`{ "x":${JSON.stringify(other)} ,"id": ${JSON.stringify(id)},"y":1.0}`);
        const span = findSpan(json, ['id']);
        assert.ok(span !== undefined);
        const replaced = replaceSpans(json, [{ span, json: '7' }]).toString();
        assert.equal(replaced, `{ "x":${JSON.stringify(other)} ,"id": 7,"y":1.0}`);
      }),
    );
  });

  it('takes several in any order', () => {
    const json = Buffer.from('{"a":1,"b":2}');
    const spans = ['b', 'a'].flatMap((name) => {
      const span = findSpan(json, [name]);
      return span === undefined ? [] : [{ span, json: `"${name}"` }];
    });
    assert.equal(replaceSpans(json, spans).toString(), '{"a":"a","b":"b"}');
  });
});

describe('splitArray', () => {
  it('gives back each element as it is written', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 2 })), fc.constantFrom('', ' ', '\n\t'), (values, space) => {
        const elements = values.map((value) => JSON.stringify(value));
        const json = Buffer.from(`${space}[${elements.map((each) => space + each + space).join(',')}${space}]`);
        assert.deepEqual(
          splitArray(json).map((element) => element.toString()),
          elements,
        );
      }),
    );
  });
});

describe('inOneLine', () => {
  it('is the same JSON without line ends', () => {
    const json = Buffer.from('{\r\n"a":\n"\\n\\r"}');
    const line = inOneLine(json).toString();
    assert.ok(!/[\r\n]/.test(line));
    const value: unknown = JSON.parse(line);
    assert.ok(isRecord(value) && value['a'] === '\n\r');
    assert.equal(json.toString(), '{\r\n"a":\n"\\n\\r"}');
  });
});
