/** The store in a file: the contract of all stores, and what a file is for: processes come, share it, and are killed. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../../src/lib/clock.ts';
import { Records } from '../../../../src/login/store/records.ts';
import { createSeal } from '../../../../src/login/store/seal.ts';
import { SqliteStore } from '../../../../src/login/store/sqlite-store.ts';
import { StoreUnavailable } from '../../../../src/login/store/store.ts';
import { type Child, startChild } from '../../../support/child.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { createTempFolder } from '../../../support/temp-folder.ts';
import { itIsAStore } from './store-contract.ts';

const CHILD = fileURLToPath(new URL('./store-child.ts', import.meta.url));
const HOUR_MS = 3_600_000;

const folder = createTempFolder('store');
let files = 0;

function newFile(): string {
  files += 1;
  return join(folder.path, `${files}.db`);
}

function open(path: string, clock: { nowMs(): number; monotonicMs(): number } = systemClock): SqliteStore {
  return new SqliteStore({ path, clock });
}

function run(task: string, path: string): Child {
  return startChild({ command: process.execPath, args: [CHILD, task, path] });
}

function linesOf(child: Child): readonly string[] {
  return child.stdout().split('\n').slice(0, -1);
}

function isIntact(path: string): void {
  const database = new DatabaseSync(path);
  assert.deepEqual({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
  database.close();
}

describe('the store in a file', () => {
  itIsAStore((clock) => open(newFile(), clock));

  it('keeps everything when it is closed and opened again', async () => {
    const [path, clock] = [newFile(), new FakeClock()];
    const store = open(path, clock);
    await store.set('code:a', 'one', clock.nowMs() + HOUR_MS);
    await store.set('code:b', 'two', clock.nowMs() + 1);
    await store.close();
    clock.advance(1);
    const again = open(path, clock);
    assert.equal(await again.get('code:a'), 'one');
    assert.equal(await again.get('code:b'), undefined);
    assert.equal(await again.count(''), 1);
  });

  it('removes rows that have ended, so that the file does not grow for ever', async () => {
    const [path, clock] = [newFile(), new FakeClock()];
    const store = open(path, clock);
    for (let index = 0; index < 1_000; index += 1) {
      clock.advance(1);
      await store.set(`code:${index}`, '', clock.nowMs() + 1);
    }
    const database = new DatabaseSync(path);
    const rows = database.prepare('SELECT count(*) AS rows FROM entries').get()?.['rows'];
    assert.ok(typeof rows === 'number' && rows <= 33, `${String(rows)} rows`);
  });

  it('holds neither ids nor values in clear, in any of its files', async () => {
    const path = newFile();
    const store = open(path);
    const parse = (json: unknown) => (typeof json === 'string' ? json : undefined);
    const records = new Records({ store, seal: createSeal('a secret'), kind: 'code', parse });
    for (let index = 0; index < 100; index += 1) {
      await records.put(`the-id-${index}`, `the-value-${index}`, systemClock.nowMs() + HOUR_MS);
    }
    for (let index = 0; index < 50; index += 1) await records.take(`the-id-${index}`);
    const written = (suffix: string) => readFileSync(path + suffix).toString('latin1');
    assert.match(written('-wal'), /code:/);
    assert.doesNotMatch(written('') + written('-wal') + written('-shm'), /the-id|the-value/);
    await store.close();
    assert.match(written(''), /code:/);
    assert.doesNotMatch(written(''), /the-id|the-value/);
    assert.equal(
      (await new Records({ store: open(path), seal: createSeal('a secret'), kind: 'code', parse }).get('the-id-50'))
        ?.value,
      'the-value-50',
    );
  });
});

describe('a file that several share', () => {
  it('each sees at once what the other has written, and one of all swaps and takes', async () => {
    const path = newFile();
    const stores = [open(path), open(path)];
    const [one, other] = stores;
    assert.ok(one !== undefined && other !== undefined);
    const endsAtMs = systemClock.nowMs() + HOUR_MS;
    await one.set('family:a', 'before', endsAtMs);
    assert.equal(await other.get('family:a'), 'before');
    const many = Array.from({ length: 25 }, () => stores).flat();
    const swapped = await Promise.all(
      many.map((store, by) => store.swap('family:a', { before: 'before', after: `by ${by}`, endsAtMs })),
    );
    assert.equal(swapped.filter(Boolean).length, 1);
    const taken = await Promise.all(many.map((store) => store.take('family:a')));
    assert.deepEqual(
      taken.filter((value) => value !== undefined),
      [`by ${swapped.indexOf(true)}`],
    );
    const added = await Promise.all(many.map((store) => store.add('jti:a', '', endsAtMs)));
    assert.equal(added.filter(Boolean).length, 1);
    await one.close();
    assert.equal(await other.count('jti:'), 1);
    await other.close();
    isIntact(path);
  });

  it('RFC 6749 §4.1.2: of two processes that take the same codes each code goes to one', async () => {
    const path = newFile();
    const store = open(path);
    const endsAtMs = systemClock.nowMs() + HOUR_MS;
    const codes = Array.from({ length: 400 }, (_, index) => `code:${index}`).toSorted();
    for (const code of codes) await store.set(code, '', endsAtMs);
    const children = [run('take', path), run('take', path)];
    for (const child of children)
      await child.waitFor('ready', () => (linesOf(child)[0] === 'ready' ? true : undefined));
    await store.set('start', '', endsAtMs);
    const taken: string[] = [];
    for (const child of children) {
      assert.deepEqual(await child.ended(), { code: 0, signal: null }, child.stderr());
      const keys: unknown = JSON.parse(linesOf(child)[1] ?? '');
      assert.ok(Array.isArray(keys));
      taken.push(...keys);
    }
    assert.deepEqual(taken.toSorted(), codes);
    assert.equal(await store.count('code:'), 0);
  });

  const hasLocks = existsSync('/proc/locks');
  it('howtocorrupt §2.2: to open it once more does not drop the locks that are held on it', {
    skip: !hasLocks,
  }, async () => {
    const path = newFile();
    const store = open(path);
    await store.set('code:a', 'one', systemClock.nowMs() + HOUR_MS);
    const locks = (): readonly string[] => {
      const file = `${statSync(path).ino} `;
      const lines = readFileSync('/proc/locks').toString().split('\n');
      return lines.filter((line) => line.includes(`:${file}`)).map((line) => line.slice(line.indexOf('POSIX')));
    };
    const before = locks();
    assert.equal(before.length, 1);
    const second = open(path);
    assert.deepEqual(locks(), before);
    await second.close();
    assert.deepEqual(locks(), before);
    await store.close();
    assert.deepEqual(locks(), []);
  });

  it('several processes may be the first to open it', async () => {
    const path = newFile();
    const children = Array.from({ length: 6 }, () => run('start', path));
    for (const child of children) assert.deepEqual(await child.ended(), { code: 0, signal: null }, child.stderr());
    assert.equal(await open(path).count('started:'), children.length);
  });
});

describe('a process that is killed', () => {
  it('SIGKILL between any two steps: all that was answered is there, and nothing by halves', async () => {
    const path = newFile();
    let reached = 0;
    for (let round = 0; round < 8; round += 1) {
      const child = run('count', path);
      await child.waitFor('some writes', () => (linesOf(child).length > 20 + 7 * round ? true : undefined));
      child.kill('SIGKILL');
      assert.deepEqual(await child.ended(), { code: null, signal: 'SIGKILL' });
      const answered = Number(linesOf(child).at(-1));
      assert.ok(answered > reached);
      const store = open(path);
      const counted = Number(await store.get('count:now'));
      assert.ok(counted === answered || counted === answered + 1, `${answered} answered, ${counted} counted`);
      for (let number = 1; number <= answered; number += 1) {
        assert.equal(await store.get(`jti:${number}`), String(number));
        assert.equal(await store.get(`code:${number}`), undefined, 'a code that was used came back');
      }
      // What had been begun: each step only after the one before it. It is undone, so that the next process can go on.
      const next = answered + 1;
      const isAdded = (await store.get(`jti:${next}`)) !== undefined;
      if (counted === next) assert.ok(isAdded);
      else await store.remove(`jti:${next}`);
      await store.remove(`code:${next}`);
      await store.close();
      reached = counted;
      isIntact(path);
    }
  });
});

describe('a database that does not answer', () => {
  it('locked by another process: unavailable after a bounded wait, readable meanwhile, well afterwards', async () => {
    const path = newFile();
    const store = open(path);
    const endsAtMs = systemClock.nowMs() + HOUR_MS;
    await store.set('code:a', 'one', endsAtMs);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    await assert.rejects(store.take('code:a'), (error) => {
      assert.ok(error instanceof StoreUnavailable);
      assert.equal(error.message, `the login store ${path} does not answer`);
      assert.match(String(error.cause), /database is locked/);
      return true;
    });
    assert.equal(await store.get('code:a'), 'one');
    other.exec('ROLLBACK');
    assert.equal(await store.take('code:a'), 'one');
    other.close();
  });

  it('full: unavailable, and what was answered is there', async () => {
    const path = newFile();
    // A limit on the size of files stands for a full disk.
    const script = `trap '' XFSZ; ulimit -f 2048; exec "$0" "$@"`;
    const child = startChild({ command: 'bash', args: ['-c', script, process.execPath, CHILD, 'fill', path] });
    assert.deepEqual(await child.ended(), { code: 0, signal: null }, child.stderr());
    const { index, name, cause } = JSON.parse(linesOf(child)[0] ?? '');
    assert.equal(name, 'StoreUnavailable');
    assert.match(cause, /full|disk I\/O/);
    const store = open(path);
    assert.ok(index > 10);
    assert.equal(await store.count('code:'), index);
    await store.set('code:more', '', systemClock.nowMs() + HOUR_MS);
    await store.close();
    isIntact(path);
  });
});
