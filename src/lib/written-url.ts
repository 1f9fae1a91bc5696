/** A URL as people write it: without the slash that only stands for an empty path. RFC 3986 §6.2.3. */

export function writeUrl({ origin, pathname, href }: URL): string {
  return pathname === '/' ? origin : href;
}
