/** Character classes of HTTP, one table look-up each. RFC 9110 §5.6.2, §5.5; RFC 3986 §3.3; RFC 5234 B.1. */

const ALPHA = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const DIGIT = '0123456789';
const SUB_DELIMS = "!$&'()*+,;=";

function charClass(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < characters.length; i += 1) table[characters.charCodeAt(i)] = 1;
  return table;
}

/** RFC 9110 §5.6.2: tchar. */
export const TCHAR = charClass(`!#$%&'*+-.^_\`|~${DIGIT}${ALPHA}`);

/** RFC 9110 §5.5: field-vchar, SP and HTAB. obs-text (0x80 and up) is opaque data and passes as it is. */
export const FIELD_CHAR = new Uint8Array(256).map((_, code) =>
  code === 0x09 || (code >= 0x20 && code !== 0x7f) ? 1 : 0,
);

/**
 * RFC 3986 §3.3: pchar (without pct-encoded, which is checked apart), "/" and "?". Beyond it what every browser and `fetch`
 * send raw (WHATWG URL §1.3), as in `?ids[]=1`: no parser takes these for a delimiter, so nobody reads them two ways.
 */
export const TARGET_CHAR = charClass(`${ALPHA}${DIGIT}-._~${SUB_DELIMS}:@/?[]{}|^\``);

/** RFC 3986 §3.2.2: reg-name without pct-encoded. */
export const REG_NAME_CHAR = charClass(`${ALPHA}${DIGIT}-._~${SUB_DELIMS}`);

/** The value of a HEXDIG, 255 for anything else. */
export const HEX_VALUE = new Uint8Array(256).fill(255);
for (let value = 0; value < 16; value += 1) {
  const digit = value.toString(16);
  HEX_VALUE[digit.charCodeAt(0)] = value;
  HEX_VALUE[digit.toUpperCase().charCodeAt(0)] = value;
}

/** True for a non-empty run of tchar. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    if (TCHAR[text.charCodeAt(i)] !== 1) return false;
  }
  return text.length > 0;
}

/** True when the "%" at `at` begins a pct-encoded triplet (RFC 3986 §2.1). */
export function isPctEncoded(text: string, at: number): boolean {
  // charCodeAt is NaN beyond the end, which no table holds.
  const high = HEX_VALUE[text.charCodeAt(at + 1)] ?? 255;
  const low = HEX_VALUE[text.charCodeAt(at + 2)] ?? 255;
  return high !== 255 && low !== 255;
}
