/** The text of JSON as it was written: what JSON.parse leaves out, and what it makes of the rest. RFC 8259 §4, §8.1. */
import { isUtf8 } from 'node:buffer';

/** A parsed object. A member that is absent reads as undefined. */
export type JsonObject = Readonly<Record<string, unknown>>;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Tells a JSON object from every other JSON value. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value that UTF-8 bytes stand for; undefined when they are not UTF-8 or not JSON. A byte order mark is not JSON. */
export function parseJsonText(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    return undefined;
  }
}

/**
 * How many members all objects of a JSON text have, counted on its bytes: in valid JSON every colon outside a string
 * belongs to one. JSON.parse keeps the last of two equal names (§4), so a tree with fewer members than were written had
 * some. Undefined when objects and arrays are nested more than `maxDepth` levels deep.
 */
export function countWrittenMembers(bytes: Uint8Array, maxDepth: number): number | undefined {
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
        if (depth > maxDepth) return undefined;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth -= 1;
        break;
    }
  }
  return members;
}

/** Where the string that opens at `start` closes. */
export function endOfString(bytes: Uint8Array, start: number): number {
  let index = start + 1;
  while (index < bytes.length && bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1;
  return index;
}
