/** Whether a URL names the backend or Obex itself, however it is spelled. RFC 3986 §3.2, §6.2.2. */
import { isLoopbackHost } from '../lib/loopback.ts';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** Of http and https URLs: whether their authority is that of one of `urls`, under either scheme. */
export function createOwnAuthorities(urls: readonly URL[]): (url: URL) => boolean {
  const own = new Set(urls.flatMap(spellingsOf));
  return (url) => url.protocol in DEFAULT_PORTS && own.has(authorityOf(url));
}

/** With and without the default port. */
function spellingsOf(url: URL): readonly string[] {
  const authority = authorityOf(url);
  return url.port === '' ? [authority, `${authority}${DEFAULT_PORTS[url.protocol] ?? ''}`] : [authority];
}

/** Ends with ":" where no port stands. All names of this machine are one. */
function authorityOf({ hostname, port }: URL): string {
  const isHere = isLoopbackHost(hostname) || hostname === '0.0.0.0' || hostname === '[::]';
  return `${isHere ? 'localhost' : hostname.replace(/\.$/, '')}:${port}`;
}
