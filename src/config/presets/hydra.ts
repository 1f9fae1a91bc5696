/** What is known of the tokens of Ory Hydra with strategies.access_token: jwt. */
import type { Preset } from '../preset.ts';

/** https://www.ory.sh/docs/oauth2-oidc/jwt-access-token (scp, or scope). Run: 26.2.0. */
export const hydra: Preset = {
  fills: { scope_claims: ['scope', 'scp'], audience_claim: 'aud' },
};
