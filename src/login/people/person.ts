/** A person as the IdP vouches for them at one login. OpenID Connect Core §5.1. */

export interface Person {
  /** `sub`: unique at the IdP, never given to another. */
  readonly subject: string;
  /** Undefined where the IdP has not verified it. */
  readonly email: string | undefined;
  readonly name: string | undefined;
  readonly groups: readonly string[];
}
