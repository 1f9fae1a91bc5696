/** The keys that sign access tokens: kept in the store, made anew in time, published before they are used. RFC 7517, RFC 9068 §2.1. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Entry, Records } from './store/records.ts';

/** A private key and when it was made, ms since the epoch. */
export interface SigningKey {
  readonly kid: string;
  readonly x: string;
  readonly y: string;
  readonly d: string;
  readonly madeMs: number;
}

export interface PublicKey {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly use: 'sig';
  readonly alg: 'ES256';
  readonly kid: string;
  readonly x: string;
  readonly y: string;
}

const DAY_MS = 24 * 3_600_000;
/** How long a key signs. */
const LIFE_MS = 30 * DAY_MS;
/** Replicas read the store each minute; a key that signs must be known to all. */
const PUBLISHED_BEFORE_MS = 10 * 60_000;
/** Longest life of a token, and as much again for clocks. */
const KEPT_AFTER_MS = DAY_MS;
/** Clocks of replicas. */
const CLOCKS_DIFFER_MS = 60 * 60_000;
const KEPT_IN_STORE_MS = 400 * DAY_MS;
const ID = 'signing';

export class SigningKeys {
  readonly #records: Records<readonly SigningKey[]>;
  readonly #clock: Clock;
  #keys: readonly SigningKey[] = [];
  /** As `describe` had it when somebody was last told. */
  #told = '';

  constructor(records: Records<readonly SigningKey[]>, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** Reads what the store has, and makes what is due. True when anything is other than before. Rejects as the store does. */
  async refresh(): Promise<boolean> {
    const before = this.#told;
    this.#keys = await this.#settle();
    // Time alone turns a key into the one that signs.
    this.#told = this.#describe();
    return before !== this.#told;
  }

  /** The one that signs now comes first: the library takes the first that fits. */
  get inOrder(): readonly SigningKey[] {
    const now = this.#clock.nowMs();
    const signing = currentOf(this.#keys, now);
    return this.#keys.toSorted((one, other) => Number(other === signing) - Number(one === signing));
  }

  get publicKeys(): readonly PublicKey[] {
    return this.#keys.map(({ kid, x, y }) => ({ kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256', kid, x, y }));
  }

  #describe(): string {
    return this.inOrder.map(({ kid }) => kid).join(' ');
  }

  /** Two replicas may come at once: one of them writes, and the other reads what it wrote. */
  async #settle(): Promise<readonly SigningKey[]> {
    const now = this.#clock.nowMs();
    const endsAtMs = now + KEPT_IN_STORE_MS;
    const entry = await this.#records.get(ID);
    if (entry === undefined) return this.#begin(now);
    const due = rotate(entry.value, now);
    if (due === entry.value) return due;
    return this.#replace(entry, due, endsAtMs);
  }

  async #begin(now: number): Promise<readonly SigningKey[]> {
    const first = [makeKey(now)];
    return (await this.#records.add(ID, first, now + KEPT_IN_STORE_MS)) ? first : this.#settle();
  }

  async #replace(
    entry: Entry<readonly SigningKey[]>,
    due: readonly SigningKey[],
    endsAtMs: number,
  ): Promise<readonly SigningKey[]> {
    return (await this.#records.replace(ID, entry, { value: due, endsAtMs })) ? due : this.#settle();
  }
}

/** The newest that has been published for long enough; else the one that was there first. `keys` are in the order in which they were made. */
export function currentOf(keys: readonly SigningKey[], now: number): SigningKey | undefined {
  return newest(keys.filter(({ madeMs }) => now - madeMs >= PUBLISHED_BEFORE_MS)) ?? keys[0];
}

/** `keys` itself when nothing is due. */
export function rotate(keys: readonly SigningKey[], now: number): readonly SigningKey[] {
  // What was made by a clock that was ahead says nothing of its age: it signs until there is another.
  const last = newest(keys.filter(({ madeMs }) => !isOfTheFuture(madeMs, now)));
  const isDue = last === undefined || now - last.madeMs >= LIFE_MS;
  const next = isDue ? [...keys, makeKey(now)] : keys;
  const signing = currentOf(next, now);
  const kept = next.filter((key) => key === signing || isKept(key, signing, now));
  return kept.length === keys.length && next === keys ? keys : kept;
}

/** For as long as there can be tokens that it has signed. */
function isKept({ madeMs }: SigningKey, signing: SigningKey | undefined, now: number): boolean {
  if (!isOfTheFuture(madeMs, now)) return now - madeMs < LIFE_MS + KEPT_AFTER_MS;
  return signing === undefined || now - signing.madeMs < KEPT_AFTER_MS;
}

function isOfTheFuture(madeMs: number, now: number): boolean {
  return madeMs > now + CLOCKS_DIFFER_MS;
}

function newest(keys: readonly SigningKey[]): SigningKey | undefined {
  return keys.toSorted((one, other) => other.madeMs - one.madeMs)[0];
}

function makeKey(now: number): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '', d = '' } = privateKey.export({ format: 'jwk' });
  return { kid: randomUUID(), x, y, d, madeMs: now };
}
