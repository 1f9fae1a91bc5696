/** TLS settings of the listener. RFC 9325 §4.2 (cipher suites), RFC 7301 (ALPN). */
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
export function formatTlsOptions(tls: ServerTls) {
  return { cert: tls.cert, key: tls.key, minVersion: tls.minVersion, ciphers: CIPHERS };
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
