/** URLs of the backend, as clients may know them: its own origin becomes the public one. RFC 9110 §10.2.2, RFC 3986 §4.2. */
import { isLoopbackHost } from '../lib/loopback.ts';

export interface PublicReferenceOptions {
  /** Scheme and authority that clients use. */
  readonly publicUrl: URL;
  /** `backend.url`, whose authority is also the Host that the backend sees. */
  readonly backendUrl: URL;
}

/** Translates a URI-reference. */
export type ToPublicReference = (reference: string) => string;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** A path-absolute reference that no client takes for an authority: most redirects, and never another origin. */
const PLAIN_PATH = /^\/(?![/\\\t])/;

/** An origin that every parser ends at the same place, and no user name in it. */
const PLAIN_ORIGIN = /^(?:https?:)?\/\/[^/?#\\@\s]+(?=[/?#]|$)/i;

/**
 * The origin is replaced, all behind it stays byte for byte. Whatever scheme the backend thinks it is reached by: it does
 * not know that of the client. The public authority under the other scheme becomes the public origin too, since it would
 * send the token over plain http. References without an authority, and those to other origins, stay as they are.
 */
export function createPublicReferences({ publicUrl, backendUrl }: PublicReferenceOptions): ToPublicReference {
  const own = new Set([publicUrl, backendUrl].flatMap(authoritiesOf));
  return (reference) => {
    if (reference === '' || PLAIN_PATH.test(reference)) return reference;
    // As browsers read it: what only they take for the backend (backslashes, tabs, no slashes) must not leave either.
    const url = URL.parse(reference, publicUrl);
    if (url === null || url.origin === publicUrl.origin || !isHttp(url) || !own.has(authorityOf(url))) return reference;
    const origin = PLAIN_ORIGIN.exec(reference)?.[0];
    const rest = origin === undefined ? url.pathname + url.search + url.hash : reference.slice(origin.length);
    return publicUrl.origin + rest;
  };
}

function isHttp({ protocol }: URL): boolean {
  return protocol in DEFAULT_PORTS;
}

/** With and without the default port. */
function authoritiesOf(url: URL): readonly string[] {
  const authority = authorityOf(url);
  return url.port === '' ? [authority, `${authority}${DEFAULT_PORTS[url.protocol] ?? ''}`] : [authority];
}

/** Ends with ":" where no port stands. All names of this machine are one. */
function authorityOf({ hostname, port }: URL): string {
  const isHere = isLoopbackHost(hostname) || hostname === '0.0.0.0' || hostname === '[::]';
  return `${isHere ? 'localhost' : hostname.replace(/\.$/, '')}:${port}`;
}
