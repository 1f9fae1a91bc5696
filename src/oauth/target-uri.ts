/** The target URI of a request, as a proof's `htu` must name it. RFC 9449 §4.3 step 9, RFC 3986 §6.2.2–6.2.3. */

/** Scheme, authority without userinfo, path. A character beyond ASCII is not written in a URI but percent-encoded. */
const HTTP_URI = /^(https?:\/\/[A-Za-z0-9\-._~%!$&'()*+,;=:[\]]+)(\/[\x21-\x7e]*)?$/i;
const PERCENT_ENCODED = /%([0-9A-Fa-f]{2})/g;
/** RFC 3986 §2.3. */
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/**
 * Makes the function from a raw request target (origin-form) to the target URI without query and fragment, normalised. The
 * scheme and authority are those of the public URL: Host and forwarding fields are the client's to choose.
 */
export function createTargetUri(publicUrl: URL): (rawTarget: string) => string {
  const { origin } = publicUrl;
  return (rawTarget) => origin + normalizePath(withoutQuery(rawTarget));
}

/** Tells whether an `htu` names a target URI that `createTargetUri` made. Its own query and fragment are ignored. */
export function matchesTargetUri(htu: string, targetUri: string): boolean {
  return htu === targetUri || normalizeHtu(htu) === targetUri;
}

function normalizeHtu(htu: string): string | undefined {
  const match = HTTP_URI.exec(withoutQuery(htu));
  // §6.2.2.1 and §6.2.3: `origin` is in lower case, without the scheme's default port, an IPv6 address in its one short form.
  const origin = match === null ? undefined : URL.parse(match[1] ?? '')?.origin;
  // §6.2.3: an empty path is "/".
  return origin === undefined ? undefined : origin + normalizePath(match?.[2] ?? '/');
}

function withoutQuery(uri: string): string {
  const end = uri.search(/[?#]/);
  return end === -1 ? uri : uri.slice(0, end);
}

/**
 * Two spellings of one path come out the same; `%2F` is not `/`, and `//` is not `/`. What the backend gets is the raw
 * target: normalisation serves the comparison only.
 */
function normalizePath(path: string): string {
  if (!path.includes('%') && !path.includes('/.')) return path;
  return removeDotSegments(path.replace(PERCENT_ENCODED, normalizeOctet));
}

/** §6.2.2.1, §6.2.2.2: an unreserved character is never percent-encoded; the digits of the others are in upper case. */
function normalizeOctet(octet: string, digits: string): string {
  const character = String.fromCharCode(Number.parseInt(digits, 16));
  return UNRESERVED.test(character) ? character : octet.toUpperCase();
}

/** §6.2.2.3, §5.2.4. */
function removeDotSegments(path: string): string {
  const [root = '', ...segments] = path.split('/');
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const isDots = segment === '.' || segment === '..';
    if (!isDots) kept.push(segment);
    if (segment === '..') kept.pop();
    // A path that ends in dots ends in the folder that they name.
    if (isDots && index === segments.length - 1) kept.push('');
  }
  return [root, ...kept].join('/');
}
