/** Who a request comes from, once its credentials have been verified. RFC 9068 §2.2. */
import type { VerificationKey } from './jwks.ts';
import type { GrantedScopes } from './scope.ts';
import type { TokenIdentity } from './token-identity.ts';

/** A verified access token, reduced to what Obex uses. Strings are raw claim values. */
export interface AccessToken extends TokenIdentity, GrantedScopes {
  /** `exp` in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** `iat` in seconds since the epoch, of a token that its owner can call back; absent for all others. */
  readonly issuedAt?: number;
  /** `cnf.jkt` (RFC 9449 §6.1); undefined for a token that is bound to no DPoP key. */
  readonly jkt: string | undefined;
  /** `cnf.x5t#S256` (RFC 8705 §3.1); undefined for a token that is bound to no certificate. */
  readonly x5tS256: string | undefined;
}

/** What the backend is told of a token. Never changed; replaced when its assertion has aged. */
export interface Identity {
  /** Alternating name, value: `X-Obex-*`, and those of `backend.claim_headers`. */
  readonly fields: readonly string[];
  /** Undefined where none is sent. */
  readonly assertion: IssuedAssertion | undefined;
}

/** A signed assertion, and what the next one is made of. */
export interface IssuedAssertion {
  /** Field lines beside it. */
  readonly otherFields: readonly string[];
  /** All that it says but for its dates and its id: JSON text of an object. */
  readonly claims: string;
  /** `exp` of the token in milliseconds since the epoch. */
  readonly tokenExpiresAtMs: number;
  /** It is sent from the first to the second; before the first, the clock has been set back. */
  readonly madeAtMs: number;
  readonly staleAtMs: number;
}

/** The one on whose behalf a request is passed on. */
export interface Principal {
  /** Undefined in phase 1, where nobody looked at the credential. */
  readonly accessToken: AccessToken | undefined;
  /** The key that the signature of its token verified with; undefined in phase 1, and for a token that its issuer was asked about. */
  readonly key: VerificationKey | undefined;
  /** `Identity.fields`. */
  readonly identityFields: readonly string[];
  /** What rate limits, and the limits of requests in flight, count by: issuer, client and subject. */
  readonly rateLimitKey: string;
}
