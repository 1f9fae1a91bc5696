/** Tokens that were called back, beyond the death of the login thread: its keys are kept as well, and its memory may be lost. RFC 7009 §2.1. */
import type { Clock } from '../lib/clock.ts';
import type { FollowRevocations, Revocation } from '../state/revoked-tokens.ts';

export class KeptRevocations {
  readonly #clock: Clock;
  readonly #followers = new Set<(revocations: readonly Revocation[]) => void>();
  #kept: readonly Revocation[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly follow: FollowRevocations = (accept) => {
    this.#followers.add(accept);
    if (this.#kept.length > 0) accept(this.#kept);
    return () => this.#followers.delete(accept);
  };

  /** Those of before stay until they end. */
  accept(told: readonly Revocation[]): void {
    const nowMs = this.#clock.nowMs();
    const all = new Map<string, Revocation>();
    for (const revocation of [...this.#kept, ...told]) {
      const name = JSON.stringify([revocation.by, revocation.name]);
      const before = all.get(name);
      const isLater = before === undefined || revocation.issuedUntil >= before.issuedUntil;
      if (isLater && revocation.endsAtMs > nowMs) all.set(name, revocation);
    }
    this.#kept = [...all.values()];
    for (const accept of this.#followers) accept(this.#kept);
  }
}
