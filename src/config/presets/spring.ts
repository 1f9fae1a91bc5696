/**
 * Spring Authorization Server.
 * https://docs.spring.io/spring-authorization-server/reference/core-model-components.html#oauth2-token-customizer. Run: 7.0.
 */
import type { Preset } from '../preset.ts';

export const spring: Preset = {
  fills: { scope_claims: ['scope'], audience_claim: 'aud' },
};
