/** Tokens of our own that their owner has called back before they expire, by whom and until when they were issued. RFC 7009 §2.1, RFC 9068 §4. */
import type { AccessToken } from '../oauth/principal.ts';

/** All tokens of a subject, of a client, or of everybody, that were issued until then. */
export interface Revocation {
  readonly by: 'subject' | 'client' | 'all';
  /** Empty for `all`. */
  readonly name: string;
  /** `iat` of the last token that is called back, in seconds. */
  readonly issuedUntil: number;
  /** Wall clock: then the last of them has expired, and this can be forgotten. */
  readonly endsAtMs: number;
}

/** Where revocations come from: calls `accept` with all of now, and again with all when they change; returns the way to stop that. */
export type FollowRevocations = (accept: (revocations: readonly Revocation[]) => void) => () => void;

/** What one thread knows of them. */
export class RevokedTokens {
  readonly #listeners = new Set<() => void>();
  readonly #subjects = new Map<string, number>();
  readonly #clients = new Map<string, number>();
  #everybody = Number.NEGATIVE_INFINITY;

  /** Puts these in the place of those that were known, and tells whoever keeps tokens. */
  replace(revocations: readonly Revocation[]): void {
    this.#subjects.clear();
    this.#clients.clear();
    this.#everybody = Number.NEGATIVE_INFINITY;
    for (const revocation of revocations) this.#add(revocation);
    for (const listener of this.#listeners) listener();
  }

  /** Returns the way to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A token that does not say when it was issued counts as an old one. */
  covers({ subject, client, issuedAt = 0 }: AccessToken): boolean {
    if (issuedAt <= this.#everybody) return true;
    return isUntil(this.#subjects, subject, issuedAt) || isUntil(this.#clients, client, issuedAt);
  }

  #add({ by, name, issuedUntil }: Revocation): void {
    if (by === 'all') this.#everybody = Math.max(this.#everybody, issuedUntil);
    else raise(by === 'subject' ? this.#subjects : this.#clients, name, issuedUntil);
  }
}

function isUntil(known: ReadonlyMap<string, number>, name: string | undefined, issuedAt: number): boolean {
  const until = name === undefined ? undefined : known.get(name);
  return until !== undefined && issuedAt <= until;
}

function raise(known: Map<string, number>, name: string, issuedUntil: number): void {
  known.set(name, Math.max(issuedUntil, known.get(name) ?? Number.NEGATIVE_INFINITY));
}
