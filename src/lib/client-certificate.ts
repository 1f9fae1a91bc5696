/** A client's certificate as tokens that are bound to it name it. RFC 8705 §3.1. */
import { hash } from 'node:crypto';

/** The certificate that counts, by its `x5t#S256`; or why none does, in words for the log. */
export type ClientCertificate = { readonly thumbprint: string } | { readonly absence: string };

/** SHA-256 of the DER encoding, base64url: 43 characters. */
export function certificateThumbprint(der: Uint8Array): string {
  return hash('sha256', der, 'base64url');
}
