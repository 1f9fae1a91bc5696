/** Lines of bytes that come in any pieces, none longer than it may be. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteBudget } from '../../../src/programs/byte-budget.ts';
import { LineReader } from '../../../src/programs/line-reader.ts';

function read(chunks: readonly Buffer[], { maxBytes = 1_000, budget = new ByteBudget(1_000_000) } = {}) {
  const lines: string[] = [];
  let tooLong = 0;
  const reader = new LineReader({
    maxBytes,
    budget,
    onLine: (line) => void lines.push(line.toString('latin1')),
    onTooLong: () => {
      tooLong += 1;
    },
  });
  for (const chunk of chunks) reader.read(chunk);
  return { lines, tooLong: () => tooLong, reader, budget };
}

describe('LineReader', () => {
  it('finds the same lines however they are cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', 'é') });
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), (whole, cuts) => {
        const bytes = Buffer.from(whole);
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
        const chunks = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
        const { lines, reader, budget } = read(chunks);
        reader.end();
        const expected = bytes.toString('latin1').split('\n');
        if (expected.at(-1) === '') expected.pop();
        assert.deepEqual(lines, expected);
        assert.equal(budget.held, 0);
      }),
    );
  });

  it('takes a line of the limit, and not one byte more, however it comes', () => {
    const ten = Buffer.from('x'.repeat(10));
    assert.deepEqual(read([ten, Buffer.from('\n')], { maxBytes: 10 }).lines, ['x'.repeat(10)]);
    for (const chunks of [
      [Buffer.from(`${'x'.repeat(11)}\n`)],
      [ten, Buffer.from('x')],
      [ten, Buffer.from('x\nnext\n')],
    ]) {
      const { lines, tooLong, budget } = read(chunks, { maxBytes: 10 });
      assert.deepEqual(lines, []);
      assert.equal(tooLong(), 1);
      assert.equal(budget.held, 0);
    }
  });

  it('reads nothing behind a line that was too long', () => {
    const { lines, tooLong, reader } = read([Buffer.from('a\nbbbb\nc\n')], { maxBytes: 3 });
    reader.read(Buffer.from('d\n'));
    reader.end();
    assert.deepEqual(lines, ['a']);
    assert.equal(tooLong(), 1);
  });

  it('shares what unfinished lines may hold, and gives it back', () => {
    const budget = new ByteBudget(100);
    const one = read([Buffer.from('x'.repeat(80))], { budget });
    const other = read([Buffer.from('y'.repeat(30))], { budget });
    assert.equal(other.tooLong(), 1);
    assert.equal(budget.held, 80);
    one.reader.read(Buffer.from('\n'));
    assert.equal(budget.held, 0);
    assert.deepEqual(one.lines, ['x'.repeat(80)]);
  });
});
