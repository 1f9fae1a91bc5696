/** The field section of a head or of trailers, parsed in one pass. RFC 9112 §5, RFC 9110 §5.5. */
import { addToHash, findKnownName } from '../known-names.ts';
import { FIELD_CHAR, TCHAR } from './characters.ts';
import type { HeadText } from './head-reader.ts';

const HTAB = 0x09;
const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const COLON = 0x3a;

/** Hears of every field line. */
export interface FieldReceiver {
  /** Takes a line; the value has no surrounding whitespace. Returns what is wrong with it, or undefined. */
  take(name: string, value: string): string | undefined;
}

/**
 * Parses `field-line CRLF` from `start` up to `end`, where the last CRLF ends. Returns what is wrong (a fixed phrase
 * without any received byte), or undefined.
 */
export function parseFieldLines(
  { text, bytes, base }: HeadText,
  range: { readonly start: number; readonly end: number },
  receiver: FieldReceiver,
): string | undefined {
  const end = base + range.end;
  let at = base + range.start;
  while (at < end) {
    const nameStart = at;
    let hash = 0;
    for (let byte = bytes[at] ?? 0; TCHAR[byte] === 1; byte = bytes[at] ?? 0) {
      hash = addToHash(hash, byte);
      at += 1;
    }
    if (bytes[at] !== COLON || at === nameStart) return problemOfName(bytes[at], at === nameStart);
    const name =
      findKnownName(bytes, nameStart, { hash, length: at - nameStart }) ?? text.slice(nameStart - base, at - base);
    at += 1;
    while (isWhitespace(bytes[at])) at += 1;
    const valueStart = at;
    while (FIELD_CHAR[bytes[at] ?? 0] === 1) at += 1;
    // RFC 9112 §2.2: a bare CR or a bare LF never ends a line; every other control is not a field-vchar.
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return 'invalid character in a field value';
    let valueEnd = at;
    while (valueEnd > valueStart && isWhitespace(bytes[valueEnd - 1])) valueEnd -= 1;
    at += 2;
    const problem = receiver.take(name, text.slice(valueStart - base, valueEnd - base));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isWhitespace(code: number | undefined): boolean {
  return code === SP || code === HTAB;
}

function problemOfName(code: number | undefined, atLineStart: boolean): string {
  // RFC 9112 §5.2 obs-fold and §2.2 whitespace before the first line look the same: a line that begins with whitespace.
  if (isWhitespace(code))
    return atLineStart ? 'whitespace at the start of a field line' : 'whitespace before the colon';
  return 'invalid character in a field name';
}
