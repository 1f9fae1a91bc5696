/** The names by which the grant is known. RFC 7523 §2.1, draft-ietf-oauth-identity-assertion-authz-grant-03 §7.2. */

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const ID_JAG_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag';
