/** The store in memory: the contract of all stores, and its bound. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EndOrder } from '../../../../src/login/store/end-order.ts';
import { MemoryStore } from '../../../../src/login/store/memory-store.ts';
import { StoreFull } from '../../../../src/login/store/store.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { itIsAStore } from './store-contract.ts';

describe('the store in memory', () => {
  itIsAStore((clock) => new MemoryStore({ clock, maxEntries: 1_000 }));

  it('refuses one more than it may hold, keeps what it has, and takes it when one has gone', async () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock, maxEntries: 2 });
    const endsAtMs = clock.nowMs() + 10;
    await store.set('a:1', 'one', endsAtMs);
    await store.set('b:1', 'one', endsAtMs + 10);
    await assert.rejects(store.set('a:2', 'one', endsAtMs), StoreFull);
    await assert.rejects(store.add('c:1', 'one', endsAtMs), StoreFull);
    assert.equal(await store.add('a:1', 'two', endsAtMs), false);
    await store.set('a:1', 'two', endsAtMs);
    assert.equal(await store.swap('a:1', { before: 'two', after: 'three', endsAtMs }), true);
    assert.equal(await store.count(''), 2);
    await store.remove('b:1');
    await store.set('a:2', 'one', endsAtMs + 10);
    clock.advance(10);
    await store.set('a:3', 'one', endsAtMs + 10);
    await assert.rejects(store.set('a:4', 'one', endsAtMs + 10), StoreFull);
    assert.equal(await store.count('a:'), 2);
  });

  it('counts right while more have ended than one call removes', async () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock, maxEntries: 1_000 });
    for (let index = 0; index < 1_000; index += 1)
      await store.set(`code:${index}`, '', clock.nowMs() + 1 + (index % 2));
    clock.advance(1);
    assert.equal(await store.count('code:'), 500);
    clock.advance(1);
    assert.equal(await store.count('code:'), 0);
  });
});

describe('the order in which entries end', () => {
  it('is right after any adding and removing', () => {
    const step = fc.record({ endsAtMs: fc.nat(1_000), removed: fc.nat(), turn: fc.nat(3) });
    const steps = fc.array(step, { minLength: 50, maxLength: 200 });
    fc.assert(
      fc.property(steps, (all) => {
        const order = new EndOrder<{ readonly endsAtMs: number; place: number }>();
        const inside: { readonly endsAtMs: number; place: number }[] = [];
        for (const { endsAtMs, removed, turn } of all) {
          const item = { endsAtMs, place: 0 };
          order.add(item);
          inside.push(item);
          const [gone] = turn > 0 ? [] : inside.splice(removed % inside.length, 1);
          if (gone !== undefined) order.remove(gone);
          const ends = inside.map((entry): number => entry.endsAtMs);
          assert.equal(order.first?.endsAtMs, ends.length === 0 ? undefined : Math.min(...ends));
        }
        const leaving = [];
        for (let { first } = order; first !== undefined; { first } = order) {
          leaving.push(first.endsAtMs);
          order.remove(first);
        }
        assert.deepEqual(
          leaving,
          inside.map(({ endsAtMs }) => endsAtMs).toSorted((a, b) => a - b),
        );
      }),
    );
  });
});
