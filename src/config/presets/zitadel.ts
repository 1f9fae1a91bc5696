/**
 * Zitadel. https://zitadel.com/docs/apis/openidoauth/claims (roles by project),
 * https://zitadel.com/docs/apis/openidoauth/scopes (the project in aud).
 */
import type { Preset } from '../preset.ts';

export const zitadel: Preset = {
  issuer: { form: /^https?:\/\/[^/]+$/, example: 'https://INSTANCE.zitadel.cloud' },
  audience: 'the id of the project',
  // The claim without an id holds the roles in the project of the client, which may be another one with roles of that name.
  fills: { scope_claims: ['scope', 'urn:zitadel:iam:org:project:{audience}:roles'], audience_claim: 'aud' },
};
