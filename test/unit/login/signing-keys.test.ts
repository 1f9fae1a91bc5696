/** Keys that sign access tokens: published before they sign, and after. RFC 7517, RFC 9068 §2.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { currentOf, rotate, type SigningKey, SigningKeys } from '../../../src/login/signing-keys.ts';
import { MemoryStore } from '../../../src/login/store/memory-store.ts';
import { Records } from '../../../src/login/store/records.ts';
import { createSeal } from '../../../src/login/store/seal.ts';
import { readSigningKeys } from '../../../src/login/stored.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const SECRET = 'a secret of at least thirty-two characters';

function keysOf(clock: FakeClock, store = new MemoryStore({ clock, maxEntries: 10 })) {
  const seal = createSeal(SECRET);
  return new SigningKeys(new Records({ store, seal, kind: 'keys', parse: readSigningKeys }), clock);
}

function key(kid: string, madeMs: number): SigningKey {
  return { kid, x: 'x', y: 'y', d: 'd', madeMs };
}

describe('signing keys', () => {
  it('are made once, however many replicas begin at once, and are the same after a restart', async () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock, maxEntries: 10 });
    const replicas = Array.from({ length: 5 }, () => keysOf(clock, store));
    await Promise.all(replicas.map((each) => each.refresh()));
    const kids = replicas.map(({ publicKeys }) => publicKeys.map(({ kid }) => kid).join(' '));
    assert.equal(new Set(kids).size, 1);
    const restarted = keysOf(clock, store);
    assert.equal(await restarted.refresh(), true);
    assert.deepEqual(restarted.publicKeys, replicas[0]?.publicKeys);
    assert.equal(await restarted.refresh(), false);
  });

  it('are told without their private part', async () => {
    const keys = keysOf(new FakeClock());
    await keys.refresh();
    const [told] = keys.publicKeys;
    assert.deepEqual(Object.keys(told ?? {}).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('rotate after thirty days: the new one is published ten minutes before it signs', async () => {
    const clock = new FakeClock();
    const keys = keysOf(clock);
    await keys.refresh();
    const [first] = keys.inOrder;
    clock.advance(30 * DAY_MS);
    assert.equal(await keys.refresh(), true);
    assert.equal(keys.publicKeys.length, 2);
    assert.equal(keys.inOrder[0]?.kid, first?.kid);
    clock.advance(10 * MINUTE_MS);
    assert.notEqual(keys.inOrder[0]?.kid, first?.kid);
    clock.advance(DAY_MS);
    await keys.refresh();
    assert.deepEqual(
      keys.publicKeys.map(({ kid }) => kid !== first?.kid),
      [true],
    );
  });

  it('heal when the clock was wrong: a key of the far future counts as old', () => {
    const now = 1_000 * DAY_MS;
    const due = rotate([key('future', now + 500 * DAY_MS)], now);
    assert.deepEqual(
      due.map(({ kid }) => kid === 'future'),
      [true, false],
    );
    assert.equal(currentOf(due, now)?.kid, 'future');
    const [, made] = due;
    const later = rotate(due, now + 10 * MINUTE_MS);
    assert.equal(later, due, 'one is enough');
    assert.equal(currentOf(later, now + 10 * MINUTE_MS), made);
    assert.deepEqual(rotate(later, now + 2 * DAY_MS), [made]);
  });

  it('stay as they are while nothing is due', () => {
    const keys = [key('one', 0)];
    assert.equal(rotate(keys, DAY_MS), keys);
  });
});
