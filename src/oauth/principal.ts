/** Who a request comes from, once its credentials have been verified. RFC 9068 §2.2. */
import type { VerificationKey } from './jwks.ts';
import type { GrantedScopes } from './scope.ts';

/** A verified access token, reduced to what Obex uses. Strings are raw claim values. */
export interface AccessToken extends GrantedScopes {
  readonly issuer: string;
  /** `sub`; undefined when the token has none, or an empty one. */
  readonly subject: string | undefined;
  /** `client_id`, else `azp`, `cid`, `appid`. */
  readonly client: string | undefined;
  /** `exp` in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** `cnf.jkt` (RFC 9449 §6.1); undefined for a plain bearer token. */
  readonly jkt: string | undefined;
}

/** Whom a token speaks for. */
export type TokenIdentity = Pick<AccessToken, 'issuer' | 'subject' | 'client'>;

/** The one on whose behalf a request is passed on. */
export interface Principal {
  /** Undefined in phase 1, where nobody looked at the credential. */
  readonly accessToken: AccessToken | undefined;
  /** The key that the signature of its token verified with; undefined in phase 1, and for a token that its issuer was asked about. */
  readonly key: VerificationKey | undefined;
  /** `X-Obex-*` field lines (alternating name, value), made once per token. */
  readonly identityFields: readonly string[];
  /** What rate limits, and the limits of requests in flight, count by: issuer, client and subject. */
  readonly rateLimitKey: string;
}
