/** A signed assertion to the backend of who is calling. RFC 7519, RFC 7515 §7.1, RFC 8725 §3.11 (typ), RFC 9068 §2.2 (claims). */
import type { AccessToken } from './principal.ts';
import { formatScopes } from './scope.ts';
import type { SigningKey } from './signing-key.ts';

/** What all assertions of one configuration have in common. */
export interface AssertionTerms {
  /** `iss`. */
  readonly issuer: string;
  /** `aud`. */
  readonly audience: string;
  readonly ttlMs: number;
  readonly key: SigningKey;
}

/** The claims that an assertion makes of itself or of its token by these names; no claim of a token takes their place. */
const OWN_CLAIMS: ReadonlySet<string> = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'scope',
  'token_issuer',
]);

/** No explicit type of another JWT, so that none can be taken for the other. */
const TYP = 'obex-assertion+jwt';

/** All that it says but for its dates and its id, the same for as long as the token is known: JSON text of an object. */
export function formatAssertionClaims(
  { issuer, audience }: AssertionTerms,
  { issuer: tokenIssuer, subject, client, scopes }: AccessToken,
  more: ReadonlyMap<string, unknown>,
): string {
  const copied = [...more].filter(([name]) => !OWN_CLAIMS.has(name));
  return JSON.stringify({
    iss: issuer,
    aud: audience,
    token_issuer: tokenIssuer,
    sub: subject,
    client_id: client,
    scope: formatScopes(scopes),
    ...Object.fromEntries(copied),
  });
}

export interface AssertionDates {
  readonly nowMs: number;
  readonly tokenExpiresAtMs: number;
  /** `jti`. */
  readonly id: string;
}

/** The compact JWS; `claims` are those of `formatAssertionClaims`. */
export function signAssertion({ key, ttlMs }: AssertionTerms, claims: string, dates: AssertionDates): string {
  const { nowMs, tokenExpiresAtMs, id } = dates;
  // Whole seconds, which is all that some libraries read; downwards, so that it never outlives the token.
  const iat = Math.floor(nowMs / 1000);
  const exp = Math.floor(Math.min(nowMs + ttlMs, tokenExpiresAtMs) / 1000);
  const header = JSON.stringify({ alg: key.alg, typ: TYP, kid: key.kid });
  const payload = `${claims.slice(0, -1)},${JSON.stringify({ iat, exp, jti: id }).slice(1)}`;
  const signingInput = `${encode(header)}.${encode(payload)}`;
  return `${signingInput}.${key.sign(signingInput)}`;
}

function encode(json: string): string {
  return Buffer.from(json).toString('base64url');
}
