/** What is known of the tokens of Spring Authorization Server. */
import type { Preset } from '../preset.ts';

/**
 * https://docs.spring.io/spring-authorization-server/reference/core-model-components.html#oauth2-token-customizer.
 * Run: 7.0.
 */
export const spring: Preset = {
  fills: { scope_claims: ['scope'], audience_claim: 'aud' },
};
