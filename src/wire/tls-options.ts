/** TLS settings of the listener. RFC 9325 §3.5 (renegotiation), §4.2 (cipher suites), RFC 7301 (ALPN), RFC 8705 §2. */
import { constants } from 'node:crypto';
import type { ServerTls } from './exchange.ts';

// Forward secrecy and AEAD only.
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** In order of preference. */
export const ALPN_PROTOCOLS = ['h2', 'http/1.1', 'http/1.0'];

/** Certificate and protocol options, for a new server and for swapping certificates alike. */
export function formatTlsOptions({ cert, key, minVersion, clients }: ServerTls) {
  // RFC 9113 §9.2.1; and a client's certificate that was read once stays the one of its connection. TLS 1.3 has nothing of
  // the kind, but for authentication after the handshake, which happens only if the server asks.
  const own = { cert, key, minVersion, ciphers: CIPHERS, secureOptions: constants.SSL_OP_NO_RENEGOTIATION };
  if (clients === undefined) return own;
  // The handshake refuses nobody: who has no certificate that counts is told so by an answer.
  const asking = { ...own, requestCert: true, rejectUnauthorized: false };
  // Without authorities of ours there are none: the public ones vouch for no client.
  if (clients.ca === undefined) return { ...asking, ca: [] };
  // A ticket keeps the verdict on the certificate, past its end and past a change of the authorities.
  const secureOptions = own.secureOptions | constants.SSL_OP_NO_TICKET;
  return { ...asking, ca: clients.ca, secureOptions };
}

/** What the TLS library itself would say at the first connection: of `error:0A00018F:SSL routines::ee key too small` the end. */
export function opensslProblem(tls: ServerTls): string | undefined {
  try {
    process.getBuiltinModule('node:tls').createSecureContext(formatTlsOptions(tls));
    return undefined;
  } catch (error) {
    return String(error).split(':').at(-1);
  }
}
