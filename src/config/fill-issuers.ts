/** Whose tokens are accepted, after parsing: every issuer complete, and with `login` Obex itself among them. RFC 9068 §4. */
import type * as z from 'zod/mini';
import { knownIssuer, PROVIDER_FACTS } from './login-providers.ts';
import { UNFILLED } from './preset.ts';
import { additionalIssuer, idpSchema } from './sections/issuers.ts';
import type { loginSection } from './sections/login.ts';

/** Where the keys of an issuer are from: its own `jwks_uri`, or the `login` of this process. */
export type KeyOrigin = 'fetched' | 'login';

type WrittenLogin = NonNullable<z.output<typeof loginSection>>;
type WrittenIdp = z.output<typeof idpSchema>;

interface Given {
  readonly idp: WrittenIdp | undefined;
  /** Undefined without `login`. */
  readonly issuer: string | undefined;
  readonly resource: { readonly url: string; readonly audiences: string[] };
}

const FETCHED: { readonly keys: KeyOrigin } = { keys: 'fetched' };
const OWN: { readonly keys: KeyOrigin } = { keys: 'login' };

/**
 * Undefined when nobody is trusted. Of an issuer that is Obex, `keys` is `login`, and the one audience is `resource.url`: it
 * stands first where it stands alone, else after those that are written, whose places in messages stay.
 */
export function fillIssuers({ idp, issuer, resource }: Given) {
  if (idp === undefined) {
    if (issuer === undefined) return undefined;
    const own = idpSchema.parse({ issuer, accepted_algorithms: ['ES256'] }, { jitless: true });
    return { ...own, ...OWN, audiences: [resource.url], additional_issuers: fillAdditional(own, []) };
  }
  const written = fillAdditional(idp, resource.audiences);
  const own = issuer === undefined ? [] : [ownEntry(issuer, resource.url)];
  return { ...idp, ...FETCHED, audiences: resource.audiences, additional_issuers: [...written, ...own] };
}

function fillAdditional(idp: WrittenIdp, audiences: string[]) {
  return idp.additional_issuers.map((issuer) => ({
    ...issuer,
    ...FETCHED,
    accepted_algorithms: issuer.accepted_algorithms ?? idp.accepted_algorithms,
    audiences: issuer.audiences.length === 0 ? audiences : issuer.audiences,
    scope_claims: issuer.scope_claims ?? idp.scope_claims,
    audience_claim: issuer.audience_claim ?? idp.audience_claim,
  }));
}

/** Nothing that is written for the IdP is inherited. */
function ownEntry(issuer: string, audience: string) {
  const entry = additionalIssuer.parse({ issuer, accepted_algorithms: ['ES256'] }, { jitless: true });
  return {
    ...entry,
    ...OWN,
    accepted_algorithms: entry.accepted_algorithms ?? [],
    audiences: [audience],
    scope_claims: [...UNFILLED.scope_claims],
    audience_claim: UNFILLED.audience_claim,
  };
}

/** The IdP at which people log in, with what its kind tells. */
export function fillLogin(login: WrittenLogin | undefined) {
  if (login === undefined) return undefined;
  const { provider, tenant } = login;
  return {
    ...login,
    // A config that names none is refused by the cross-checks.
    issuer: knownIssuer(provider, tenant) ?? login.issuer ?? '',
    groups_claim: login.groups_claim ?? PROVIDER_FACTS[provider].groupsClaim ?? 'groups',
  };
}
