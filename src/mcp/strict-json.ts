/** JSON that every decoder reads the same way, as messages must be written. RFC 8259 §4, §6, §8; RFC 7493 (I-JSON) §2. */
import { countWrittenMembers, endOfString, isJsonObject, parseJsonText } from '../lib/json-text.ts';

const MAX_DEPTH = 64;

const QUOTE = 0x22;

/** Shorter ones are below 2^53. */
const INTEGER = /^-?\d{16,}$/;

/** The value, or a phrase why there is none. */
export type StrictJson = { readonly value: unknown } | { readonly detail: string };

/**
 * Parses one JSON text. Refused are: what is not UTF-8, a byte order mark, more than 64 levels, a member name twice in an
 * object however it is escaped, a name that V8 may have misread, lone surrogates, numbers beyond what a double holds, and
 * integers that a double would round. The caller bounds the size.
 */
export function parseStrictJson(bytes: Uint8Array): StrictJson {
  const written = countWrittenMembers(bytes, MAX_DEPTH);
  if (written === undefined) return { detail: 'nested more than 64 levels deep' };
  const value = parseJsonText(bytes);
  if (value === undefined) return { detail: 'not JSON in UTF-8' };
  const tally: Tally = { members: 0, flaw: undefined, unsafeInteger: false };
  inspect(value, tally);
  if (tally.flaw !== undefined) return { detail: tally.flaw };
  if (tally.members !== written) return { detail: 'a member name twice in one object' };
  if (tally.unsafeInteger && roundsInteger(bytes)) return { detail: 'an integer that cannot be read exactly' };
  return { value };
}

interface Tally {
  members: number;
  flaw: string | undefined;
  /** An integer beyond 2^53 was seen, which may have been rounded. */
  unsafeInteger: boolean;
}

/** Counts the members of a parsed value, and looks at every name, string and number in it. */
function inspect(value: unknown, tally: Tally): void {
  if (typeof value === 'string') {
    // §8.2: one decoder keeps it, the next replaces it, a third refuses it.
    if (!value.isWellFormed()) tally.flaw = 'a lone surrogate';
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) tally.flaw = 'a number out of range';
    else if (!Number.isSafeInteger(value) && Number.isInteger(value)) tally.unsafeInteger = true;
  } else if (Array.isArray(value)) {
    for (const item of value) inspect(item, tally);
  } else if (isJsonObject(value)) {
    // No list of names, which would be made for each object of each body.
    for (const name in value) {
      tally.members += 1;
      // nodejs/node#63785: V8 may give this name to any one-character name written with an escape.
      if (name === '\\') tally.flaw = 'a member called "\\"';
      else if (!name.isWellFormed()) tally.flaw = 'a lone surrogate';
      inspect(value[name], tally);
    }
  }
}

/**
 * Whether an integer stands in the text that becomes another one when it is read and written again. One that a double
 * holds may be among them: 2^60 is written with three zeros at its end.
 */
function roundsInteger(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte === QUOTE) index = endOfString(bytes, index);
    if (!isNumeric(byte)) continue;
    let end = index + 1;
    while (isNumeric(bytes[end] ?? 0)) end += 1;
    const digits = Buffer.from(bytes.buffer, bytes.byteOffset + index, end - index).toString('latin1');
    if (INTEGER.test(digits) && String(Number(digits)) !== digits) return true;
    index = end;
  }
  return false;
}

/** A character of a number: a digit, or one of `+-.eE`. */
function isNumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e || (byte | 0x20) === 0x65;
}
