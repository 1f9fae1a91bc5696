/** Obex itself as an issuer, which it is with `login`. RFC 8414 §2 (issuer), RFC 6749 §3.1.2 (redirect URI). */

/** `obex.public_url` without a final slash. */
export function ownIssuer(publicUrl: URL): string {
  return publicUrl.origin;
}

/** Where the IdP sends people back to. */
export function loginRedirectUri(publicUrl: URL): string {
  return `${publicUrl.origin}/oauth/callback`;
}

/** Paths of the resource that `login` would take. */
export function isLoginPath(path: string): boolean {
  return path === '/oauth' || path.startsWith('/oauth/');
}
