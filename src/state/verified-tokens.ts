/** Cache of access tokens that have been verified: bounded in entries and bytes, keyed by the exact token. RFC 9068 §4. */
import { Lru, type LruOrder } from '../lib/lru.ts';
import { ownText } from '../lib/own-text.ts';
import type { VerificationKey } from '../oauth/jwks.ts';
import type { AccessToken, IssuedAssertion, Principal } from '../oauth/principal.ts';

/** One verified token. */
export interface VerifiedToken {
  readonly principal: Principal;
  /** The configured name of the issuer whose key it is. */
  readonly issuer: string;
  /** Milliseconds since the epoch; from then on the entry is as good as gone. */
  readonly expiresAtMs: number;
  /** When its issuer has to be asked about it again, by the monotonic clock; Infinity = never. */
  readonly recheckAtMs: number;
  /** What a DPoP proof says of this token (RFC 9449 §4.2 `ath`); empty for a token that is bound to no key. */
  readonly ath: string;
  /** The one among the principal's fields; undefined where none is sent. */
  readonly assertion?: IssuedAssertion | undefined;
}

/**
 * Rough cost in bytes of an entry's objects and of the lines that are made of it (backend fields, access line), and of one scope's place in its set. */
const OBJECT_BYTES = 1600;
const SCOPE_BYTES = 64;

interface Bounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/**
 * Verified tokens of one server. The map key is the token itself, so that no two tokens, issuers or hash collisions
 * can ever share an entry (GHSA-4mq7-pvjg-xp2r, CVE-2021-32701).
 */
export class VerifiedTokens {
  /** Called after a change of `entries` or `bytes`. */
  onResize: (() => void) | undefined;
  readonly #tokens: Lru<VerifiedToken>;
  readonly #isOff: boolean;

  /** A bound of 0 turns the cache off. `order`: of all caches that the limits bound together. */
  constructor(limits: Bounds, order?: LruOrder<VerifiedToken>) {
    this.#tokens = new Lru(order ?? limits);
    this.#isOff = limits.maxEntries === 0 || limits.maxBytes === 0;
  }

  get entries(): number {
    return this.#tokens.entries;
  }

  get bytes(): number {
    return this.#tokens.bytes;
  }

  /** The entry of exactly this token, if it has not expired. */
  get(accessToken: string, nowMs: number): VerifiedToken | undefined {
    // A look-up reads the whole token, and an entry copies it.
    if (this.#isOff) return undefined;
    const entry = this.#tokens.get(accessToken);
    if (entry === undefined) return undefined;
    if (nowMs < entry.expiresAtMs) return entry;
    this.#tokens.delete(accessToken);
    this.onResize?.();
    return undefined;
  }

  set(accessToken: string, entry: VerifiedToken): void {
    if (this.#isOff) return;
    const key = ownText(accessToken);
    this.#tokens.set(key, entry, sizeOf(key, entry));
    this.onResize?.();
  }

  /** Forgets the tokens of `issuer` that verified with a key which is not among `keys` any more. */
  keepOnly(issuer: string, keys: readonly VerificationKey[]): void {
    const kept = new Set(keys);
    this.#tokens.deleteWhere((entry) => {
      const { key } = entry.principal;
      return entry.issuer === issuer && key !== undefined && !kept.has(key);
    });
    this.onResize?.();
  }

  /** Forgets the tokens of `issuer` that its owner has called back. */
  dropRevoked(issuer: string, revoked: { covers(accessToken: AccessToken): boolean }): void {
    this.#tokens.deleteWhere(({ issuer: own, principal: { accessToken } }) => {
      return own === issuer && accessToken !== undefined && revoked.covers(accessToken);
    });
    this.onResize?.();
  }
}

function sizeOf(compact: string, { principal, assertion }: VerifiedToken): number {
  const { accessToken, identityFields, rateLimitKey } = principal;
  let bytes = OBJECT_BYTES + compact.length + 2 * rateLimitKey.length;
  if (assertion !== undefined) bytes += assertion.claims.length;
  // Once more in the lines for the backend.
  for (const text of identityFields) bytes += 2 * text.length;
  for (const scope of accessToken?.scopes ?? []) bytes += SCOPE_BYTES + scope.length;
  return bytes;
}
