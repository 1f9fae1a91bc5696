/** The path of a request target, byte for byte: what routing decides on and what logs may show. RFC 9112 §3.2.1. */

export function rawPath(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
