/** The LRU map against a model so naive that it cannot be wrong. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Lru, LruOrder } from '../../../src/lib/lru.ts';

/** Entries in order of use, oldest first; everything by search. */
class NaiveLru {
  list: { key: string; value: number; bytes: number }[] = [];
  readonly #limits: { maxEntries: number; maxBytes: number };

  constructor(limits: { maxEntries: number; maxBytes: number }) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.list.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get(key: string): number | undefined {
    const found = this.list.find((entry) => entry.key === key);
    if (found === undefined) return undefined;
    this.list = [...this.list.filter((entry) => entry !== found), found];
    return found.value;
  }

  set(key: string, value: number, bytes: number): void {
    this.delete(key);
    if (bytes > this.#limits.maxBytes || this.#limits.maxEntries === 0) return;
    this.list.push({ key, value, bytes });
    while (this.list.length > this.#limits.maxEntries || this.bytes > this.#limits.maxBytes) this.list.shift();
  }

  delete(key: string): void {
    this.list = this.list.filter((entry) => entry.key !== key);
  }
}

describe('Lru', () => {
  it('forgets the least recently used, reading counts as use', () => {
    const lru = new Lru<number>({ maxEntries: 2, maxBytes: 100 });
    lru.set('a', 1, 1);
    lru.set('b', 2, 1);
    assert.equal(lru.get('a'), 1);
    lru.set('c', 3, 1);
    assert.equal(lru.get('b'), undefined);
    assert.equal(lru.get('a'), 1);
    assert.equal(lru.get('c'), 3);
  });

  it('evicts as many as a large value needs, and keeps none that cannot fit', () => {
    const lru = new Lru<string>({ maxEntries: 10, maxBytes: 10 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) lru.set(key, key, 2);
    lru.set('big', 'big', 7);
    assert.equal(lru.entries, 2);
    assert.equal(lru.get('e'), 'e');
    lru.set('e', 'too big', 11);
    assert.equal(lru.get('e'), undefined, 'the old value is not left under the new one’s key');
    assert.equal(lru.bytes, 7);
  });

  it('behaves like the naive model under any sequence of operations', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const operation = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key, value: fc.nat(20), bytes: fc.nat(12) }),
      fc.record({ kind: fc.constant('get' as const), key }),
      fc.record({ kind: fc.constant('delete' as const), key }),
      fc.record({ kind: fc.constant('deleteWhere' as const), below: fc.nat(20) }),
    );
    const limits = fc.record({ maxEntries: fc.nat(5), maxBytes: fc.nat(30) });
    fc.assert(
      fc.property(limits, fc.array(operation, { maxLength: 100 }), (bounds, operations) => {
        const lru = new Lru<number>(bounds);
        const model = new NaiveLru(bounds);
        for (const step of operations) {
          if (step.kind === 'set') {
            lru.set(step.key, step.value, step.bytes);
            model.set(step.key, step.value, step.bytes);
          } else if (step.kind === 'get') {
            assert.equal(lru.get(step.key), model.get(step.key));
          } else if (step.kind === 'delete') {
            lru.delete(step.key);
            model.delete(step.key);
          } else {
            lru.deleteWhere((value) => value < step.below);
            model.list = model.list.filter(({ value }) => value >= step.below);
          }
          assert.equal(lru.entries, model.list.length);
          assert.equal(lru.bytes, model.bytes);
        }
        for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) assert.equal(lru.get(name), model.get(name));
      }),
      { numRuns: 500 },
    );
  });
});

describe('several LRUs of one order', () => {
  it('keep within their bounds together, and forget what was used least in any of them', () => {
    const order = new LruOrder<number>({ maxEntries: 3, maxBytes: 10 });
    const [one, other] = [new Lru<number>(order), new Lru<number>(order)];
    one.set('a', 1, 1);
    other.set('a', 2, 1);
    other.set('b', 3, 1);
    assert.equal(one.get('a'), 1);
    one.set('c', 4, 1);
    assert.deepEqual([one.get('a'), other.get('a'), other.get('b'), one.get('c')], [1, undefined, 3, 4]);
    assert.deepEqual([one.entries, other.entries, one.bytes, other.bytes], [2, 1, 2, 1]);
    other.set('d', 5, 10);
    assert.deepEqual([one.entries, other.entries, other.get('d')], [0, 1, 5]);
  });
});
