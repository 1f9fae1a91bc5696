/** Refresh tokens that say which family they are of, to us alone: so one that was used long ago is still known. RFC 9700 §4.14.2. */
import type { AdapterPayload } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import { isJsonObject } from '../lib/json-text.ts';
import type { Families } from './family.ts';
import type { Records } from './store/records.ts';
import type { Seal } from './store/seal.ts';

/** A token of the library, and the grant that it is of. */
interface Known {
  readonly token: string;
  readonly grantId: string;
}

export interface RefreshTokensOptions {
  readonly seal: Seal;
  readonly refreshTokens: Records<AdapterPayload>;
  readonly grants: Records<AdapterPayload>;
  readonly families: Families;
  readonly clock: Clock;
}

const SEPARATOR = '.';
/** A used one is good for so long once more: the answer may have been lost on its way. */
const FORGIVEN_MS = 10_000;
/** A client that refreshes without a pause while an old answer is being asked for. */
const LONGEST_CHAIN = 8;
/** Members of a stored token of the library: what came after it, and when, ms since the epoch. */
const SUCCESSOR = 'successor';
const USED = 'usedMs';

export class RefreshTokens {
  readonly #options: RefreshTokensOptions;
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: RefreshTokensOptions) {
    this.#options = options;
  }

  /** Undefined for what is none of ours. */
  read(presented: string | null): Known | undefined {
    const [token = '', sealed = '', ...more] = presented?.split(SEPARATOR) ?? [];
    const grantId = more.length > 0 ? undefined : this.#options.seal.unseal(nameOf(token), sealed);
    return grantId === undefined ? undefined : { token, grantId };
  }

  /** The refreshes of one login one after the other: clients send several at once, and each would make one more token. */
  async inTurn<T>({ grantId }: Known, act: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(grantId);
    const turn = Promise.resolve(before)
      .catch(() => undefined)
      .then(act);
    this.#turns.set(grantId, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(grantId) === turn) this.#turns.delete(grantId);
    }
  }

  /**
   * The token to be presented to the library, and whether it is to be replaced: what was used a moment ago stands for its
   * successor, so that a lost answer is found again and nobody gets two. Undefined: used up, or never there.
   */
  async resolve({ token }: Known): Promise<{ readonly token: string; readonly rotates: boolean } | undefined> {
    let latest = token;
    for (let looks = 0; looks < LONGEST_CHAIN; looks += 1) {
      const stored = (await this.#options.refreshTokens.get(latest))?.value;
      if (stored === undefined || this.#isUsedUp(stored)) return undefined;
      const successor = successorOf(stored);
      if (successor === undefined) return { token: latest, rotates: latest === token };
      latest = successor;
    }
    return undefined;
  }

  /** A clock that was set back forgives nothing. */
  #isUsedUp({ [USED]: usedMs }: AdapterPayload): boolean {
    return typeof usedMs === 'number' && Math.abs(this.#options.clock.nowMs() - usedMs) > FORGIVEN_MS;
  }

  /** The answer of the library to a code, with its refresh token as clients get it. */
  async writeFirst(answer: string): Promise<string> {
    const token = refreshTokenIn(answer);
    const grantId = token && (await this.#options.refreshTokens.get(token))?.value.grantId;
    return token === undefined || grantId === undefined ? answer : this.#write(answer, { token, grantId });
  }

  /**
   * The same for a refresh by `used`, which is used up with the last thing that this does: where anything fails, the client
   * still has it.
   */
  async writeNext(answer: string, { token: used, grantId }: Known): Promise<string> {
    const made = refreshTokenIn(answer);
    if (made === undefined) return answer;
    const token = used === made ? made : await this.#succeed(used, made);
    return this.#write(answer, { token, grantId });
  }

  #write(answer: string, { token, grantId }: Known): string {
    const sealed = this.#options.seal.seal(nameOf(token), grantId);
    const body: unknown = JSON.parse(answer);
    return JSON.stringify({ ...(isJsonObject(body) && body), refresh_token: token + SEPARATOR + sealed });
  }

  /** Of several at once, in all replicas, one is the successor, and all get that one. */
  async #succeed(used: string, made: string): Promise<string> {
    const { refreshTokens, clock } = this.#options;
    const entry = await refreshTokens.get(used);
    const first = successorOf(entry?.value);
    if (entry !== undefined && first === undefined) {
      const now = clock.nowMs();
      const value = { ...entry.value, [SUCCESSOR]: made, [USED]: now };
      if (await refreshTokens.replace(used, entry, { value, endsAtMs: now + FORGIVEN_MS })) return made;
    }
    const other = first ?? successorOf((await refreshTokens.get(used))?.value);
    if (other === undefined) return made;
    await refreshTokens.remove(made);
    return other;
  }

  /**
   * One that has been used, or was not used for too long: whoever holds the newest one of its family may be a thief, and
   * the one who asks as well.
   */
  async endReused({ grantId }: Known): Promise<void> {
    const { grants, families } = this.#options;
    await grants.remove(grantId);
    await families.end(grantId, 'refresh_token_reused');
  }
}

function refreshTokenIn(answer: string): string | undefined {
  const body: unknown = JSON.parse(answer);
  const token = isJsonObject(body) ? body['refresh_token'] : undefined;
  return typeof token === 'string' ? token : undefined;
}

function successorOf(payload: AdapterPayload | undefined): string | undefined {
  const successor: unknown = payload?.[SUCCESSOR];
  return typeof successor === 'string' ? successor : undefined;
}

/** It opens beside its own token alone. */
function nameOf(token: string): string {
  return `refresh token ${token}`;
}
