/** A request target or URL up to its query, byte for byte: what routing decides on and what logs may show. RFC 3986 §3.4. */

export function rawPath(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
