/** The tokens that were called back, as all replicas share them in the store. RFC 7009 §2.1. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Revocation } from '../state/revoked-tokens.ts';
import type { Records } from './store/records.ts';

/** Longest life of an access token, whatever is configured now or was before, and for clocks that differ. */
const KEPT_MS = 70 * 60_000;

export class Revocations {
  readonly #records: Records<Revocation>;
  readonly #clock: Clock;
  #known: readonly Revocation[] = [];

  constructor(records: Records<Revocation>, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  get known(): readonly Revocation[] {
    return this.#known;
  }

  /** Reads what all replicas have called back. True when that is other than before. Rejects as the store does. */
  async refresh(): Promise<boolean> {
    const found: Revocation[] = [];
    for await (const revocation of this.#records.list()) found.push(revocation);
    const before = describe(this.#known);
    this.#known = found;
    return before !== describe(found);
  }

  /** Of whatever was issued up to this second. */
  async add(by: Revocation['by'], name = ''): Promise<void> {
    const now = this.#clock.nowMs();
    const endsAtMs = now + KEPT_MS;
    const revocation = { by, name, issuedUntil: Math.floor(now / 1000), endsAtMs };
    // Added, because a store that fails over repeats what was added, and nothing that was only put.
    await this.#records.add(randomUUID(), revocation, endsAtMs);
    await this.refresh();
  }
}

/** The store lists in no order. */
function describe(revocations: readonly Revocation[]): string {
  return JSON.stringify(revocations.map(({ by, name, issuedUntil }) => [by, name, issuedUntil].join(' ')).toSorted());
}
