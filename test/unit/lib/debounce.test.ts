/** Certificate and key are two files and one renewal. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDebounce } from '../../../src/lib/debounce.ts';

describe('createDebounce', () => {
  it('makes calls that follow each other one, and later ones another', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    let actions = 0;
    const call = createDebounce(() => (actions += 1), 1_500);
    call();
    context.mock.timers.tick(1_000);
    call();
    context.mock.timers.tick(1_499);
    assert.equal(actions, 0);
    context.mock.timers.tick(1);
    assert.equal(actions, 1);
    context.mock.timers.tick(10_000);
    assert.equal(actions, 1);
    call();
    context.mock.timers.tick(1_500);
    assert.equal(actions, 2);
  });
});
