/** May they: every required scope must have been granted. RFC 6750 §3.1. */
import { type Denial, deny } from '../oauth/denial.ts';
import type { Principal } from '../oauth/principal.ts';

export type Authorize = (principal: Principal) => Denial | undefined;

/** In phase 1 there are no verified scopes, and configuration allows no required ones. */
export function createAuthorize(requiredScopes: readonly string[]): Authorize {
  return ({ accessToken }) => {
    if (accessToken === undefined) return undefined;
    const { scopes, scopeClaim } = accessToken;
    if (requiredScopes.every((scope) => scopes.has(scope))) return undefined;
    const evidence = { expected: requiredScopes.join(' '), actual: [...scopes].join(' '), token: accessToken };
    if (scopes.size > 0) return deny('insufficient_scope', evidence);
    return deny('insufficient_scope', { ...evidence, detail: describeLack(scopeClaim) });
  };
}

function describeLack(scopeClaim: string | undefined): string {
  if (scopeClaim === undefined)
    return 'the token has none of the claims that scope_claims of its issuer names (default: scope, scp; or those of its preset)';
  return scopeClaim === 'scope' || scopeClaim === 'scp'
    ? `${scopeClaim} is empty`
    : `${scopeClaim} holds no scope that the configuration names`;
}
