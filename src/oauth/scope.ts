/** Scopes: their syntax, their claims, what is missing. RFC 6749 §3.3, RFC 9068 §2.2.3. */

/** Scope tokens, each legal by RFC 6749 §3.3. */
export type Scopes = ReadonlySet<string>;

/** scope-token = 1*( %x21 / %x23-5B / %x5D-7E ): no space, no quote, no backslash. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Reads the scopes of a token from `scope` (RFC 9068 §2.2.3) or, where there is none, from `scp` (Entra, Okta). A string
 * is a list with spaces between, an array holds single tokens. When both are present `scope`, the registered claim,
 * decides alone: a union could grant what the issuer did not mean. Both absent: no scopes. Undefined: a wrong type or an
 * illegal token.
 */
export function parseScopeClaim(scope: unknown, scp: unknown): Scopes | undefined {
  const claim = scope === undefined ? scp : scope;
  if (claim === undefined) return new Set();
  const tokens = typeof claim === 'string' ? splitScopes(claim) : claim;
  if (!Array.isArray(tokens) || !tokens.every(isScopeToken)) return undefined;
  return new Set(tokens);
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
export function scopeListBytes(scopes: Scopes): number {
  let bytes = Math.max(0, scopes.size - 1);
  for (const scope of scopes) bytes += scope.length;
  return bytes;
}

/** Issuers write `""` for a token without scopes, and stray spaces; neither grants anything. */
function splitScopes(list: string): readonly string[] {
  return list.split(' ').filter((token) => token !== '');
}
