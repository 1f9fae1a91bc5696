/** What is known of the IdPs at which people log in: how their issuers look, and where the groups are. OpenID Connect Discovery §3. */
import { auth0 } from './presets/auth0.ts';
import { cognito } from './presets/cognito.ts';
import { keycloak } from './presets/keycloak.ts';

export const LOGIN_PROVIDERS = ['oidc', 'google', 'entra', 'okta', 'auth0', 'cognito', 'keycloak'] as const;

export type LoginProvider = (typeof LOGIN_PROVIDERS)[number];

interface ProviderFacts {
  /** Of an issuer, for messages. */
  readonly example: string;
  /** How its issuers look; absent where they may look like anything. */
  readonly form?: RegExp;
  /** Claim of the groups; absent where there is none. */
  readonly groupsClaim?: string;
  /** Why an address of its people proves nothing; absent where it can be verified. */
  readonly unverifiedEmails?: string;
}

const GOOGLE_ISSUER = 'https://accounts.google.com';

export const PROVIDER_FACTS: Readonly<Record<LoginProvider, ProviderFacts>> = {
  oidc: { example: 'https://auth.your-company.com/', groupsClaim: 'groups' },
  // https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload (no groups).
  google: { example: GOOGLE_ISSUER },
  // https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference (email is mutable and not verified).
  entra: {
    example: 'https://login.microsoftonline.com/TENANT-ID/v2.0',
    groupsClaim: 'groups',
    unverifiedEmails: 'Entra does not say whether an address is verified (it has no email_verified)',
  },
  okta: { example: 'https://your-company.okta.com', groupsClaim: 'groups' },
  auth0: { ...auth0.issuer, example: 'https://TENANT.REGION.auth0.com/', groupsClaim: 'groups' },
  cognito: {
    ...cognito.issuer,
    example: 'https://cognito-idp.REGION.amazonaws.com/POOL-ID',
    groupsClaim: 'cognito:groups',
  },
  keycloak: {
    ...keycloak.issuer,
    example: 'https://keycloak.your-company.com/realms/REALM',
    groupsClaim: 'groups',
  },
};

/** The issuer that needs no writing; undefined where the file must name it, or its tenant. */
export function knownIssuer(provider: LoginProvider, tenant: string | undefined): string | undefined {
  if (provider === 'google') return GOOGLE_ISSUER;
  if (provider !== 'entra' || tenant === undefined) return undefined;
  return `https://login.microsoftonline.com/${tenant}/v2.0`;
}
