/** What oidc-provider remembers, in our store. RFC 6749 §4.1.2 (a code is used once), RFC 9700 §4.14.2 (refresh token rotation). */
import { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import type { FindAnyClient } from './clients/find-any-client.ts';
import type { Entry, Records } from './store/records.ts';

/** A refresh token that has been used is good for so long once more: the answer may have been lost on its way. */
const FORGIVEN_MS = 10_000;

/** The kinds that are kept; tokens are JWTs, and there are no sessions. */
export const STORED_KINDS = ['Interaction', 'AuthorizationCode', 'RefreshToken', 'Grant', 'ReplayDetection'] as const;

export type StoredKind = (typeof STORED_KINDS)[number];

export interface AdapterParts {
  readonly records: Readonly<Record<StoredKind, Records<AdapterPayload>>>;
  readonly clock: Clock;
  readonly findClient: FindAnyClient;
  /** Everything that was granted at once is no longer. */
  onGrantEnded(grantId: string): Promise<void>;
}

export function createAdapterFactory(parts: AdapterParts): AdapterFactory {
  return (name) => {
    if (name === 'Client') return { ...NOTHING, find: async (id) => parts.findClient(id) };
    const kind = STORED_KINDS.find((each) => each === name);
    return kind === undefined ? NOTHING : new StoredKindAdapter(kind, parts);
  };
}

const NOTHING: Adapter = {
  upsert: async () => undefined,
  find: async () => undefined,
  findByUserCode: async () => undefined,
  findByUid: async () => undefined,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined,
};

class StoredKindAdapter implements Adapter {
  readonly #kind: StoredKind;
  readonly #records: Records<AdapterPayload>;
  readonly #parts: AdapterParts;

  constructor(kind: StoredKind, parts: AdapterParts) {
    this.#kind = kind;
    this.#records = parts.records[kind];
    this.#parts = parts;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const endsAtMs = this.#parts.clock.nowMs() + expiresIn * 1000;
    if (this.#kind !== 'ReplayDetection') return this.#records.put(id, payload, endsAtMs);
    // The library has looked before, and somebody else may have looked at the same moment.
    if (!(await this.#records.add(id, payload, endsAtMs))) throw new errors.InvalidDpopProof('DPoP proof used twice');
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const found = (await this.#records.get(id))?.value;
    if (found === undefined || this.#isUsedUp(found)) return found;
    const { consumed: _, ...unused } = found;
    return unused;
  }

  /** Compare and set: of two who use a code at the same moment one gets tokens. */
  async consume(id: string): Promise<void> {
    const entry = await this.#records.get(id);
    if (entry === undefined || this.#isUsedUp(entry.value)) throw new errors.InvalidGrant('used already');
    if (entry.value.consumed !== undefined) return;
    if (!(await this.#markUsed(id, entry))) return this.consume(id);
  }

  async destroy(id: string): Promise<void> {
    await this.#records.remove(id);
    if (this.#kind === 'Grant') await this.#parts.onGrantEnded(id);
  }

  /** Codes and refresh tokens are worth nothing without their grant, which is destroyed with this call. */
  async revokeByGrantId(): Promise<undefined> {
    return undefined;
  }

  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async findByUid(): Promise<undefined> {
    return undefined;
  }

  #isUsedUp({ consumed }: AdapterPayload): boolean {
    if (typeof consumed !== 'number') return false;
    // A clock that was set back forgives nothing.
    return this.#kind !== 'RefreshToken' || Math.abs(this.#parts.clock.nowMs() - consumed) > FORGIVEN_MS;
  }

  #markUsed(id: string, entry: Entry<AdapterPayload>): Promise<boolean> {
    const now = this.#parts.clock.nowMs();
    const { exp = now / 1000 } = entry.value;
    // Used refresh tokens would fill the store; `refresh-tokens.ts` knows them without it.
    const endsAtMs = this.#kind === 'RefreshToken' ? now + FORGIVEN_MS : exp * 1000;
    return this.#records.replace(id, entry, { value: { ...entry.value, consumed: now }, endsAtMs });
  }
}
