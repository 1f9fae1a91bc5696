/** May they: every required scope must have been granted. RFC 6750 §3.1. */
import { type Denial, deny } from '../oauth/denial.ts';
import type { Principal } from '../oauth/principal.ts';

export type Authorize = (principal: Principal) => Denial | undefined;

/** In phase 1 there are no verified scopes, and configuration allows no required ones. */
export function createAuthorize(requiredScopes: readonly string[]): Authorize {
  return ({ accessToken }) => {
    if (accessToken === undefined) return undefined;
    const { scopes } = accessToken;
    if (requiredScopes.every((scope) => scopes.has(scope))) return undefined;
    const evidence = { expected: requiredScopes.join(' '), actual: [...scopes].join(' ') };
    return deny('insufficient_scope', { ...evidence, token: accessToken });
  };
}
