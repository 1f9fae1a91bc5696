/** What is known of the tokens of Auth0. */
import type { Preset } from '../preset.ts';

/** https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles (claims, issuer with its final slash). */
export const auth0: Preset = {
  issuer: { form: /^https:\/\/[^/]+\/$/, example: 'https://TENANT.REGION.auth0.com/' },
  // permissions, too, is what a person may do, not what was granted to the client.
  fills: { scope_claims: ['scope'], audience_claim: 'aud' },
};
