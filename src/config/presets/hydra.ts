/** Ory Hydra with strategies.access_token: jwt. https://www.ory.sh/docs/oauth2-oidc/jwt-access-token (scp, or scope). Run: 26.2.0. */
import type { Preset } from '../preset.ts';

export const hydra: Preset = {
  fills: { scope_claims: ['scope', 'scp'], audience_claim: 'aud' },
};
