/** A cookie of the backend stays with the public host. RFC 6265 §4.1.2.3, §5.2.3. */

const HAS_DOMAIN = /;\s*domain\s*=/i;

/**
 * A Set-Cookie value without any Domain but the public host: the name of the backend is refused by browsers, that of a
 * parent domain hands the cookie to services next door. The rest stays byte for byte.
 */
export function keepToHost(cookie: string, publicHostname: string): string {
  if (!HAS_DOMAIN.test(cookie)) return cookie;
  return cookie
    .split(';')
    .filter((part, at) => at === 0 || !isForeignDomain(part, publicHostname))
    .join(';');
}

function isForeignDomain(attribute: string, publicHostname: string): boolean {
  const equals = attribute.indexOf('=');
  if (equals === -1 || attribute.slice(0, equals).trim().toLowerCase() !== 'domain') return false;
  const domain = attribute
    .slice(equals + 1)
    .trim()
    .toLowerCase();
  return domain.replace(/^\./, '') !== publicHostname;
}
