/** What an issuer's tokens grant where it is said in other claims or other words. RFC 9068 §2.2.3.1, RFC 6901. */

import { type JsonPointer, readJsonPointer } from '../lib/json-pointer.ts';
import { isJsonObject, type JsonObject } from '../lib/json-text.ts';
import { isString } from './claims.ts';
import type { Denial } from './denial.ts';
import { type GrantedScopes, isScopeToken, limitScopes, parseScopeClaim, type Scopes } from './scope.ts';
import { removeScopePrefix } from './scope-prefix.ts';

/** A claim that may grant scopes. */
export interface ScopeClaim {
  /** As configured, for the log. */
  readonly name: string;
  readonly pointer: JsonPointer;
}

/** How the scopes of an issuer's tokens are read. */
export interface ScopeTerms {
  /** The first that is present decides alone. */
  readonly claims: readonly ScopeClaim[];
  /** Taken off by `removeScopePrefix`; empty = none. */
  readonly prefix: string;
  /** All that the configuration names: what is taken of claims that are not made for scopes. */
  readonly known: Scopes;
  /** Scope → all that it grants besides, over any number of steps. */
  readonly implied: ReadonlyMap<string, Scopes>;
}

/** `scope` and `scp` are refused when they are malformed; of other claims, what cannot be a scope that is meant here is left out. */
export function readScopes(payload: JsonObject, terms: ScopeTerms): GrantedScopes | Denial {
  for (const { name, pointer } of terms.claims) {
    const value = readJsonPointer(payload, pointer);
    if (value === undefined) continue;
    const written = isMadeForScopes(pointer) ? parseScopeClaim(name, value) : listValues(value);
    if ('denied' in written) return written;
    const scopes = removeScopePrefix(terms.prefix, written);
    const meant = isMadeForScopes(pointer) ? scopes : scopes.intersection(terms.known);
    return limitScopes({ scopes: addImplied(meant, terms), scopeClaim: name });
  }
  return { scopes: new Set(), scopeClaim: undefined };
}

function isMadeForScopes([name, ...further]: JsonPointer): boolean {
  return further.length === 0 && (name === 'scope' || name === 'scp');
}

/** Text with spaces between, a list, or an object in which each role has something below its name, as Zitadel writes them. */
function listValues(claim: unknown): Scopes {
  if (typeof claim === 'string') return new Set(claim.split(' ').filter(isScopeToken));
  if (Array.isArray(claim)) return new Set(claim.filter(isString).filter(isScopeToken));
  if (!isJsonObject(claim)) return new Set();
  const held = Object.entries(claim).filter(([, value]) => isJsonObject(value) && Object.keys(value).length > 0);
  return new Set(held.map(([name]) => name).filter(isScopeToken));
}

function addImplied(scopes: Scopes, { implied }: ScopeTerms): Scopes {
  if (implied.size === 0) return scopes;
  const all = new Set(scopes);
  for (const scope of scopes) for (const further of implied.get(scope) ?? []) all.add(further);
  return all;
}
