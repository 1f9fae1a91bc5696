/** What people call the IdP at which they log in. */
import type { UpstreamOptions, UpstreamProvider } from '../options.ts';

const NAMES: Readonly<Record<Exclude<UpstreamProvider, 'oidc'>, string>> = {
  google: 'Google',
  entra: 'Microsoft',
  okta: 'Okta',
  auth0: 'Auth0',
  cognito: 'Amazon Cognito',
  keycloak: 'Keycloak',
};

/** Where nothing is known of it, the host of its issuer. */
export function upstreamName(upstream: Pick<UpstreamOptions, 'provider' | 'issuer'>): string {
  return upstream.provider === 'oidc' ? new URL(upstream.issuer).host : NAMES[upstream.provider];
}
