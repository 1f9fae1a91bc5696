/** The file of the store: who may read it, and what is said when it cannot serve. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../../../src/lib/clock.ts';
import { SqliteStore } from '../../../../src/login/store/sqlite-store.ts';
import { StoreUnavailable } from '../../../../src/login/store/store.ts';
import { createTempFolder } from '../../../support/temp-folder.ts';

const HOUR_MS = 3_600_000;
const NOBODY = 65_534;

const folder = createTempFolder('store-file');
let files = 0;

function newPath(): string {
  files += 1;
  return join(folder.path, `${files}.db`);
}

function open(path: string): SqliteStore {
  return new SqliteStore({ path, clock: systemClock });
}

function modesOf(path: string): Readonly<Record<string, string>> {
  const names = [path, `${path}-wal`, `${path}-shm`];
  return Object.fromEntries(
    names.map((name) => [basename(name).replace(/^\d+/, ''), (statSync(name).mode & 0o777).toString(8)]),
  );
}

const PRIVATE = { '.db': '600', '.db-wal': '600', '.db-shm': '600' };

function refuses(path: string, problem: string): void {
  assert.throws(() => open(path), { name: 'StoreUnusable', message: `the login store ${path} ${problem}` });
}

/** What is not permitted to root is little, so it becomes somebody else. */
function asNobody(context: TestContext): number {
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0) return uid;
  process.seteuid?.(NOBODY);
  context.after(() => process.seteuid?.(0));
  return NOBODY;
}

describe('the mode of the file', () => {
  it('is 0600 for it and all beside it, whatever the umask', async (context) => {
    const umask = process.umask(0);
    context.after(() => process.umask(umask));
    const path = newPath();
    const store = open(path);
    await store.set('code:a', 'one', systemClock.nowMs() + HOUR_MS);
    assert.deepEqual(modesOf(path), PRIVATE);
  });

  it('becomes 0600 when others were let in, also beside it', async () => {
    const path = newPath();
    const before = open(path);
    await before.set('code:a', 'one', systemClock.nowMs() + HOUR_MS);
    for (const suffix of ['', '-wal', '-shm']) chmodSync(path + suffix, 0o664);
    const store = open(path);
    assert.deepEqual(modesOf(path), PRIVATE);
    assert.equal(await store.get('code:a'), 'one');
  });

  it('of a file that is not ours is left alone', () => {
    const path = newPath();
    writeFileSync(path, 'root:x:0:0:root:/root:/bin/bash\n'.repeat(100), { mode: 0o644 });
    refuses(path, 'is not a SQLite database; name another file, or move this one away');
    assert.equal(statSync(path).mode & 0o777, 0o644);
  });
});

describe('a file that cannot serve', () => {
  it('a relative path', () => {
    refuses('login.db', 'is not an absolute path; write it from the root, /data/login.db');
    refuses('', 'is not an absolute path; write it from the root, /data/login.db');
  });

  it('no folder', () => {
    const missing = join(folder.path, 'missing');
    const user = process.geteuid?.();
    refuses(join(missing, 'login.db'), `has no folder; mkdir -p ${missing} && chown ${user} ${missing}`);
  });

  it('a file in the place of the folder', () => {
    const file = newPath();
    writeFileSync(file, '');
    refuses(join(file, 'login.db'), 'cannot be, because a part of its path is not a folder; name another file');
  });

  it('a folder, and a link, in the place of the file', () => {
    const problem = 'is not a regular file; name a file, or one that is yet to be made';
    refuses(folder.path, problem);
    const link = newPath();
    symlinkSync(newPath(), link);
    refuses(link, problem);
  });

  it('a folder that may not be written', (context) => {
    const closed = join(folder.path, 'closed');
    chmodSync(folder.path, 0o755);
    mkdirSync(closed, { mode: 0o555 });
    const user = asNobody(context);
    refuses(join(closed, 'login.db'), `may not be made by UID ${user}; chown ${user} ${closed}`);
  });

  it('a file of somebody else', { skip: process.geteuid?.() !== 0 }, async (context) => {
    const path = newPath();
    await open(path).close();
    chmodSync(folder.path, 0o755);
    const user = asNobody(context);
    refuses(path, `or its folder may not be written by UID ${user}; chown ${user} ${folder.path} ${path}`);
    process.seteuid?.(0);
    chmodSync(path, 0o666);
    chmodSync(folder.path, 0o777);
    process.seteuid?.(NOBODY);
    refuses(path, `is open to others and belongs to UID 0; chown ${user} ${path}`);
  });

  it('a database of another program, which is left as it was', () => {
    const path = newPath();
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE notes (text)');
    other.close();
    const before = readFileSync(path);
    refuses(path, 'is the database of another program; name another file');
    assert.deepEqual(readFileSync(path), before);
  });

  it('a database of a newer Obex, which is left as it was', async () => {
    const path = newPath();
    await open(path).close();
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 2');
    database.close();
    const before = readFileSync(path);
    refuses(path, 'was written by a newer Obex (schema 2, and this one knows 1); start that one, or name another file');
    assert.deepEqual(readFileSync(path), before);
  });

  it('the empty file of a process that was killed while it made it is taken over', async () => {
    const path = newPath();
    writeFileSync(path, '');
    const store = open(path);
    assert.equal(await store.count(''), 0);
    assert.equal(modesOf(path)['.db'], '600');
  });
});

describe('a corrupt file', () => {
  it('is unavailable, with the cause', async () => {
    const path = newPath();
    const store = open(path);
    const endsAtMs = systemClock.nowMs() + HOUR_MS;
    for (let index = 0; index < 200; index += 1) await store.set(`code:${index}`, 'x'.repeat(500), endsAtMs);
    await store.close();
    const bytes = readFileSync(path);
    // The first page stays: header and schema.
    writeFileSync(path, bytes.fill(0xaa, 4096));
    const again = open(path);
    const isCorrupt = (error: unknown): boolean => {
      assert.ok(error instanceof StoreUnavailable);
      assert.equal(error.message, `the login store ${path} does not answer`);
      assert.match(String(error.cause), /malformed/);
      return true;
    };
    await assert.rejects(again.get('code:1'), isCorrupt);
    await assert.rejects(again.set('code:1', '', endsAtMs), isCorrupt);
    await assert.rejects(again.count('code:'), isCorrupt);
  });
});
