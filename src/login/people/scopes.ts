/** Which scopes a client asks for, and which a person may have. RFC 6749 §3.3. */
import type { LoginResource, ScopeGrant } from '../options.ts';
import { isNamed } from './allow.ts';
import type { Person } from './person.ts';

type Scoped = Pick<LoginResource, 'scopesSupported' | 'requiredScopes'>;

/** Every scope that a token can have, in the order of the metadata. A scope that is required and not announced is one. */
export function knownScopes({ scopesSupported, requiredScopes }: Scoped): readonly string[] {
  return [...new Set([...scopesSupported, ...requiredScopes])];
}

/** What all entries that name the person grant together; without entries, everything. */
export function grantableScopes(person: Person, grants: readonly ScopeGrant[], resource: Scoped): readonly string[] {
  const known = knownScopes(resource);
  if (grants.length === 0) return known;
  const granted = new Set(grants.filter((grant) => isNamed(person, grant)).flatMap(({ scopes }) => scopes));
  return known.filter((scope) => granted.has(scope));
}

/**
 * What a request without `scope` gets is in our hands (§3.3): what every request needs, else all. Scopes that mean nothing
 * here are dropped, because clients ask for `openid` and `offline_access` out of habit; empty where it names no other.
 */
export function requestedScopes(scope: string | undefined, resource: Scoped): readonly string[] {
  const asked = (scope ?? '').split(' ').filter((token) => token !== '');
  if (asked.length > 0) return knownScopes(resource).filter((known) => asked.includes(known));
  return resource.requiredScopes.length > 0 ? resource.requiredScopes : resource.scopesSupported;
}
