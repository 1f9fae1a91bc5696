/** Client ids that are the URL of a document about the client. draft-ietf-oauth-client-id-metadata-document §3. */
import { isIP } from 'node:net';

/** `auto`: of any host; `off`: of none; else of these, `host` or `host:port` in the spelling of a URL. */
export type DocumentHosts = 'auto' | 'off' | readonly string[];

const MAX_CHARACTERS = 512;

/** Whether a client id speaks of a document at all; the URL need not be a good one. */
export function isDocumentId(clientId: string): boolean {
  return clientId.startsWith('https://');
}

/**
 * The URL that a client id is; undefined when it is none that may be fetched. One spelling each: what a parser would write
 * otherwise (dot segments, capitals in the host, a default port) is refused, and so are §3's userinfo and fragment.
 */
export function parseDocumentUrl(clientId: string, hosts: DocumentHosts): URL | undefined {
  if (hosts === 'off' || !isDocumentId(clientId) || clientId.length > MAX_CHARACTERS) return undefined;
  const url = URL.parse(clientId);
  if (url === null || url.href !== clientId || url.pathname === '/') return undefined;
  // §3 advises against a query, and no client has one: by it a site that echoes its query would speak for whoever asks.
  if (clientId.includes('?') || clientId.includes('#') || url.username !== '' || url.password !== '') return undefined;
  if (!isName(url.hostname)) return undefined;
  if (hosts === 'auto') return url.port === '' ? url : undefined;
  return hosts.includes(url.host) ? url : undefined;
}

/** A name in the public DNS: the host is what people are shown, and what a certificate must be for. */
function isName(hostname: string): boolean {
  return /^[^.]+(\.[^.]+)+$/.test(hostname) && isIP(hostname) === 0 && !hostname.endsWith('.localhost');
}
