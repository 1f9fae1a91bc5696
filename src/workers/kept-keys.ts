/** The login thread's public keys beyond its death: one that has to make new ones has issued tokens that are good still. RFC 7517 §5. */
import type { Clock } from '../lib/clock.ts';
import type { FollowLoginKeys } from '../state/login-keys.ts';

/** Keys of a thread that is gone, and until when a token may rest on them. */
interface Inherited {
  readonly keys: readonly object[];
  readonly untilMs: number;
}

/** More deaths than this within the life of a token leave no more keys. */
const MAX_INHERITED = 8;
/** For clocks that differ, and answers on their way. */
const GRACE_MS = 60_000;

export class KeptKeys {
  readonly #clock: Clock;
  readonly #followers = new Set<(jwks: readonly object[]) => void>();
  #own: readonly object[] = [];
  #inherited: readonly Inherited[] = [];
  #expiry: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly follow: FollowLoginKeys = (accept) => {
    this.#followers.add(accept);
    if (this.#own.length > 0) accept(this.#all());
    return () => this.#followers.delete(accept);
  };

  /** What has been told so far was told by a thread that is gone, whose tokens live for so long. */
  beginLife(tokenLifeMs: number): void {
    if (this.#own.length === 0) return;
    const lifeMs = tokenLifeMs + GRACE_MS;
    const inherited = { keys: this.#own, untilMs: this.#clock.monotonicMs() + lifeMs };
    this.#inherited = [inherited, ...this.#inherited].slice(0, MAX_INHERITED);
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.#tell(), lifeMs).unref();
  }

  accept(keys: readonly object[]): void {
    this.#own = keys;
    this.#tell();
  }

  #all(): readonly object[] {
    const now = this.#clock.monotonicMs();
    this.#inherited = this.#inherited.filter(({ untilMs }) => untilMs > now);
    // Those that are listed twice are one key to whoever reads them.
    return [...this.#own, ...this.#inherited.flatMap(({ keys }) => keys)];
  }

  #tell(): void {
    const all = this.#all();
    for (const accept of this.#followers) accept(all);
  }
}
