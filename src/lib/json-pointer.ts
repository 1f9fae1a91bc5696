/** Where something stands in a JSON document: the name of a member, or a pointer to one further inside. RFC 6901 §3, §4. */

/** Reference tokens from the root, unescaped; never empty. */
export type JsonPointer = readonly string[];

/** §4: an array is indexed by digits without leading zeros. */
const INDEX = /^(0|[1-9][0-9]{0,15})$/;

/**
 * Parses a pointer. Text that does not begin with `/` is the name of one member of the document, whatever stands in it.
 * Undefined when it is empty or holds a `~` that escapes nothing (§3).
 */
export function parseJsonPointer(text: string): JsonPointer | undefined {
  if (text === '') return undefined;
  if (!text.startsWith('/')) return [text];
  if (/~(?![01])/.test(text)) return undefined;
  // §4: ~1 first, so that ~01 is ~1 and not a slash
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value at a pointer; undefined when there is none. Own members only. */
export function readJsonPointer(document: unknown, pointer: JsonPointer): unknown {
  let value = document;
  for (const token of pointer) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) && !INDEX.test(token)) return undefined;
    value = Object.getOwnPropertyDescriptor(value, token)?.value;
  }
  return value;
}
