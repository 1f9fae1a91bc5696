/** Why a TLS handshake with a server failed, in words that lead to a cure. OpenSSL `X509_V_ERR_*`, RFC 5280 §6. */
import { UntrustedCertificate } from '../backend.ts';

const NO_RECORD = /:SSL routines:.*(?:wrong version number|packet length too long)/;

const UNTRUSTED: ReadonlySet<unknown> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
]);

/** An error that says nothing of this kind stays as it is. */
export function explainHandshakeError(error: Error): Error {
  // OpenSSL's own words are of no use when what came back was no TLS record.
  if (NO_RECORD.test(error.message)) return new Error('the server speaks no TLS; is it http?');
  const code = 'code' in error ? error.code : undefined;
  return UNTRUSTED.has(code) ? new UntrustedCertificate(String(code)) : error;
}
