/** What the reader of messages accepts, every decoder reads the same way. RFC 8259 §4; MCP 2026-07-28, Messages, Value Encoding. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatFault } from '../../src/mcp/fault.ts';
import { decodeHeaderValue } from '../../src/mcp/header-value.ts';
import { checkHeaders } from '../../src/mcp/headers-agree.ts';
import { readMessage } from '../../src/mcp/read-message.ts';
import { parseStrictJson } from '../../src/mcp/strict-json.ts';
import { CARELESS_DECODERS } from '../support/careless-decoders.ts';
import { parseObject } from '../support/json.ts';
import { flawsOf, type Node, readSecond, valueOf } from '../support/second-json.ts';

// The same run every time; take the line out to look further.
fc.configureGlobal({ seed: 20_261_130 });

/** nodejs/node#63785: V8 may misread these names, which are then refused; whether it does depends on what came before. */
const MISREAD = /"\\(u[0-9a-fA-F]{4}|[^u])"\s*:/;

function trySecond(bytes: Uint8Array): Node | undefined {
  try {
    return readSecond(bytes);
  } catch {
    return undefined;
  }
}

/** A string literal: plain, with every unit escaped, or with some. */
const written = (text: string, escaping: number): string =>
  `"${text
    .split('')
    .map((unit, at) => {
      const isPlain = escaping === 0 || (escaping === 1 && at % 2 === 0);
      if (isPlain && unit >= ' ' && unit !== '"' && unit !== '\\') return unit;
      return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    })
    .join('')}"`;

const anyString = fc
  .tuple(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.string({ maxLength: 6 }),
      fc.constantFrom('\ud800', 'a\udc00', '\ud83d\ude00', '\ude00\ud83d', '\0', '\\', '"'),
    ),
    fc.nat(2),
  )
  .map(([text, escaping]) => written(text, escaping));

const anyNumber = fc.oneof(
  fc.double().map(String),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.bigInt({ min: 2n ** 53n - 4n, max: 2n ** 53n + 4n }).map(String),
  fc
    .tuple(
      fc.constantFrom('', '-', '+'),
      fc.nat(99),
      fc.constantFrom('', '.5', '.', 'e999', 'e-999', 'E+3', 'e308', 'e309'),
    )
    .map((parts) => parts.join('')),
  fc.constantFrom('00', '0x1', '1e21', '1000000000000000000000', '1152921504606846976', '-0', '.5', 'NaN', 'Infinity'),
);

const NAMES = ['a', 'b', 'A', '', '__proto__', '\\', 'é', '\ud800', '1', '"'];
const anyName = fc.tuple(fc.constantFrom(...NAMES), fc.nat(2)).map(([name, escaping]) => written(name, escaping));

const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('true', 'false', 'null', 'True', 'nul'),
    anyNumber,
    anyString,
    fc.array(tie('json'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    fc
      .array(fc.tuple(anyName, tie('json')), { maxLength: 4 })
      .map((members) => `{${members.map((member) => member.join(' : ')).join(', ')}}`),
  ),
}));

/** JSON, and what is left when some bytes of it are others. */
const anyBytes = fc
  .tuple(json, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }), fc.nat(3))
  .map(([text, changes, some]) => {
    const bytes = Buffer.from(text);
    if (some === 0) for (const [at, byte] of changes) bytes[at % Math.max(1, bytes.length)] = byte;
    return bytes;
  });

describe('RFC 8259: one text, one value', () => {
  it('accepts exactly what a second reader finds without flaw, and reads the same in it', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const read = parseStrictJson(bytes);
        const second = trySecond(bytes);
        const isSound = second !== undefined && flawsOf(second).size === 0;
        if ('detail' in read) assert.ok(!isSound || MISREAD.test(bytes.toString()), read.detail);
        else {
          accepted += 1;
          assert.ok(isSound && second !== undefined);
          assert.deepEqual(read.value, valueOf(second));
        }
      }),
      { numRuns: 20_000 },
    );
    assert.ok(accepted > 5000, `${accepted}`);
  });

  it('gives back what it accepted when it is written again', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const read = parseStrictJson(bytes);
        if ('detail' in read) return;
        const again = trySecond(Buffer.from(JSON.stringify(read.value)));
        assert.ok(again !== undefined && flawsOf(again).size === 0);
        assert.deepEqual(valueOf(again), JSON.parse(JSON.stringify(read.value)));
      }),
      { numRuns: 5000 },
    );
  });
});

/** Ways in which a careless decoder takes one name for another. */
const disguised = (name: string) =>
  fc.constantFrom(
    name,
    name.toUpperCase(),
    `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
    name.replace('s', 'ſ'),
    name.replace('k', '\u212a'),
    name.replace('i', 'İ'),
    name.replace('i', 'ı'),
    `_${name}`,
    `${name}-`,
    `${name}\0`,
    `${name}\0x`,
    `${name}x`,
    ` ${name}`,
  );

const member = (name: string, values: readonly string[]) =>
  fc.tuple(fc.oneof(fc.constant(name), disguised(name)), fc.constantFrom(0, 0, 0, 1, 2), fc.constantFrom(...values));

const textOf = (members: readonly (readonly [string, number, string])[]) =>
  `{${members.map(([name, escaping, value]) => `${written(name, escaping)}:${value}`).join(',')}}`;

/** The members in any order, some left out, some twice and disguised. */
const objectOf = (members: Readonly<Record<string, readonly string[]>>) => {
  const all = Object.entries(members);
  const sound = fc.tuple(
    ...all.map(([name, values]) => fc.tuple(fc.constant(name), fc.constant(0), fc.constantFrom(...values))),
  );
  const more = fc.oneof(...all.map(([name, values]) => member(name, values)));
  return fc
    .tuple(sound, fc.array(more, { maxLength: 1 }), fc.nat(9), fc.boolean())
    .map(([given, added, left, isFirst]) => {
      const kept = given.filter((_, at) => at !== left);
      return textOf(isFirst ? [...added, ...kept] : [...kept, ...added]);
    });
};

const METHODS = ['"tools/call"', '"prompts/get"', '"resources/read"', '"tasks/get"', '"tools/list"', '"x/y"'];
const params = objectOf({
  name: ['"safe"', '"evil"', '7'],
  uri: ['"file:///safe"', '"file:///evil"', 'null'],
  taskId: ['"t1"', '"t2"'],
  arguments: ['{}', '{"a":1}', 'null', '"text"', '[]'],
  _meta: ['{}', '{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}', '{"progressToken":1}'],
});
const message = params.chain((text) =>
  objectOf({ jsonrpc: ['"2.0"'], id: ['1', '"a"', '2'], method: METHODS, params: [text] }),
);

function memberOf(node: Node | undefined, name: string, find: (typeof CARELESS_DECODERS)[string]): Node | undefined {
  return node?.kind === 'object' ? find(node.members, name) : undefined;
}

describe('MCP 2026-07-28, Messages: one message, one meaning', () => {
  for (const [decoder, find] of Object.entries(CARELESS_DECODERS)) {
    it(`is read by a decoder that takes ${decoder} as by the reader`, () => {
      let accepted = 0;
      fc.assert(
        fc.property(message, (text) => {
          const bytes = Buffer.from(text);
          const read = readMessage(bytes);
          if (read.kind !== 'request' && read.kind !== 'notification') return;
          accepted += 1;
          const seen = (node: Node | undefined) => (node === undefined ? undefined : valueOf(node));
          const top = readSecond(bytes);
          const inner = memberOf(top, 'params', find);
          assert.equal(seen(memberOf(top, 'method', find)), read.method);
          assert.equal(seen(memberOf(top, 'id', find)), read.kind === 'request' ? read.id : undefined);
          assert.deepEqual(seen(inner), read.params);
          for (const { kind, name } of read.named) {
            const source = { tool: 'name', prompt: 'name', resource: 'uri', task: 'taskId' }[kind];
            assert.equal(seen(memberOf(inner, source, find)), name);
          }
          if (read.method === 'x/y') return;
          assert.deepEqual(seen(memberOf(inner, 'arguments', find)), read.params?.['arguments']);
        }),
        { numRuns: 3000 },
      );
      assert.ok(accepted > 300, `${accepted}`);
    });
  }
});

describe('JSON-RPC 2.0 §5: an answer, whatever was sent', () => {
  it('never throws, and says in JSON what is wrong', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          anyBytes,
          message.map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const read = readMessage(bytes);
          if (read.kind !== 'fault') return;
          const { jsonrpc, id, error } = parseObject(formatFault(read));
          assert.deepEqual([jsonrpc, id], ['2.0', read.id]);
          assert.match(
            JSON.stringify(error),
            /^\{"code":-32[67]00,"message":".+","data":\{"reason":"malformed_message"\}\}$/,
          );
        },
      ),
      { numRuns: 5000 },
    );
  });
});

/** As the specification tells clients to encode. */
function encode(value: string): string {
  const isPlain = /^[\x20-\x7e]*$/.test(value) && value.trim() === value && !/^=\?base64\?.*\?=$/.test(value);
  return isPlain ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
}

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string(),
  fc.string().map((text) => `=?base64?${text}?=`),
  fc.string().map((text) => ` ${text}`),
);

describe('MCP 2026-07-28, Value Encoding', () => {
  it('is undone, and never gives one value for another', () => {
    fc.assert(
      fc.property(anyText, anyText, (value, other) => {
        fc.pre(value.isWellFormed());
        assert.equal(decodeHeaderValue(encode(value)), value);
        const decoded = decodeHeaderValue(other);
        assert.ok(
          decoded === undefined || decoded === other || encode(decoded) === other || /^[\t\x20-\x7e]*$/.test(decoded),
        );
      }),
      { numRuns: 3000 },
    );
  });

  it('lets a name agree with itself and with no other', () => {
    fc.assert(
      fc.property(anyText, anyText, (name, other) => {
        fc.pre(name.isWellFormed() && other.isWellFormed() && !name.includes('\0') && name !== other);
        const read = readMessage(
          Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } })),
        );
        assert.ok(read.kind === 'request');
        const headers = { versions: ['2026-07-28'], methods: ['tools/call'] };
        assert.equal(checkHeaders({ ...headers, names: [encode(name)] }, read), undefined);
        assert.equal(checkHeaders({ ...headers, names: [encode(other)] }, read)?.reason, 'header_mismatch');
      }),
      { numRuns: 2000 },
    );
  });
});
