/** The login's store in a SQLite file: outlives restarts, SIGKILL and loss of power. Several processes may share the file. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../../lib/clock.ts';
import { isOutage } from './sqlite-error.ts';
import { openStoreFile } from './sqlite-file.ts';
import { type Store, StoreUnavailable, type Swap, wholeMs } from './store.ts';

/** Every change is one statement, which SQLite makes whole or not at all. */
const SQL = {
  get: 'SELECT value FROM entries WHERE key = :key AND ends_at > :now',
  set: `INSERT INTO entries VALUES (:key, :value, :end)
    ON CONFLICT (key) DO UPDATE SET value = :value, ends_at = :end`,
  add: `INSERT INTO entries VALUES (:key, :value, :end)
    ON CONFLICT (key) DO UPDATE SET value = :value, ends_at = :end WHERE ends_at <= :now`,
  swap: `UPDATE entries SET value = :after, ends_at = :end WHERE key = :key AND value = :before AND ends_at > :now`,
  take: 'DELETE FROM entries WHERE key = :key AND ends_at > :now RETURNING value',
  remove: 'DELETE FROM entries WHERE key = :key',
  list: `SELECT key, value FROM entries WHERE key >= :from AND key < :beyond AND ends_at > :now
    ORDER BY key LIMIT :page`,
  count: 'SELECT count(*) AS count FROM entries WHERE key >= :prefix AND key < :beyond AND ends_at > :now',
  sweep: `DELETE FROM entries WHERE rowid IN
    (SELECT rowid FROM entries WHERE ends_at <= :now ORDER BY ends_at LIMIT :batch)`,
} as const;

type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>;

/** One write in so many removes up to so many rows that have ended: more than are written, so that they never gather. */
const WRITES_BETWEEN_SWEEPS = 32;
const SWEPT_AT_ONCE = 128;

/** Rows read at once for a list. Between two pages nothing is held open, so others may write. */
const PAGE = 100;

/** A key with this behind it is the next one that there can be; no ASCII key comes after the other. */
const FIRST_CHARACTER = '\0';
const LAST_CHARACTER = '\u{10ffff}';

interface SqliteStoreOptions {
  /** Absolute. */
  readonly path: string;
  readonly clock: Clock;
}

export class SqliteStore implements Store {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  #writes = 0;

  /** Throws `StoreUnusable` or `StoreUnavailable`, as `openStoreFile` has it. */
  constructor({ path, clock }: SqliteStoreOptions) {
    this.#path = path;
    this.#clock = clock;
    this.#database = openStoreFile(path);
    this.#statements = this.#ask(() => prepareAll(this.#database));
  }

  async get(key: string): Promise<string | undefined> {
    return this.#ask(() => textOf(this.#statements.get.get({ key, now: this.#now() })?.['value']));
  }

  async set(key: string, value: string, endsAtMs: number): Promise<void> {
    const end = wholeMs(endsAtMs);
    this.#change(() => this.#statements.set.run({ key, value, end }));
  }

  async add(key: string, value: string, endsAtMs: number): Promise<boolean> {
    const end = wholeMs(endsAtMs);
    return this.#change(() => this.#statements.add.run({ key, value, end, now: this.#now() }).changes === 1);
  }

  async swap(key: string, { before, after, endsAtMs }: Swap): Promise<boolean> {
    const end = wholeMs(endsAtMs);
    return this.#change(() => this.#statements.swap.run({ key, before, after, end, now: this.#now() }).changes === 1);
  }

  async take(key: string): Promise<string | undefined> {
    // `all` reads on to the end of the statement, which is where the removal is committed.
    return this.#change(() => textOf(this.#statements.take.all({ key, now: this.#now() })[0]?.['value']));
  }

  async remove(key: string): Promise<void> {
    this.#change(() => this.#statements.remove.run({ key }));
  }

  async *list(prefix: string): AsyncIterable<readonly [key: string, value: string]> {
    const beyond = prefix + LAST_CHARACTER;
    let from = prefix;
    for (let read = PAGE; read === PAGE; ) {
      const rows = this.#ask(() => this.#statements.list.all({ from, beyond, now: this.#now(), page: PAGE }));
      read = rows.length;
      for (const { key, value } of rows) {
        if (typeof key !== 'string' || typeof value !== 'string') continue;
        from = key + FIRST_CHARACTER;
        yield [key, value];
      }
    }
  }

  async count(prefix: string): Promise<number> {
    const range = { prefix, beyond: prefix + LAST_CHARACTER };
    const count = this.#ask(() => this.#statements.count.get({ ...range, now: this.#now() })?.['count']);
    return typeof count === 'number' ? count : 0;
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#ask(() => this.#database.close());
  }

  #now(): number {
    return this.#clock.nowMs();
  }

  /** Sweeps first: where that fails, nothing of the change has been made. */
  #change<Outcome>(change: () => Outcome): Outcome {
    return this.#ask(() => {
      this.#writes += 1;
      if (this.#writes % WRITES_BETWEEN_SWEEPS === 0) {
        this.#statements.sweep.run({ now: this.#now(), batch: SWEPT_AT_ONCE });
      }
      return change();
    });
  }

  #ask<Outcome>(question: () => Outcome): Outcome {
    if (!this.#database.isOpen) throw new StoreUnavailable(`the login store ${this.#path} is closed`);
    try {
      return question();
    } catch (cause) {
      if (!isOutage(cause)) throw cause;
      throw new StoreUnavailable(`the login store ${this.#path} does not answer`, { cause });
    }
  }
}

function prepareAll(database: DatabaseSync): Statements {
  return {
    get: database.prepare(SQL.get),
    set: database.prepare(SQL.set),
    add: database.prepare(SQL.add),
    swap: database.prepare(SQL.swap),
    take: database.prepare(SQL.take),
    remove: database.prepare(SQL.remove),
    list: database.prepare(SQL.list),
    count: database.prepare(SQL.count),
    sweep: database.prepare(SQL.sweep),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
