/** http and https URIs in one spelling, so that equal ones compare equal. RFC 3986 §6.2.2–6.2.3. */

/** Scheme, authority without userinfo, path, query. A character beyond ASCII is not written in a URI but percent-encoded. */
const HTTP_URI =
  /^(https?:\/\/[A-Za-z0-9\-._~%!$&'()*+,;=:[\]]+)(\/[\x21\x22\x24-\x3e\x40-\x7e]*)?(\?[\x21\x22\x24-\x7e]*)?$/i;
const PERCENT_ENCODED = /%([0-9A-Fa-f]{2})/g;
/** RFC 3986 §2.3. */
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/**
 * Two spellings of one URI come out the same: case of scheme and host, default port, empty path, dot segments,
 * percent-encoding in the path. A query stays as it is. Undefined for what is no http or https URI, or has userinfo or a
 * fragment.
 */
export function normalizeHttpUri(uri: string): string | undefined {
  const match = HTTP_URI.exec(uri);
  // §6.2.2.1 and §6.2.3: `origin` is in lower case, without the scheme's default port, an IPv6 address in its one short form.
  const origin = match === null ? undefined : URL.parse(match[1] ?? '')?.origin;
  // §6.2.3: an empty path is "/".
  return origin === undefined ? undefined : origin + normalizePath(match?.[2] ?? '/') + (match?.[3] ?? '');
}

/** Two spellings of one path come out the same; `%2F` is not `/`, and `//` is not `/`. For comparisons only. */
export function normalizePath(path: string): string {
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
