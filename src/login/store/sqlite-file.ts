/** The file of the login's store: private, and known to be ours before anything in it is changed. SQLite, file format 4. */
import { chmodSync, closeSync, lstatSync, openSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isOutage, RESULT, resultCodeOf } from './sqlite-error.ts';
import { StoreUnavailable } from './store.ts';

/** How long a call waits for another process that writes. It holds up the thread, and a write takes 0.2 ms. */
const BUSY_MS = 1_000;

/** "Obex": by this SQLite, `file` and we tell our files from those of other programs. */
const APPLICATION_ID = 0x4f_62_65_78;

/** `user_version` of the file. Another table or another seal is another version. */
const SCHEMA_VERSION = 1;

const PRIVATE = 0o600;
const OPEN_TO_OTHERS = 0o077;

/** What SQLite keeps beside the file. They get the mode of the file when they are made. */
const COMPANIONS = ['-wal', '-shm', '-journal'];

/**
 * One index finds what has ended. The other counts a kind without reading its values, which are most of the file: 6 ms for
 * 100,000 instead of 170.
 */
const SCHEMA = `
  CREATE TABLE entries (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, ends_at INTEGER NOT NULL) STRICT;
  CREATE INDEX entries_by_end ON entries (ends_at);
  CREATE INDEX entries_by_key ON entries (key, ends_at);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * A write-ahead log lets readers go on beside a writer and needs one flush a write. That flush (FULL: 170 µs a write instead
 * of 40) is worth it: without it a loss of power brings back codes and refresh tokens that have been used.
 */
const SETTINGS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = 4194304;
  PRAGMA trusted_schema = OFF;
`;

const FORBIDDEN: ReadonlySet<number> = new Set([RESULT.cannotOpen, RESULT.readOnly, RESULT.perm, RESULT.auth]);

/** The file cannot serve as a store until somebody does what the message says. */
export class StoreUnusable extends Error {
  override readonly name = 'StoreUnusable';
}

/**
 * Opens the file, or makes it. Throws `StoreUnusable` for what somebody has to mend, with path and cure in its message, and
 * `StoreUnavailable` for what may pass.
 */
export function openStoreFile(file: string): DatabaseSync {
  if (!path.isAbsolute(file)) throw unusable(file, 'is not an absolute path; write it from the root, /data/login.db');
  try {
    makePrivateFile(file);
    const database = new DatabaseSync(file, { timeout: BUSY_MS });
    try {
      prepare(database, file);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (cause) {
    throw explain(file, cause);
  }
}

/** SQLite would make it with the mode 0644. */
function makePrivateFile(file: string): void {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found?.isFile() === false)
    throw unusable(file, 'is not a regular file; name a file, or one that is yet to be made');
  // A file that was there is not opened here: closing it would drop the locks that this process may hold on it
  // (https://sqlite.org/howtocorrupt.html §2.2).
  if (found !== undefined) return;
  try {
    closeSync(openSync(file, 'wx', PRIVATE));
  } catch (error) {
    // Another process was first.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function prepare(database: DatabaseSync, file: string): void {
  const isNew = judge(database, file) === 'new';
  // Not earlier: the modes of a file that a mistake in the configuration names are none of our business.
  for (const name of [file, ...COMPANIONS.map((suffix) => file + suffix)]) closeToOthers(name);
  database.exec(SETTINGS);
  if (isNew) createSchema(database, file);
}

/** New is also the empty file of a process that was killed before it came to the schema. */
function judge(database: DatabaseSync, file: string): 'ours' | 'new' {
  const { id, version, objects } = readMarks(database);
  if (id === APPLICATION_ID && version === SCHEMA_VERSION) return 'ours';
  if (id === APPLICATION_ID) {
    const versions = `schema ${String(version)}, and this one knows ${SCHEMA_VERSION}`;
    throw unusable(file, `was written by a newer Obex (${versions}); start that one, or name another file`);
  }
  if (id === 0 && version === 0 && objects === 0) return 'new';
  throw unusable(file, 'is the database of another program; name another file');
}

/** In one statement: between two, another process may write the schema. */
function readMarks(database: DatabaseSync): Readonly<Record<string, unknown>> {
  const marks = database.prepare(`SELECT application_id AS id, user_version AS version,
    (SELECT count(*) FROM sqlite_schema) AS objects FROM pragma_application_id, pragma_user_version`);
  return marks.get() ?? {};
}

/**
 * Mended rather than refused: a volume with a group (`fsGroup` in Kubernetes) is opened to it at every start, and what is in
 * the file is sealed.
 */
function closeToOthers(file: string): void {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined || !found.isFile() || (found.mode & OPEN_TO_OTHERS) === 0) return;
  try {
    chmodSync(file, PRIVATE);
  } catch (cause) {
    throw unusable(file, `is open to others and belongs to UID ${found.uid}; chown ${user()} ${file}`, cause);
  }
}

/** In one transaction, because another process may be at it too. */
function createSchema(database: DatabaseSync, file: string): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    if (judge(database, file) === 'new') database.exec(SCHEMA);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function explain(file: string, cause: unknown): unknown {
  const problem = problemOf(file, cause);
  if (problem !== undefined) return unusable(file, problem, cause);
  return isOutage(cause) ? new StoreUnavailable(`the login store ${file} cannot be opened`, { cause }) : cause;
}

function problemOf(file: string, cause: unknown): string | undefined {
  const folder = path.dirname(file);
  switch (codeOf(cause)) {
    case 'ENOENT':
      return `has no folder; mkdir -p ${folder} && chown ${user()} ${folder}`;
    case 'ENOTDIR':
      return `cannot be, because a part of its path is not a folder; name another file`;
    case 'EACCES':
    case 'EPERM':
      return `may not be made by UID ${user()}; chown ${user()} ${folder}`;
    case 'EROFS':
      return `is on a read-only file system; mount a volume that can be written at ${folder}`;
    default:
      return sqliteProblemOf(file, cause);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function sqliteProblemOf(file: string, cause: unknown): string | undefined {
  const code = resultCodeOf(cause);
  if (code === RESULT.notADatabase) return 'is not a SQLite database; name another file, or move this one away';
  if (code === undefined || !FORBIDDEN.has(code)) return undefined;
  return `or its folder may not be written by UID ${user()}; chown ${user()} ${path.dirname(file)} ${file}`;
}

function user(): number | string {
  return process.geteuid?.() ?? 'of Obex';
}

function unusable(file: string, problem: string, cause?: unknown): StoreUnusable {
  return new StoreUnusable(`the login store ${file} ${problem}`, { cause });
}
