/** The JWK Set of keys that sign assertions: that in use, and those before it until nothing signed with them is good. RFC 7517 §5. */
import type { SigningKey } from './signing-key.ts';

type PublicKey = Pick<SigningKey, 'kid' | 'publicJwk'>;

export interface PublishedKeys {
  readonly current: PublicKey;
  /** `untilMs` is on the monotonic clock. */
  readonly retired: readonly (PublicKey & { readonly untilMs: number })[];
}

/** Whoever changes the key more often than this within the life of one assertion is after something else. */
const MOST_RETIRED = 8;

/** The keys after a reload. `keepMs` is how long what was signed until now may still be accepted. */
export function publishKeys(
  current: PublicKey,
  before: PublishedKeys | undefined,
  { nowMs, keepMs }: { readonly nowMs: number; readonly keepMs: number },
): PublishedKeys {
  if (before === undefined) return { current, retired: [] };
  const last = { ...before.current, untilMs: nowMs + keepMs };
  const retired = [last, ...before.retired].filter(({ kid, untilMs }) => kid !== current.kid && untilMs > nowMs);
  return { current, retired: retired.slice(0, MOST_RETIRED) };
}

/** All of them, each once: JSON text. */
export function formatKeySets(all: readonly PublishedKeys[], nowMs: number): string {
  const keys = all.flatMap(({ current, retired }) => [current, ...retired.filter(({ untilMs }) => untilMs > nowMs)]);
  return `{"keys":[${[...new Set(keys.map(({ publicJwk }) => publicJwk))].join(',')}]}`;
}
