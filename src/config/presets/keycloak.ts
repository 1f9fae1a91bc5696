/** What is known of the tokens of Keycloak. */
import type { Preset } from '../preset.ts';

/**
 * https://www.keycloak.org/securing-apps/oidc-layers (issuer, endpoints);
 * https://www.keycloak.org/docs/latest/server_admin/#_audience (aud by mapper). Run: 26.7.3.
 */
export const keycloak: Preset = {
  issuer: { form: /\/realms\/[^/]+$/, example: 'https://HOST/realms/REALM' },
  fills: { scope_claims: ['scope'], audience_claim: 'aud' },
};
