/** Errors of a TLS handshake that another set of trusted authorities would cure. OpenSSL `X509_V_ERR_*`, RFC 5280 §6. */

const CODES: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
]);

/** Node's own words for these advise a flag of Node, which is not how anybody configures Obex. */
export function isUntrusted(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && CODES.has(error.code);
}
