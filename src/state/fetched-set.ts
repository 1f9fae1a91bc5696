/** What an issuer's JWK Set, as fetched, is good for. RFC 7517 §5, RFC 8725 §3.1. */
import type { JwsAlgorithm } from '../oauth/jwa.ts';
import { type IgnoredKey, type JwkSet, parseJwkSet, type VerificationKey } from '../oauth/jwks.ts';

/** Keys were published, and there is something against each of them. */
export class UnusableKeys extends Error {
  override readonly name = 'UnusableKeys';
  readonly ignored: readonly IgnoredKey[];

  constructor(message: string, ignored: readonly IgnoredKey[]) {
    super(message);
    this.ignored = ignored;
  }
}

/** Throws when the document is no JWK Set, and UnusableKeys when no key of it can be used. `place` is where it was. */
export function readFetchedSet(document: unknown, place: string): JwkSet {
  const set = parseJwkSet(document);
  if (set === undefined) throw new Error(`${place}: expected a JWK Set, an object with an array "keys"`);
  // An empty set is an issuer's word that none of its keys counts any more; a set that cannot be read is no word at all.
  if (set.keys.length > 0 || set.ignored.length === 0) return set;
  throw new UnusableKeys(`${place}: the JWK Set holds no key that can verify a signature`, set.ignored);
}

/** Keys of which none fits an accepted algorithm, as fields for the log; undefined when one does, or there is none. */
export function describeUnaccepted(
  keys: readonly VerificationKey[],
  accepted: ReadonlySet<JwsAlgorithm>,
): Readonly<Record<string, unknown>> | undefined {
  const offered = new Set(keys.flatMap(({ algorithms }) => [...algorithms]));
  if (offered.size === 0 || !offered.isDisjointFrom(accepted)) return undefined;
  return {
    key_algorithms: [...offered],
    accepted_algorithms: [...accepted],
    cure: 'add one of key_algorithms to idp.accepted_algorithms, or to those of this issuer',
  };
}
