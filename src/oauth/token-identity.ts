/** Whom a token speaks for, in its raw claim values. RFC 9068 §2.2. */
export interface TokenIdentity {
  readonly issuer: string;
  /** `sub`; undefined when the token has none, or an empty one. */
  readonly subject: string | undefined;
  /** `client_id`, else `azp`, `cid`, `appid`. */
  readonly client: string | undefined;
}
