/** URLs of the backend, as clients may know them: its own origin becomes the public one. RFC 9110 §10.2.2, RFC 3986 §4.2. */
import { createOwnAuthorities } from './own-authorities.ts';

export interface PublicReferenceOptions {
  /** Scheme and authority that clients use. */
  readonly publicUrl: URL;
  readonly backendUrl: URL;
  /** The Host that the backend sees. */
  readonly backendHost: string;
}

/** Translates a URI-reference in the answer to a request for `target`; undefined = clients reach nothing of that name. */
export type ToPublicReference = (reference: string, target: string) => string | undefined;

/** A path-absolute reference that no client takes for an authority: most redirects, and never another origin. */
const PLAIN_PATH = /^\/(?![/\\\t])/;

/** An origin that every parser ends at the same place, and no user name in it. */
const PLAIN_ORIGIN = /^(?:https?:)?\/\/[^/?#\\@\s]+(?=[/?#]|$)/i;

/**
 * The origin is replaced, all behind it stays byte for byte. Whatever scheme the backend thinks it is reached by: it does
 * not know that of the client. The public authority under the other scheme becomes the public origin too, since it would
 * send the token over plain http. References without an authority, and those to other origins, stay as they are.
 */
export function createPublicReferences(options: PublicReferenceOptions): (reference: string) => string {
  const { publicUrl } = options;
  const isOwn = createOwnAuthorities([publicUrl, ...backendNames(options)]);
  return (reference) => {
    if (reference === '' || PLAIN_PATH.test(reference)) return reference;
    // As browsers read it: what only they take for the backend (backslashes, tabs, no slashes) must not leave either.
    const url = URL.parse(reference, publicUrl);
    if (url === null || url.origin === publicUrl.origin || !isOwn(url)) return reference;
    const origin = PLAIN_ORIGIN.exec(reference)?.[0];
    const rest = origin === undefined ? url.pathname + url.search + url.hash : reference.slice(origin.length);
    return publicUrl.origin + rest;
  };
}

/** What the backend may call itself by. */
export function backendNames({ backendUrl, backendHost }: PublicReferenceOptions): readonly URL[] {
  if (backendHost === backendUrl.host) return [backendUrl];
  return [backendUrl, new URL(`http://${backendHost}`), new URL(`https://${backendHost}`)];
}
