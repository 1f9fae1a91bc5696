/** Strict JSON for tokens and keys: valid UTF-8, one object, no duplicate members, bounded depth. RFC 8259 §4, §8.1. */
import { countWrittenMembers, isJsonObject, type JsonObject, parseJsonText } from '../lib/json-text.ts';

/** Deep enough for any claim (RFC 9396 nests a handful), shallow enough to walk recursively. */
const MAX_DEPTH = 32;

/**
 * Parses one JSON object. Undefined means: not UTF-8, not JSON, not an object, a member name twice (at any depth, however
 * it is escaped), a member called `\`, or more than 32 levels. The caller bounds the size. Lone surrogates written as
 * `\ud800` survive, so that `isWellFormed` finds them. The object has no prototype: a claim called `__proto__` is a member
 * like any other.
 */
export function parseJsonObject(bytes: Uint8Array): JsonObject | undefined {
  const written = countWrittenMembers(bytes, MAX_DEPTH);
  if (written === undefined) return undefined;
  const value = parseJsonText(bytes);
  if (!isJsonObject(value) || countParsedMembers(value) !== written) return undefined;
  return { __proto__: null, ...value };
}

/**
 * NaN, which equals no count, when a member is called `\`: V8 gives that name to any one-character name written with an
 * escape, once it has seen a real one (nodejs/node#63785). No claim needs it, and a misread name could hide another.
 */
function countParsedMembers(value: object): number {
  if (Object.hasOwn(value, '\\')) return Number.NaN;
  const inner: readonly unknown[] = Object.values(value);
  let members = Array.isArray(value) ? 0 : inner.length;
  for (const item of inner) {
    if (typeof item === 'object' && item !== null) members += countParsedMembers(item);
  }
  return members;
}
