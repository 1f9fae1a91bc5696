/** What is known of the tokens of Dex. */
import type { Preset } from '../preset.ts';

/** https://dexidp.io/docs/configuration/tokens/ (an access token is made like an ID token). Run: 2.45.1. */
export const dex: Preset = {
  audience: 'the id of the client',
  looksLikeIdTokens: true,
  // groups come from other systems, in which people may found groups of any name.
  fills: { scope_claims: ['scope'], audience_claim: 'aud' },
};
