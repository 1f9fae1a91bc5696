/** Where the authorization server is reached. RFC 8414 §2 tells clients. */
export const PATHS = {
  authorize: '/oauth/authorize',
  consent: '/oauth/consent',
  callback: '/oauth/callback',
  token: '/oauth/token',
  register: '/oauth/register',
  revoke: '/oauth/revoke',
  jwks: '/oauth/jwks',
} as const;

/** Where a flow goes on once the library has found its request good. */
export function consentUrl(flowId: string): string {
  return `${PATHS.consent}?flow=${flowId}`;
}
