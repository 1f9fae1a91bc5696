/** What is known of the tokens of Zitadel. */
import type { Preset } from '../preset.ts';

/**
 * https://zitadel.com/docs/apis/openidoauth/claims (roles by project),
 * https://zitadel.com/docs/apis/openidoauth/scopes (the project in aud).
 */
export const zitadel: Preset = {
  issuer: { form: /^https?:\/\/[^/]+$/, example: 'https://INSTANCE.zitadel.cloud' },
  audience: 'the id of the project',
  // The claim without an id holds the roles in the project of the client, which may be another one with roles of that name.
  fills: { scope_claims: ['scope', 'urn:zitadel:iam:org:project:{audience}:roles'], audience_claim: 'aud' },
};
