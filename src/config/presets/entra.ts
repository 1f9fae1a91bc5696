/** What is known of the tokens of Microsoft Entra ID. */
import type { Preset } from '../preset.ts';

const TENANT = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/**
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference (scp of people, roles of programs,
 * aud, iss of both versions).
 */
export const entra: Preset = {
  issuer: {
    form: new RegExp(`^https://(login\\.[a-z.]+/${TENANT}/v2\\.0|sts\\.[a-z.]+/${TENANT}/)$`),
    example: 'https://login.microsoftonline.com/TENANT-ID/v2.0',
  },
  audience: 'the client id of the API (version 1: or its Application ID URI)',
  // People have scp, programs roles; whoever has both is a person, and what the client may do for them stands in scp.
  fills: { scope_claims: ['scp', 'roles'], audience_claim: 'aud' },
};
