/** Names as careless readers see them: two names with one folded form are one name to somebody. */

/**
 * Lower case, every character that is no letter or digit read as `-`. Servers that build `HTTP_…` variables read header
 * names in this way.
 */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-');
}
