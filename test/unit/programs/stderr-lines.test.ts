/** Lines of standard error: whole ones, bounded in number and length. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SkippedLines } from '../../../src/programs/skipped-lines.ts';
import { StderrLines } from '../../../src/programs/stderr-lines.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function createLines() {
  const clock = new FakeClock();
  const told: (readonly [string, number])[] = [];
  return { clock, told, lines: new StderrLines(clock, (line, dropped) => void told.push([line, dropped])) };
}

describe('StderrLines', () => {
  it('puts lines together, also where a character is cut in two', () => {
    const { lines, told } = createLines();
    const bytes = Buffer.from('é\r\n\n  \nlast');
    for (const byte of bytes) lines.read(Buffer.from([byte]));
    lines.end();
    assert.deepEqual(told, [
      ['é', 0],
      ['last', 0],
    ]);
  });

  it('cuts long ones, holds no more of them, and keeps the last ten', () => {
    const { lines, told } = createLines();
    for (let piece = 0; piece < 100; piece += 1) lines.read(Buffer.alloc(10_000, 'x'));
    lines.read(Buffer.from('\n'));
    assert.equal(told[0]?.[0], `${'x'.repeat(1_000)}…`);
    for (let line = 0; line < 20; line += 1) lines.read(Buffer.from(`${line}\n`));
    assert.deepEqual(
      lines.last,
      Array.from({ length: 10 }, (_, index) => String(index + 10)),
    );
  });

  it('tells of fifty in a second, and then how many it did not tell of', () => {
    const { lines, told, clock } = createLines();
    for (let line = 0; line < 1_000; line += 1) lines.read(Buffer.from(`${line}\n`));
    assert.equal(told.length, 50);
    clock.advance(1_000);
    lines.read(Buffer.from('after\n'));
    assert.deepEqual(told.at(-1), ['after', 950]);
  });
});

describe('SkippedLines', () => {
  it('tells of ten in a minute, the beginning of each', () => {
    const clock = new FakeClock();
    const told: unknown[] = [];
    const skipped = new SkippedLines(clock, (fields) => void told.push(fields));
    for (let line = 0; line < 100; line += 1) skipped.add(Buffer.alloc(1_000, 'x'));
    skipped.add(Buffer.from(' \r'));
    assert.equal(told.length, 10);
    assert.deepEqual(told[0], { line: 'x'.repeat(200), bytes: 1_000 });
    clock.advance(60_000);
    skipped.add(Buffer.from('later'));
    assert.equal(told.length, 11);
  });
});
