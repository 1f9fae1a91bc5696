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
      for (const name of ['a', 'b']) outbox.add({ flush: () => void flushed.push(name) });
      assert.deepEqual(flushed, []);
    });
    assert.deepEqual(flushed, ['a', 'b']);
  });

  it('a writer that throws strands no other', () => {
    const timing = new FakeTiming();
    const outbox = new Outbox(timing);
    const flushed: string[] = [];
    const fail = (): never => {
      throw new Error('a bug');
    };
    const turn = (): void =>
      timing.turn(() => {
        outbox.add({ flush: fail });
        outbox.add({ flush: () => void flushed.push('b') });
      });
    assert.throws(turn, /a bug/);
    assert.deepEqual(flushed, ['b']);
  });
});
