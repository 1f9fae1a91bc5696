/** Raw paths that two servers could read differently, so that the one chooses by them and the other serves something else. RFC 3986 §3.3, §6.2.2. */

/**
 * An empty segment before the last, which some leave out; a slash that is encoded, and a backslash, which some take for
 * one; a segment of dots, encoded or with parameters behind it (`..;x`), by which some go up.
 */
const AMBIGUOUS = /\/\/|\\|%2f|%5c|\/(?:\.|%2e){1,2}(?=[/;]|%3b|$)/i;

/** `path` is without its query. */
export function isAmbiguousPath(path: string): boolean {
  return AMBIGUOUS.test(path);
}
