/** Which keys of a fetched set are those that are known already. RFC 7517 §4. */
import type { VerificationKey } from '../oauth/jwks.ts';

/**
 * Keeps the objects of keys that stay, so that a verified token can be traced to a key by identity. A key that a set lists
 * twice is one key.
 */
export function keepKnown(
  before: readonly VerificationKey[] | undefined,
  fetched: readonly VerificationKey[],
): readonly VerificationKey[] {
  const known = new Map(before?.map((key) => [identify(key), key]));
  const kept = new Map<string, VerificationKey>();
  for (const key of fetched) {
    const name = identify(key);
    if (!kept.has(name)) kept.set(name, known.get(name) ?? key);
  }
  return [...kept.values()];
}

export function isOtherSet(before: readonly VerificationKey[] | undefined, next: readonly VerificationKey[]): boolean {
  const kept = new Set(before);
  return next.length !== kept.size || next.some((key) => !kept.has(key));
}

/** Equal for two keys only if they verify the same signatures under the same name. */
function identify({ kid, algorithms, key }: VerificationKey): string {
  return JSON.stringify([kid, [...algorithms], key.export({ format: 'jwk' })]);
}
