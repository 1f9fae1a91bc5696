/** What is known of the tokens of Okta, custom authorization servers. */
import type { Preset } from '../preset.ts';

/**
 * https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview (scp, cid);
 * https://developer.okta.com/docs/concepts/auth-servers/ (tokens of the org server are for Okta alone).
 */
export const okta: Preset = {
  issuer: { form: /\/oauth2\/[^/]+$/, example: 'https://ORG.okta.com/oauth2/SERVER' },
  fills: { scope_claims: ['scp'], audience_claim: 'aud' },
};
