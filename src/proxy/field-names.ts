/** Which client fields never reach the backend, look-alike spellings included. RFC 9110 §7.6.1, CVE-2025-64484. */

/** Hop-by-hop, credentials, and everything by which a client could speak in the proxy's name. */
const REMOVED: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'dpop',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'origin',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-original-url',
  'x-real-ip',
  'x-rewrite-url',
]);

/** True for a field that never goes on, whatever the configuration says. */
export function isNeverForwarded(foldedName: string): boolean {
  return REMOVED.has(foldedName) || foldedName.startsWith('x-obex-') || foldedName.startsWith('x-forwarded-');
}
