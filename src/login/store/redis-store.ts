/** The login's store in Redis, shared by replicas: what was used up stays so through a failover. RFC 6749 §10.5, RFC 9700 §4.14. */
import { hash } from 'node:crypto';
import { isRefusal, RedisRunner, type RedisStoreAccess, type RedisStoreOptions } from './redis-runner.ts';
import type { ScriptName } from './redis-scripts.ts';
import { type Store, type Swap, wholeMs } from './store.ts';

/** How long `ready` waits for a Redis that starts at the same time, or was replaced just now. */
const LOOKS = 100;
const LOOK_PAUSE_MS = 100;

/** In a cluster each of these has a slot, and a history and indexes of its own. */
const CLUSTER_TAGS = Array.from('0123456789abcdef');

interface Listed {
  readonly tag: string;
  readonly kind: string;
  readonly prefix: string;
}

/**
 * Redis acknowledges a change before its replicas and its disk have it. The guarantee: no code, refresh token or state is good
 * again that was used up, and no login is back that was ended, after a failover or a restart that has lost the last minute of
 * changes, as long as the process that made the change lives and reaches Redis again within `MARGIN_MS`. Two things make it:
 * on every new connection a process makes its last closing changes once more before it uses it; and until that long after the
 * new history was first seen nothing is used up at all (`StoreUnavailable`). What was new and is lost is gone: people log in
 * again. It rests on `noeviction`, and for restarts on an append-only file. Redis 6.2 or newer.
 */
export class RedisStore implements Store {
  readonly #runner: RedisRunner;
  readonly #tags: readonly string[];

  constructor(options: RedisStoreOptions) {
    this.#tags = options.url.kind === 'cluster' ? CLUSTER_TAGS : [''];
    this.#runner = new RedisRunner(options, this.#tags);
  }

  /** Begins to connect in the background, and keeps at it. */
  start(): void {
    this.#runner.start();
  }

  /** Resolves when changes are taken; rejects at once when Redis refuses us, and after ten seconds when it is away. */
  async ready(): Promise<void> {
    for (let look = 1; ; look += 1) {
      try {
        return await this.#runner.settle();
      } catch (error) {
        if (look === LOOKS || isRefusal(error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_PAUSE_MS));
    }
  }

  /** Other credentials or authorities for the same Redis. */
  renewAccess(access: RedisStoreAccess): void {
    this.#runner.renewAccess(access);
  }

  async get(key: string): Promise<string | undefined> {
    return textOf(await this.#run('get', key));
  }

  async set(key: string, value: string, endsAtMs: number): Promise<void> {
    await this.#run('set', key, [value, String(wholeMs(endsAtMs))]);
  }

  async add(key: string, value: string, endsAtMs: number): Promise<boolean> {
    const values = [value, String(wholeMs(endsAtMs))];
    const isAdded = (await this.#run('add', key, values)) === 1;
    if (isAdded) this.#note('addAgain', key, values);
    return isAdded;
  }

  async swap(key: string, { before, after, endsAtMs }: Swap): Promise<boolean> {
    const values = [before, after, String(wholeMs(endsAtMs))];
    const isSwapped = (await this.#run('swap', key, values)) === 1;
    if (isSwapped) this.#note('swapAgain', key, values);
    return isSwapped;
  }

  async take(key: string): Promise<string | undefined> {
    const text = textOf(await this.#run('take', key));
    if (text !== undefined) this.#note('removeAgain', key, [text]);
    return text;
  }

  async remove(key: string): Promise<void> {
    const text = textOf(await this.#run('remove', key));
    if (text !== undefined) this.#note('removeAgain', key, [text]);
  }

  async *list(prefix: string): AsyncIterable<readonly [key: string, value: string]> {
    for (const tag of this.#tags) {
      for (const kind of await this.#kindsOf(tag, prefix)) yield* this.#listKind({ tag, kind, prefix });
    }
  }

  async count(prefix: string): Promise<number> {
    if (isKind(prefix)) {
      const places = this.#tags.map((tag) => ({ tag, kind: prefix }));
      const counts = await Promise.all(places.map((place) => this.#runner.run({ script: 'count', ...place })));
      return counts.reduce<number>((sum, count) => sum + Number(count), 0);
    }
    let count = 0;
    for await (const _ of this.list(prefix)) count += 1;
    return count;
  }

  async close(): Promise<void> {
    this.#runner.stop();
  }

  async #kindsOf(tag: string, prefix: string): Promise<readonly string[]> {
    if (isKind(prefix)) return [prefix];
    const kinds = textsOf(await this.#runner.run({ script: 'kinds', tag, kind: '' }));
    return kinds.filter((kind) => kind.startsWith(prefix) || prefix.startsWith(kind));
  }

  /** ZSCAN gives every key that is there from beginning to end, and some of them twice. */
  async *#listKind({ tag, kind, prefix }: Listed): AsyncIterable<readonly [key: string, value: string]> {
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const reply = await this.#runner.run({ script: 'scan', tag, kind, values: [cursor] });
      const [next, found]: readonly unknown[] = Array.isArray(reply) ? reply : [];
      const members = textsOf(found).filter((_, at) => at % 2 === 0);
      const keys = new Set(members)
        .difference(seen)
        .values()
        .filter((key) => key.startsWith(prefix))
        .toArray();
      for (const key of keys) seen.add(key);
      const values = await Promise.all(keys.map((key) => this.get(key)));
      for (const [at, key] of keys.entries()) {
        const value = values[at];
        if (value !== undefined) yield [key, value];
      }
      cursor = textOf(next) ?? '0';
    } while (cursor !== '0');
  }

  #run(script: ScriptName, key: string, values?: readonly string[]): Promise<unknown> {
    return this.#runner.run({ script, ...this.#placeOf(key), ...(values && { values }) });
  }

  #note(script: ScriptName, key: string, values: readonly string[]): void {
    this.#runner.note({ script, ...this.#placeOf(key), values });
  }

  #placeOf(key: string) {
    const tag = this.#tags.length === 1 ? '' : hash('sha256', key, 'hex').slice(0, 1);
    return { tag, kind: kindOf(key), key };
  }
}

/** `code:4fT…` → `code:`; the empty text for a key without a colon. */
function kindOf(key: string): string {
  return key.slice(0, key.indexOf(':') + 1);
}

function isKind(prefix: string): boolean {
  return prefix !== '' && kindOf(prefix) === prefix;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
