/** What is known of the tokens of authentik. */
import type { Preset } from '../preset.ts';

/** https://docs.goauthentik.io/add-secure-apps/providers/oauth2/ (issuer mode, aud, claims). */
export const authentik: Preset = {
  // Issuer mode: per provider, or the same for all.
  issuer: { form: /^https?:\/\/[^/]+\/(application\/o\/[^/]+\/)?$/, example: 'https://HOST/application/o/SLUG/' },
  audience: 'the client id of the provider',
  fills: { scope_claims: ['scope'], audience_claim: 'aud' },
};
