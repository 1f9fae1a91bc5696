/** What some IdPs want before the scopes of an API when they are asked for, and may leave out of tokens. RFC 6749 §3.3. */
import type { Scopes } from './scope.ts';

/** OpenID Connect Core §5.4, §11: scopes of the IdP itself, which belong to no API. */
const OPENID_SCOPES = new Set(['openid', 'profile', 'email', 'address', 'phone', 'offline_access']);

/** As clients have to ask for them, each once. */
export function addScopePrefix(prefix: string, scopes: readonly string[]): readonly string[] {
  return [...new Set(scopes)].map((scope) => (OPENID_SCOPES.has(scope) ? scope : prefix + scope));
}

/**
 * As the configuration names them. A token that writes one of its scopes in full writes all of this API in full, so that a
 * short name in it is a scope of somebody else and is left out. In a token without any, short names are those of this API.
 */
export function removeScopePrefix(prefix: string, scopes: Scopes): Scopes {
  if (prefix === '') return scopes;
  const inFull = [...scopes].filter((scope) => isInFull(prefix, scope));
  if (inFull.length === 0) return scopes;
  const own = inFull.map((scope) => scope.slice(prefix.length));
  return new Set([...own, ...[...scopes].filter((scope) => OPENID_SCOPES.has(scope))]);
}

/** Nobody grants a scope of the IdP by giving one of an API its name. */
function isInFull(prefix: string, scope: string): boolean {
  const name = scope.startsWith(prefix) ? scope.slice(prefix.length) : '';
  return name !== '' && !OPENID_SCOPES.has(name);
}
