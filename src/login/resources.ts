/** Which of the protected resources is meant. RFC 8707 §2, RFC 3986 §6.2. */
import { normalizeHttpUri } from '../oauth/http-uri.ts';
import type { LoginResource } from './options.ts';
import { knownScopes } from './people/scopes.ts';

/**
 * The one that a client names: `https://host` and `https://host/` are one, and clients write both. The only one where nothing
 * is named; undefined where that leaves a choice, and for what is none of them.
 */
export function findResource(
  resources: readonly LoginResource[],
  asked: string | undefined,
): LoginResource | undefined {
  if (asked === undefined) return resources.length === 1 ? resources[0] : undefined;
  const normalized = normalizeHttpUri(asked);
  const isSame = ({ resource }: LoginResource): boolean =>
    resource === asked || (normalized !== undefined && normalized === normalizeHttpUri(resource));
  return resources.find(isSame);
}

/** All that any of them knows. */
export function scopesOfAll(resources: readonly LoginResource[]): readonly string[] {
  return [...new Set(resources.flatMap(knownScopes))];
}
