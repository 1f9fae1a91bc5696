/** Looks into the store of a login under attack, and makes it fail at a step of choice. */
import type { TestContext } from 'node:test';
import { MemoryStore } from '../../src/login/store/memory-store.ts';
import { StoreUnavailable, type Swap } from '../../src/login/store/store.ts';

export const KINDS = ['code', 'grant', 'family', 'granted', 'returned', 'refresh', 'lease', 'proof'] as const;

export type Kind = (typeof KINDS)[number];

/** How many there are of each kind; kinds without any are left out. */
export type Stored = Partial<Record<Kind, number>>;

type Method = 'get' | 'set' | 'add' | 'swap' | 'take' | 'remove';

export class StoreTap {
  /** What was asked of the store, as `method kind`. */
  readonly calls: string[] = [];
  /** So many calls work, and none after them; negative: all. */
  callsLeft = -1;
  #store: MemoryStore | undefined;

  /** Every store in memory that is made during the test is tapped; there should be one. */
  constructor(context: TestContext) {
    const pass = (store: MemoryStore, method: Method, key: string): void => this.#pass(store, method, key);
    const { prototype } = MemoryStore;
    const { get, set, add, swap, take, remove } = prototype;
    context.mock.method(prototype, 'get', async function (this: MemoryStore, key: string) {
      pass(this, 'get', key);
      return get.call(this, key);
    });
    context.mock.method(prototype, 'set', async function (this: MemoryStore, ...call: [string, string, number]) {
      pass(this, 'set', call[0]);
      return set.call(this, ...call);
    });
    context.mock.method(prototype, 'add', async function (this: MemoryStore, ...call: [string, string, number]) {
      pass(this, 'add', call[0]);
      return add.call(this, ...call);
    });
    context.mock.method(prototype, 'swap', async function (this: MemoryStore, key: string, change: Swap) {
      pass(this, 'swap', key);
      return swap.call(this, key, change);
    });
    context.mock.method(prototype, 'take', async function (this: MemoryStore, key: string) {
      pass(this, 'take', key);
      return take.call(this, key);
    });
    context.mock.method(prototype, 'remove', async function (this: MemoryStore, key: string) {
      pass(this, 'remove', key);
      return remove.call(this, key);
    });
  }

  async stored(): Promise<Stored> {
    const found: Stored = {};
    for (const kind of KINDS) {
      const count = (await this.#store?.count(`${kind}:`)) ?? 0;
      if (count > 0) found[kind] = count;
    }
    return found;
  }

  /** As many entries of strangers as there are to be, for ten minutes. */
  async fill(kind: Kind, count: number): Promise<void> {
    const endsAtMs = Date.now() + 600_000;
    for (let each = 0; each < count; each += 1) await this.#store?.set(`${kind}:filling-${each}`, 'x', endsAtMs);
  }

  /** Every value, as it is stored. */
  async values(): Promise<readonly string[]> {
    const values = [];
    for await (const [key, value] of this.#store?.list('') ?? []) values.push(`${key} ${value}`);
    return values;
  }

  #pass(store: MemoryStore, method: Method, key: string): void {
    this.#store ??= store;
    this.calls.push(`${method} ${key.split(':', 1)[0]}`);
    if (this.callsLeft === 0) throw new StoreUnavailable('the test has switched it off');
    if (this.callsLeft > 0) this.callsLeft -= 1;
  }
}
