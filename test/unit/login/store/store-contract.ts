/** What every store of the login must do, wherever it keeps things. RFC 6749 §10.5, RFC 9700 §4.14. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Store, StoreUnavailable } from '../../../../src/login/store/store.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;

export type CreateStore = (clock: FakeClock) => Store;

async function keysOf(store: Store, prefix: string): Promise<readonly string[]> {
  const keys = [];
  for await (const [key] of store.list(prefix)) keys.push(key);
  return keys.toSorted();
}

/** `create` makes a store that holds nothing yet, with room for 1,000 entries. */
export function itIsAStore(create: CreateStore): void {
  const start = () => {
    const clock = new FakeClock();
    return { clock, store: create(clock), soonMs: clock.nowMs() + MINUTE_MS };
  };
  itKeeps(start);
  itIsAtomic(start);
  itEnds(start);
  itLists(start);
  itCloses(start);
}

type Start = () => { readonly clock: FakeClock; readonly store: Store; readonly soonMs: number };

function itKeeps(start: Start): void {
  it('keeps a text under its key until it is replaced or removed', async () => {
    const { store, soonMs } = start();
    assert.equal(await store.get('code:a'), undefined);
    await store.set('code:a', 'one', soonMs);
    assert.equal(await store.get('code:a'), 'one');
    await store.set('code:a', 'two', soonMs);
    assert.equal(await store.get('code:a'), 'two');
    assert.equal(await store.count('code:'), 1);
    await store.remove('code:a');
    await store.remove('code:a');
    assert.equal(await store.get('code:a'), undefined);
    assert.equal(await store.count(''), 0);
  });

  it('gives back exactly what it was given', async () => {
    const { store, soonMs } = start();
    const texts = [
      '',
      ' ',
      'null',
      '0',
      '1e3',
      'a\0b',
      "'; DROP TABLE entries; --",
      'ü €\u{1f600}\n',
      'x'.repeat(100_000),
    ];
    for (const text of texts) {
      await store.set('code:a', text, soonMs);
      assert.equal(await store.get('code:a'), text);
      assert.equal(await store.swap('code:a', { before: `${text} `, after: 'no', endsAtMs: soonMs }), false);
      assert.equal(await store.swap('code:a', { before: text, after: text, endsAtMs: soonMs }), true);
      assert.equal(await store.take('code:a'), text);
    }
  });

  it('an end that is no point in time is a bug, and nothing is written', async () => {
    const { store, soonMs } = start();
    for (const endsAtMs of [Number.NaN, Number.POSITIVE_INFINITY, 1e300]) {
      await assert.rejects(store.set('code:a', '', endsAtMs), RangeError);
      await assert.rejects(store.add('code:a', '', endsAtMs), RangeError);
    }
    assert.equal(await store.get('code:a'), undefined);
    await store.set('code:a', 'one', soonMs - 0.5);
    assert.equal(await store.get('code:a'), 'one');
  });
}

function itIsAtomic(start: Start): void {
  it('lets one of many add', async () => {
    const { store, soonMs } = start();
    const tries = Array.from({ length: 50 }, (_, by) => store.add('jti:a', String(by), soonMs));
    const added = await Promise.all(tries);
    assert.equal(added.filter(Boolean).length, 1);
    assert.equal(await store.get('jti:a'), String(added.indexOf(true)));
  });

  it('RFC 6749 §4.1.2: a code must not be used more than once: one of many takes it', async () => {
    const { store, soonMs } = start();
    await store.set('code:a', 'one', soonMs);
    const taken = await Promise.all(Array.from({ length: 50 }, () => store.take('code:a')));
    assert.deepEqual(
      taken.filter((value) => value !== undefined),
      ['one'],
    );
  });

  it('RFC 9700 §4.14.2: of many that rotate the same refresh token one wins', async () => {
    const { store, soonMs } = start();
    await store.set('family:a', 'before', soonMs);
    const swapped = await Promise.all(
      Array.from({ length: 50 }, (_, by) =>
        store.swap('family:a', { before: 'before', after: String(by), endsAtMs: soonMs }),
      ),
    );
    assert.equal(swapped.filter(Boolean).length, 1);
    assert.equal(await store.get('family:a'), String(swapped.indexOf(true)));
  });

  it('swaps nothing in where nothing is', async () => {
    const { store, soonMs } = start();
    assert.equal(await store.swap('family:a', { before: '', after: 'new', endsAtMs: soonMs }), false);
    assert.equal(await store.get('family:a'), undefined);
  });
}

function itEnds(start: Start): void {
  it('ends a text at its end by the clock given, for every call', async () => {
    const { clock, store, soonMs } = start();
    await store.set('code:a', 'one', soonMs);
    clock.advance(MINUTE_MS - 1);
    assert.equal(await store.get('code:a'), 'one');
    clock.advance(1);
    assert.equal(await store.get('code:a'), undefined);
    assert.equal(await store.swap('code:a', { before: 'one', after: 'two', endsAtMs: soonMs + YEAR_MS }), false);
    assert.equal(await store.count('code:'), 0);
    assert.deepEqual(await keysOf(store, ''), []);
    assert.equal(await store.take('code:a'), undefined);
    assert.equal(await store.add('code:a', 'two', soonMs + MINUTE_MS), true);
    assert.equal(await store.get('code:a'), 'two');
  });

  it('goes by the end of the last change', async () => {
    const { clock, store, soonMs } = start();
    for (const key of ['a', 'b', 'c']) await store.set(key, 'one', soonMs);
    await store.set('a', 'one', soonMs + MINUTE_MS);
    await store.swap('b', { before: 'one', after: 'two', endsAtMs: soonMs + MINUTE_MS });
    await store.set('c', 'one', soonMs - 1);
    clock.advance(MINUTE_MS);
    assert.deepEqual(await keysOf(store, ''), ['a', 'b']);
    clock.advance(MINUTE_MS);
    assert.deepEqual(await keysOf(store, ''), []);
  });

  it('a text that has ended when it comes is never there', async () => {
    const { clock, store } = start();
    await store.set('code:a', 'one', clock.nowMs());
    assert.equal(await store.get('code:a'), undefined);
    assert.equal(await store.add('code:a', 'two', clock.nowMs()), true);
    assert.equal(await store.count(''), 0);
  });

  it('goes by the wall clock when it jumps ahead, and when it is set back', async () => {
    const { clock, store, soonMs } = start();
    await store.set('code:a', 'one', soonMs);
    clock.jump(-YEAR_MS);
    assert.equal(await store.get('code:a'), 'one');
    assert.equal(await store.add('code:a', 'two', soonMs), false);
    clock.jump(2 * YEAR_MS);
    assert.equal(await store.get('code:a'), undefined);
    assert.equal(await store.add('code:a', 'three', clock.nowMs() + 1), true);
    assert.equal(await store.get('code:a'), 'three');
  });

  it('removes what has ended, so that a stream of short-lived texts always finds room', async () => {
    const { clock, store, soonMs } = start();
    await store.set('family:kept', 'kept', soonMs + YEAR_MS);
    for (let round = 0; round < 3; round += 1) {
      for (let code = 0; code < 900; code += 1) await store.set(`code:${round}-${code}`, '', clock.nowMs() + 1);
      assert.equal(await store.count('code:'), 900);
      clock.advance(1);
      assert.equal(await store.count('code:'), 0);
    }
    assert.deepEqual(await keysOf(store, ''), ['family:kept']);
  });
}

function itLists(start: Start): void {
  it('lists and counts what begins with a prefix, and nothing else', async () => {
    const { store, soonMs } = start();
    for (const key of ['code', 'code:', 'code:a', 'code:ab', 'code;', 'cod:a', 'codex:a', 'Code:a', 'code_%:a']) {
      await store.set(key, key, soonMs);
    }
    const expected: Readonly<Record<string, readonly string[]>> = {
      'code:': ['code:', 'code:a', 'code:ab'],
      'code:a': ['code:a', 'code:ab'],
      code: ['code', 'code:', 'code:a', 'code:ab', 'code;', 'code_%:a', 'codex:a'],
      'code_%:': ['code_%:a'],
      'none:': [],
    };
    for (const [prefix, keys] of Object.entries(expected)) {
      assert.deepEqual(await keysOf(store, prefix), keys);
      assert.equal(await store.count(prefix), keys.length);
    }
    assert.equal(await store.count(''), 9);
  });

  it('lists all of many, each once', async () => {
    const { store, soonMs } = start();
    const keys = Array.from({ length: 500 }, (_, index) => `code:${index}`).toSorted();
    for (const key of keys) await store.set(key, key, soonMs);
    assert.deepEqual(await keysOf(store, 'code:'), keys);
  });

  it('may be changed while it is listed, and the list comes to its end', async () => {
    const { store, soonMs } = start();
    for (let index = 0; index < 250; index += 1) await store.set(`code:${index}`, 'one', soonMs);
    let listed = 0;
    for await (const [key, value] of store.list('code:')) {
      listed += 1;
      assert.equal(value, 'one');
      await store.remove(key);
      await store.set(key.replace('code', 'used'), 'two', soonMs);
    }
    assert.equal(listed, 250);
    assert.equal(await store.count('code:'), 0);
    assert.equal(await store.count('used:'), 250);
  });

  it('a list may be left before its end', async () => {
    const { store, soonMs } = start();
    for (let index = 0; index < 250; index += 1) await store.set(`code:${index}`, 'one', soonMs);
    for await (const [key] of store.list('code:')) {
      await store.remove(key);
      break;
    }
    assert.equal(await store.count('code:'), 249);
  });
}

function itCloses(start: Start): void {
  it('is unavailable for all calls once it is closed, and may be closed again', async () => {
    const { store, soonMs } = start();
    await store.set('code:a', 'one', soonMs);
    await store.close();
    await store.close();
    const calls = [
      () => store.get('code:a'),
      () => store.set('code:a', 'two', soonMs),
      () => store.add('code:b', 'two', soonMs),
      () => store.swap('code:a', { before: 'one', after: 'two', endsAtMs: soonMs }),
      () => store.take('code:a'),
      () => store.remove('code:a'),
      () => keysOf(store, ''),
      () => store.count('code:'),
    ];
    for (const call of calls) await assert.rejects(call, StoreUnavailable);
  });
}
