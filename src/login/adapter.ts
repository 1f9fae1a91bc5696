/** What oidc-provider remembers, in our store. RFC 6749 §4.1.2 (a code is used once), RFC 9700 §4.14.2 (refresh token rotation). */
import { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import { CARRIED_INTERACTIONS } from './carried-interaction.ts';
import type { FindAnyClient } from './clients/find-any-client.ts';
import type { Records } from './store/records.ts';

/** The kinds that are kept; tokens are JWTs, there are no sessions, and browsers carry interactions. */
export const STORED_KINDS = ['AuthorizationCode', 'RefreshToken', 'Grant', 'ReplayDetection'] as const;

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
    if (name === 'Interaction') return { ...NOTHING, ...CARRIED_INTERACTIONS };
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
    return (await this.#records.get(id))?.value;
  }

  /** Compare and set: of two who use a code at the same moment one gets tokens. Refresh tokens: `refresh-tokens.ts`. */
  async consume(id: string): Promise<void> {
    if (this.#kind === 'RefreshToken') return;
    const entry = await this.#records.get(id);
    if (entry === undefined || entry.value.consumed !== undefined) throw new errors.InvalidGrant('used already');
    const now = this.#parts.clock.nowMs();
    const { exp = now / 1000 } = entry.value;
    const value = { ...entry.value, consumed: now };
    if (!(await this.#records.replace(id, entry, { value, endsAtMs: exp * 1000 }))) return this.consume(id);
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
}
