/** Records over a store: sealed JSON under hashed ids, and how many of a kind there may be. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryStore } from '../../../../src/login/store/memory-store.ts';
import { Records } from '../../../../src/login/store/records.ts';
import { createSeal } from '../../../../src/login/store/seal.ts';
import { StoreFull } from '../../../../src/login/store/store.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

interface Session {
  readonly subject: string;
}

function parseSession(json: unknown): Session | undefined {
  if (typeof json !== 'object' || json === null || !('subject' in json)) return undefined;
  return typeof json.subject === 'string' ? { subject: json.subject } : undefined;
}

const ALICE: Session = { subject: 'alice' };
const BOB: Session = { subject: 'bob' };

function start({ secret = 'a secret', kind = 'session', clock = new FakeClock(), maximum = 1_000 } = {}) {
  const store = new MemoryStore({ clock, maxEntries: 1_000 });
  const seal = createSeal(secret);
  const records = new Records({ store, seal, kind, parse: parseSession, maximum });
  return { clock, store, seal, records, endsAtMs: clock.nowMs() + 1_000 };
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('records', () => {
  it('are kept, replaced, taken, removed, listed and counted as values', async () => {
    const { clock, records, endsAtMs } = start();
    assert.equal(await records.get('a'), undefined);
    await records.put('a', ALICE, endsAtMs);
    assert.deepEqual((await records.get('a'))?.value, ALICE);
    assert.equal(await records.add('a', BOB, endsAtMs), false);
    assert.equal(await records.add('b', BOB, endsAtMs + 1), true);
    assert.deepEqual(await all(records.list()), [ALICE, BOB]);
    assert.equal(await records.count(), 2);
    clock.advance(1_000);
    assert.deepEqual(await all(records.list()), [BOB]);
    assert.deepEqual(await records.take('b'), BOB);
    assert.equal(await records.take('b'), undefined);
    await records.put('c', ALICE, endsAtMs + 1);
    await records.remove('c');
    assert.equal(await records.count(), 0);
  });

  it('RFC 9700 §4.14.2: of many that replace what they have read one wins', async () => {
    const { records, endsAtMs } = start();
    await records.put('a', ALICE, endsAtMs);
    const entry = await records.get('a');
    assert.ok(entry);
    const replaced = await Promise.all(
      Array.from({ length: 50 }, () => records.replace('a', entry, { value: BOB, endsAtMs })),
    );
    assert.equal(replaced.filter(Boolean).length, 1);
    assert.deepEqual((await records.get('a'))?.value, BOB);
    assert.equal(await records.replace('a', entry, { value: ALICE, endsAtMs }), false);
  });

  it('notices that the same value was written again in between', async () => {
    const { records, endsAtMs } = start();
    await records.put('a', ALICE, endsAtMs);
    const entry = await records.get('a');
    assert.ok(entry);
    await records.put('a', ALICE, endsAtMs);
    assert.equal(await records.replace('a', entry, { value: BOB, endsAtMs }), false);
  });

  it('show the store neither ids nor values', async () => {
    const { store, seal, records, endsAtMs } = start();
    await records.put('the id', ALICE, endsAtMs);
    const stored = await all(store.list(''));
    assert.deepEqual(
      stored.map(([key]) => key),
      [seal.hashKey('session', 'the id')],
    );
    assert.doesNotMatch(String(stored), /the id|alice/);
    assert.doesNotMatch(Buffer.from(stored[0]?.[1] ?? '', 'base64url').toString('latin1'), /alice/);
  });

  it('are not opened where somebody has put them under another id, and of another secret none is', async () => {
    const { store, seal, records, endsAtMs } = start();
    await records.put('of alice', ALICE, endsAtMs);
    const raw = (await records.get('of alice'))?.raw ?? '';
    await store.set(seal.hashKey('session', 'of mallory'), raw, endsAtMs);
    assert.equal(await records.get('of mallory'), undefined);
    assert.equal(await records.take('of mallory'), undefined);
    await store.set(seal.hashKey('grant', 'of alice'), raw, endsAtMs);
    assert.equal(await new Records({ store, seal, kind: 'grant', parse: parseSession }).get('of alice'), undefined);
    const other = new Records({ store, seal: createSeal('another'), kind: 'session', parse: parseSession });
    assert.equal(await other.get('of alice'), undefined);
    assert.deepEqual(await all(other.list()), []);
    assert.deepEqual(await all(records.list()), [ALICE]);
  });

  it('that do not parse are absent, and stay so to those who add', async () => {
    const { store, seal, records, endsAtMs } = start();
    const numbers = new Records({
      store,
      seal,
      kind: 'session',
      parse: (json) => (typeof json === 'number' ? json : undefined),
    });
    await numbers.put('a', 1, endsAtMs);
    assert.equal(await records.get('a'), undefined);
    assert.deepEqual(await all(records.list()), []);
    assert.equal(await records.add('a', ALICE, endsAtMs), false);
    await records.put('a', ALICE, endsAtMs);
    assert.deepEqual((await records.get('a'))?.value, ALICE);
  });

  it('kinds do not meet', async () => {
    const { store, seal, records, endsAtMs } = start();
    const codes = new Records({ store, seal, kind: 'code', parse: parseSession });
    await records.put('a', ALICE, endsAtMs);
    assert.equal(await codes.get('a'), undefined);
    assert.equal(await codes.count(), 0);
    assert.deepEqual(await all(codes.list()), []);
  });
});

describe('the maximum of a kind', () => {
  it('refuses one more, lets those that are there be written again, and takes a new one when one has ended', async () => {
    const { clock, records, endsAtMs } = start({ maximum: 2 });
    await records.put('a', ALICE, endsAtMs);
    await records.put('b', ALICE, endsAtMs + 10);
    await assert.rejects(records.put('c', ALICE, endsAtMs), {
      name: 'StoreFull',
      message: 'there are 2 of the kind session',
    });
    await assert.rejects(records.add('c', ALICE, endsAtMs), StoreFull);
    await records.put('a', BOB, endsAtMs);
    assert.equal(await records.add('a', BOB, endsAtMs), false);
    clock.advance(1_000);
    assert.equal(await records.add('c', ALICE, endsAtMs + 10), true);
    assert.equal(await records.count(), 2);
  });

  it('is exact for many at once', async () => {
    const { records, endsAtMs } = start({ maximum: 10 });
    const ids = Array.from({ length: 50 }, (_, index) => String(index));
    const outcomes = await Promise.allSettled(ids.map((id) => records.add(id, ALICE, endsAtMs)));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 10);
    assert.equal(await records.count(), 10);
  });

  it('is not counted for each write, which would take 11 ms for 200,000 in a file', async () => {
    let counts = 0;
    class Counting extends MemoryStore {
      override count(prefix: string): Promise<number> {
        counts += 1;
        return super.count(prefix);
      }
    }
    const clock = new FakeClock();
    const store = new Counting({ clock, maxEntries: 2_000 });
    const records = new Records({ store, seal: createSeal('a secret'), kind: 'a', parse: parseSession, maximum: 950 });
    const write = (index: number) => records.put(String(index), ALICE, clock.nowMs() + 1);
    for (let index = 0; index < 950; index += 1) await write(index);
    assert.equal(counts, 10);
    await assert.rejects(write(950), StoreFull);
    await write(0);
    assert.equal(await store.count('a:'), 950);
  });
});
