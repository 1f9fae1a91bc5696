/** Tokens that were called back stay so when the login thread has died and forgotten them. RFC 7009 §2.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Revocation } from '../../../src/state/revoked-tokens.ts';
import { KeptRevocations } from '../../../src/workers/kept-revocations.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const LIFE_MS = 60_000;

function start() {
  const clock = new FakeClock();
  const kept = new KeptRevocations(clock);
  const told: (readonly Revocation[])[] = [];
  const of = (name: string, issuedUntil = 1): Revocation => ({
    by: 'subject',
    name,
    issuedUntil,
    endsAtMs: clock.nowMs() + LIFE_MS,
  });
  return { clock, kept, told, of, listen: () => kept.follow((now) => told.push(now)) };
}

describe('KeptRevocations', () => {
  it('tells those who come later what is known, and nothing where nothing is', () => {
    const { kept, told, of, listen } = start();
    listen();
    assert.deepEqual(told, []);
    const ann = of('ann');
    kept.accept([ann]);
    listen();
    assert.deepEqual(told, [[ann], [ann]]);
  });

  it('keeps what a new thread no longer knows, until it ends', () => {
    const { clock, kept, told, of, listen } = start();
    const ann = of('ann');
    kept.accept([ann]);
    listen();
    clock.advance(LIFE_MS - 1);
    kept.accept([]);
    const bob = of('bob');
    clock.advance(1);
    kept.accept([bob]);
    assert.deepEqual(told, [[ann], [ann], [bob]]);
  });

  it('keeps one of each, the one that calls back more', () => {
    const { kept, told, of, listen } = start();
    kept.accept([of('ann', 5)]);
    kept.accept([of('ann', 4)]);
    listen();
    kept.accept([of('ann', 6)]);
    assert.deepEqual(
      told.map((all) => all.map(({ issuedUntil }) => issuedUntil)),
      [[5], [6]],
    );
  });
});
