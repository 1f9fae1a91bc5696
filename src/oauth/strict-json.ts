/** Strict JSON for tokens and keys: valid UTF-8, one object, no duplicate members, bounded depth. RFC 8259 §4, §8.1. */
import { isUtf8 } from 'node:buffer';

/** A parsed object. A member that is absent reads as undefined. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Deep enough for any claim (RFC 9396 nests a handful), shallow enough to walk recursively. */
const MAX_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Parses one JSON object. Undefined means: not UTF-8, not JSON, not an object, a member name twice (at any depth, however
 * it is escaped), a member called `\`, or more than 32 levels. The caller bounds the size. Lone surrogates written as
 * `\ud800` survive, so that `isWellFormed` finds them. The object has no prototype: a claim called `__proto__` is a member
 * like any other.
 */
export function parseJsonObject(bytes: Uint8Array): JsonObject | undefined {
  const written = countWrittenMembers(bytes);
  if (written === undefined || !isUtf8(bytes)) return undefined;
  const value = parseText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  if (!isJsonObject(value)) return undefined;
  // §4: JSON.parse keeps the last of two equal names, so a tree with fewer members than were written had some.
  if (countParsedMembers(value) !== written) return undefined;
  return { __proto__: null, ...value };
}

/** Tells a JSON object from every other JSON value. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** In valid JSON every colon outside a string belongs to one member. Undefined when it is nested too deeply. */
function countWrittenMembers(bytes: Uint8Array): number | undefined {
  let members = 0;
  let depth = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    switch (bytes[index] ?? 0) {
      case QUOTE:
        index = endOfString(bytes, index);
        break;
      case 0x3a: // :
        members += 1;
        break;
      case 0x7b: // {
      case 0x5b: // [
        depth += 1;
        if (depth > MAX_DEPTH) return undefined;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth -= 1;
        break;
    }
  }
  return members;
}

function endOfString(bytes: Uint8Array, start: number): number {
  let index = start + 1;
  while (index < bytes.length && bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1;
  return index;
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
