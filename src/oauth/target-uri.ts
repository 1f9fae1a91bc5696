/** The target URI of a request, as a proof's `htu` must name it. RFC 9449 §4.3 step 9. */
import { normalizeHttpUri, normalizePath } from './http-uri.ts';

/**
 * Makes the function from a raw request target (origin-form) to the target URI without query and fragment, normalised. The
 * scheme and authority are those of the resource's URL: Host and forwarding fields are the client's to choose.
 */
export function createTargetUri(publicUrl: URL): (rawTarget: string) => string {
  const { origin } = publicUrl;
  return (rawTarget) => origin + normalizePath(withoutQuery(rawTarget));
}

/** Tells whether an `htu` names a target URI that `createTargetUri` made. Its own query and fragment are ignored. */
export function matchesTargetUri(htu: string, targetUri: string): boolean {
  return htu === targetUri || normalizeHttpUri(withoutQuery(htu)) === targetUri;
}

function withoutQuery(uri: string): string {
  const end = uri.search(/[?#]/);
  return end === -1 ? uri : uri.slice(0, end);
}
