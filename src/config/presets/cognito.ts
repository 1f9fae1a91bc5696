/** What is known of the tokens of Amazon Cognito user pools. */
import type { Preset } from '../preset.ts';

/** https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html */
export const cognito: Preset = {
  issuer: {
    form: /^https:\/\/cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/[^/]+$/,
    example: 'https://cognito-idp.REGION.amazonaws.com/POOL-ID',
  },
  fills: { scope_claims: ['scope'], audience_claim: 'client_id' },
};
