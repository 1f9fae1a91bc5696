/** Values of the body as headers carry them. MCP 2026-07-28, Streamable HTTP, Value Encoding. */
import { isUtf8 } from 'node:buffer';

/** Case-sensitive, unlike the encoded words of RFC 2047. */
const START = '=?base64?';
const END = '?=';

const PLAIN = /^[\t\x20-\x7e]*$/;

/** Undefined for a value that no client may send: other characters, or a sentinel around what is not Base64 of UTF-8. */
export function decodeHeaderValue(value: string): string | undefined {
  if (!PLAIN.test(value)) return undefined;
  if (!value.startsWith(START) || !value.endsWith(END)) return value;
  const encoded = value.slice(START.length, -END.length);
  const bytes = Buffer.from(encoded, 'base64');
  // Buffer reads around what is no Base64; one text has one encoding.
  return isUtf8(bytes) && bytes.toString('base64') === encoded ? bytes.toString() : undefined;
}
