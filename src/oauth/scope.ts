/** Scopes: their syntax, their claims, what is missing. RFC 6749 §3.3, RFC 9068 §2.2.3. */

import type { JsonObject } from '../lib/json-text.ts';
import { isString, malformed } from './claims.ts';
import { type Denial, deny } from './denial.ts';

/** Scope tokens, each legal by RFC 6749 §3.3. */
export type Scopes = ReadonlySet<string>;

/** What a token grants, and the claim that says so; undefined = it has none. */
export interface GrantedScopes {
  readonly scopes: Scopes;
  readonly scopeClaim: string | undefined;
}

/** scope-token = 1*( %x21 / %x23-5B / %x5D-7E ): no space, no quote, no backslash. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
/** What one field line to the backend can carry: 8 KiB is the most that common servers read of one. */
const MAX_LIST_BYTES = 8192;

/**
 * Reads the scopes of a token from `scope` (RFC 9068 §2.2.3) or, where there is none, from `scp` (Entra, Okta). When both
 * are present `scope`, the registered claim, decides alone: a union could grant what the issuer did not mean. Both absent:
 * no scopes.
 */
export function parseScopeClaims({ scope, scp }: JsonObject): GrantedScopes | Denial {
  const scopeClaim = scope === undefined ? 'scp' : 'scope';
  const claim = scope === undefined ? scp : scope;
  if (claim === undefined) return { scopes: new Set(), scopeClaim: undefined };
  const scopes = parseScopeClaim(scopeClaim, claim);
  return 'denied' in scopes ? scopes : limitScopes({ scopes, scopeClaim });
}

/** A string is a list with spaces between, an array holds single tokens. */
export function parseScopeClaim(name: string, claim: unknown): Scopes | Denial {
  const tokens: unknown = typeof claim === 'string' ? splitScopes(claim) : claim;
  if (!Array.isArray(tokens) || !tokens.every(isString)) {
    return malformed(`${name} is neither a string nor an array of strings`);
  }
  const illegal = tokens.find((token) => !isScopeToken(token));
  if (illegal === undefined) return new Set(tokens);
  return deny('invalid_token', { detail: `${name} holds what is no scope token`, actual: illegal });
}

/** Refuses more than the backend could be told. */
export function limitScopes(granted: GrantedScopes): GrantedScopes | Denial {
  if (scopeListBytes(granted.scopes) <= MAX_LIST_BYTES) return granted;
  return malformed(`${granted.scopeClaim} is longer than ${MAX_LIST_BYTES} bytes`);
}

/** Tells whether a value is one legal scope token. */
export function isScopeToken(value: unknown): value is string {
  return typeof value === 'string' && SCOPE_TOKEN.test(value);
}

/** Writes scopes in one way only: sorted, one space between. */
export function formatScopes(scopes: Scopes): string {
  return [...scopes].toSorted().join(' ');
}

/** Bytes of what `formatScopes` writes. */
function scopeListBytes(scopes: Scopes): number {
  let bytes = Math.max(0, scopes.size - 1);
  for (const scope of scopes) bytes += scope.length;
  return bytes;
}

/** Issuers write `""` for a token without scopes, and stray spaces; neither grants anything. */
function splitScopes(list: string): readonly string[] {
  return list.split(' ').filter((token) => token !== '');
}
