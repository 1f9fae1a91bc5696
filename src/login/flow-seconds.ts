/** Longest time from the authorization request to the person's return from the IdP, and of what proves either. RFC 9700 §4.7. */
export const FLOW_SECONDS = 600;
