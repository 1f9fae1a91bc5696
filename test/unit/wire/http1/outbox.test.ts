/** What has to be written is written once a turn, whatever goes wrong with one of the writers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Outbox } from '../../../../src/wire/http1/outbox.ts';
import { FakeTiming } from '../../../support/wire-peers.ts';

describe('Outbox', () => {
  it('flushes in order, at the end of the turn', () => {
    const timing = new FakeTiming();
    const outbox = new Outbox(timing);
    const flushed: string[] = [];
    timing.turn(() => {
      for (const name of ['a', 'b']) outbox.add({ onTurnEnd: () => void flushed.push(name), onBug: assert.ifError });
      assert.deepEqual(flushed, []);
    });
    assert.deepEqual(flushed, ['a', 'b']);
  });

  it('a writer that throws strands no other, hears of it itself, and throws at nobody', () => {
    const timing = new FakeTiming();
    const outbox = new Outbox(timing);
    const flushed: string[] = [];
    const bugs: unknown[] = [];
    const bug = new Error('a bug');
    const fail = (): never => {
      throw bug;
    };
    timing.turn(() => {
      outbox.add({ onTurnEnd: fail, onBug: (error) => void bugs.push(error) });
      outbox.add({ onTurnEnd: () => void flushed.push('b'), onBug: assert.ifError });
    });
    assert.deepEqual([flushed, bugs], [['b'], [bug]]);
  });
});
