/** Single claims: what one holds, or why it cannot be used. RFC 7519 §2, §4.1. */
import { type Denial, deny } from './denial.ts';

/** Of a subject or a client id, in UTF-8 before any encoding: both are passed to the backend. */
const MAX_IDENTIFIER_BYTES = 1024;
/** The last instant that ECMAScript can name; a later one is a mistake. */
export const MAX_TIME_MS = 8.64e15;

/** The refusal of a token that cannot be read; `detail` is a phrase for the log. */
export function malformed(detail: string): Denial {
  return deny('invalid_token', { detail });
}

/** §4.1.3: one string, or an array of them. */
export function readStrings(name: string, claim: unknown): readonly string[] | Denial {
  if (claim === undefined) return malformed(`${name} is absent`);
  const strings: unknown = typeof claim === 'string' ? [claim] : claim;
  if (Array.isArray(strings) && strings.every(isString)) return strings;
  return malformed(`${name} is neither a string nor an array of strings`);
}

export function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** §2: seconds, fractions allowed; here in milliseconds. */
export function readNumericDate(name: string, claim: unknown): number | Denial {
  if (claim === undefined) return malformed(`${name} is absent`);
  if (typeof claim !== 'number') return malformed(`${name} is not a number`);
  const timeMs = claim * 1000;
  return Math.abs(timeMs) <= MAX_TIME_MS ? timeMs : malformed(`${name} is beyond every date`);
}

/** A string that a header can carry without loss: no lone surrogate, at most 1 KiB. An empty one names nobody, as none does. */
export function readIdentifier(name: string, claim: unknown): string | undefined | Denial {
  if (claim === undefined || claim === '') return undefined;
  if (typeof claim !== 'string') return malformed(`${name} is not a string`);
  if (!claim.isWellFormed()) return malformed(`${name} holds a lone surrogate`);
  if (Buffer.byteLength(claim) <= MAX_IDENTIFIER_BYTES) return claim;
  return malformed(`${name} is longer than ${MAX_IDENTIFIER_BYTES} bytes`);
}
