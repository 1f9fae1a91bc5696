/** Config → scopes: how they are read in tokens, and what clients are told to ask for. */
import { closeRelation } from '../lib/close-relation.ts';
import { parseJsonPointer } from '../lib/json-pointer.ts';
import { addScopePrefix } from '../oauth/scope-prefix.ts';
import type { ScopeTerms } from '../oauth/scope-terms.ts';
import type { ServerConfig } from './options.ts';

type ScopeConfig = Pick<ServerConfig, 'authz' | 'resource'>;

const DEFAULT_CLAIMS = JSON.stringify(['scope', 'scp']);

/** Undefined where tokens are read as RFC 9068 has it, which is the short way. */
export function buildScopeTerms(config: ScopeConfig, scopeClaims: readonly string[]): ScopeTerms | undefined {
  const { scope_prefix: prefix } = config.resource;
  const implied = closeRelation(config.authz.scope_implies);
  if (prefix === '' && implied.size === 0 && JSON.stringify(scopeClaims) === DEFAULT_CLAIMS) return undefined;
  const claims = scopeClaims.flatMap((name) => {
    const pointer = parseJsonPointer(name);
    return pointer === undefined ? [] : { name, pointer };
  });
  return { claims, prefix, implied, known: namedScopes(config) };
}

function namedScopes({ authz, resource }: ScopeConfig): ReadonlySet<string> {
  return new Set([
    ...authz.required_scopes,
    ...authz.challenge_scopes,
    ...resource.scopes_supported,
    ...Object.entries(authz.scope_implies).flat(2),
  ]);
}

/** In challenges, in the words of the IdP. */
export function challengeScopes({ authz, resource }: ScopeConfig): readonly string[] {
  return addScopePrefix(resource.scope_prefix, [...authz.required_scopes, ...authz.challenge_scopes]);
}

/** In the metadata, in the words of the IdP. */
export function metadataScopes({ authz, resource }: ScopeConfig): readonly string[] {
  return addScopePrefix(resource.scope_prefix, [...resource.scopes_supported, ...authz.challenge_scopes]);
}
