/** Where a member's value stands in the bytes of a JSON text, so that it alone is replaced and all others stay as written. RFC 8259. */

/** From the first byte of a value to the one behind it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Replacement {
  readonly span: Span;
  readonly json: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** `json` must be valid. Of a name that stands there twice the last counts, as for `JSON.parse`. */
export function findSpan(json: Buffer, path: readonly string[]): Span | undefined {
  let start = skipSpace(json, 0);
  for (const name of path) {
    const value = findMember(json, start, name);
    if (value === undefined) return undefined;
    start = value;
  }
  return { start, end: skipValue(json, start) };
}

export function replaceSpans(json: Buffer, replacements: readonly Replacement[]): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const { span, json: text } of replacements.toSorted((a, b) => a.span.start - b.span.start)) {
    pieces.push(json.subarray(at, span.start), Buffer.from(text));
    at = span.end;
  }
  pieces.push(json.subarray(at));
  return Buffer.concat(pieces);
}

/** The elements of a JSON array, byte for byte. */
export function splitArray(json: Buffer): readonly Buffer[] {
  const elements: Buffer[] = [];
  let at = skipSpace(json, skipSpace(json, 0) + 1);
  while (json[at] !== 0x5d && at < json.length) {
    const end = skipValue(json, at);
    elements.push(json.subarray(at, end));
    at = skipSpace(json, end);
    if (json[at] === COMMA) at = skipSpace(json, at + 1);
  }
  return elements;
}

/** The same JSON in one line: a line end in valid JSON is white space. */
export function inOneLine(json: Buffer): Buffer {
  if (!json.includes(0x0a) && !json.includes(0x0d)) return json;
  return Buffer.from(json.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte)));
}

/** Where the value of the member begins; undefined when there is none, or no object. */
function findMember(json: Buffer, start: number, name: string): number | undefined {
  if (json[start] !== OPEN_OBJECT) return undefined;
  let found: number | undefined;
  let at = skipSpace(json, start + 1);
  while (at < json.length && json[at] !== CLOSE_OBJECT) {
    const nameEnd = skipString(json, at);
    // Behind the colon.
    const value = skipSpace(json, skipSpace(json, nameEnd) + 1);
    if (isName(json.subarray(at, nameEnd), name)) found = value;
    at = skipSpace(json, skipValue(json, value));
    if (json[at] === COMMA) at = skipSpace(json, at + 1);
  }
  return found;
}

function isName(quoted: Buffer, name: string): boolean {
  if (!quoted.includes(BACKSLASH))
    return quoted.length === Buffer.byteLength(name) + 2 && quoted.toString('utf8', 1, quoted.length - 1) === name;
  const written: unknown = JSON.parse(quoted.toString());
  return written === name;
}

function skipSpace(json: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = json[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

function skipString(json: Buffer, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function skipValue(json: Buffer, from: number): number {
  let at = from;
  let depth = 0;
  while (at < json.length) {
    switch (json[at] ?? 0) {
      case QUOTE:
        at = skipString(json, at);
        if (depth === 0) return at;
        continue;
      case OPEN_OBJECT:
      case 0x5b: // [
        depth += 1;
        break;
      case CLOSE_OBJECT:
      case 0x5d: // ]
        // The end of what a number or a word stands in.
        if (depth === 0) return at;
        depth -= 1;
        if (depth === 0) return at + 1;
        break;
      case COMMA:
      case 0x20:
      case 0x0a:
      case 0x0d:
      case 0x09:
        if (depth === 0) return at;
        break;
      default:
    }
    at += 1;
  }
  return at;
}
