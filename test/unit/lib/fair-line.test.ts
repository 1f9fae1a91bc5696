/** Few places and many who want one: nobody is shut out by somebody who brings more. */
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { FairLine } from '../../../src/lib/fair-line.ts';

const OPTIONS = { places: 1, mostWaiting: 4, mostOfOne: 3, waitMs: 5_000 };

/** Enters for each in turn; the names of those who were admitted, in order. */
function enterAll(line: FairLine, names: readonly string[]): { admitted: string[]; refused: string[] } {
  const outcome = { admitted: new Array<string>(), refused: new Array<string>() };
  for (const name of names) {
    const tell = (isAdmitted: boolean): void => void (isAdmitted ? outcome.admitted : outcome.refused).push(name);
    const entered = line.enter(name);
    if (entered instanceof Promise) void entered.then(tell);
    else tell(entered);
  }
  return outcome;
}

const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('FairLine', () => {
  it('lets those who have brought little pass those who have brought much', async () => {
    const line = new FairLine(OPTIONS);
    const { admitted, refused } = enterAll(line, ['flood', 'flood', 'flood', 'flood', 'alice']);
    for (let left = 0; left < 5; left += 1) {
      line.leave();
      await settle();
    }
    assert.deepEqual(admitted, ['flood', 'flood', 'alice', 'flood', 'flood']);
    assert.deepEqual(refused, []);
  });

  it('has an end for each and for all', () => {
    const line = new FairLine(OPTIONS);
    const { admitted, refused } = enterAll(line, ['a', 'a', 'a', 'a', 'a', 'b', 'c']);
    assert.deepEqual(admitted, ['a']);
    assert.deepEqual(refused, ['a', 'c']);
  });

  it('sends away who has waited too long, and gives the place to the next', async (context) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    context.after(() => mock.timers.reset());
    const line = new FairLine(OPTIONS);
    const first = enterAll(line, ['a', 'b']);
    mock.timers.tick(5_000);
    await settle();
    assert.deepEqual(first, { admitted: ['a'], refused: ['b'] });
    const second = enterAll(line, ['c']);
    line.leave();
    await settle();
    assert.deepEqual(second, { admitted: ['c'], refused: [] });
    line.leave();
    assert.equal(line.enter('d'), true, 'no place is lost');
  });
});
