/** Framing fields and the list values of `Connection`. RFC 9112 §6, RFC 9110 §7.6.1, §8.6. */
import { foldName } from '../../lib/fold-name.ts';
import { isToken } from './characters.ts';

/** No number of more digits is read, so that every length stays below 2^53. */
const MAX_LENGTH_DIGITS = 15;

/** A Content-Length value: 1*DIGIT and nothing else (no sign, no list). Undefined when it is not one. */
export function parseContentLength(value: string): number | undefined {
  if (value.length === 0 || value.length > MAX_LENGTH_DIGITS) return undefined;
  let length = 0;
  for (let i = 0; i < value.length; i += 1) {
    const digit = value.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    length = length * 10 + digit;
  }
  return length;
}

/** The one transfer coding spoken here; transfer-coding names are case-insensitive (RFC 9112 §7). */
export function isChunked(value: string): boolean {
  return value.toLowerCase() === 'chunked';
}

/**
 * True for a name that some stack would read as `lowerName`, although it is another one: "Transfer_Encoding" reaches CGI
 * and WSGI programs as the real thing.
 */
export function isLookAlike(name: string, lowerName: string): boolean {
  // The letter it begins with tells most names of that length apart without more work.
  const sameStart = (name.charCodeAt(0) | 0x20) === lowerName.charCodeAt(0) && name.length === lowerName.length;
  return sameStart && foldName(name) === lowerName;
}

/** What nearly every Connection field says that says anything. */
const KEEP_ALIVE: readonly string[] = ['keep-alive'];

/** The connection options of a Connection field, in lower case; undefined when it is no list of tokens. */
export function parseConnectionOptions(value: string): readonly string[] | undefined {
  if (value === 'keep-alive') return KEEP_ALIVE;
  const options: string[] = [];
  for (const part of value.toLowerCase().split(',')) {
    const option = part.replace(/^[ \t]+|[ \t]+$/g, '');
    // RFC 9110 §5.6.1.2: empty list elements are ignored.
    if (option === '') continue;
    if (!isToken(option)) return undefined;
    options.push(option);
  }
  return options;
}
