/** Any text as a field value of one line that is read in one way. RFC 3986 §2.1, RFC 9110 §5.5. */
import { ownText } from '../lib/own-text.ts';

/** What stays as it is, which is nearly every claim. */
const PLAIN = /^[\x21-\x24\x26-\x7e]*$/;

/** UTF-8; bytes outside 0x21–0x7E and `%` as `%XX`, so that a value can neither break a field nor be read two ways. */
export function encodeValue(value: string): string {
  if (PLAIN.test(value)) return value;
  let encoded = '';
  for (const byte of Buffer.from(value, 'utf8')) {
    const plain = byte >= 0x21 && byte <= 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  // Kept as long as the token: a chain of a thousand pieces takes sixty times the room of its characters.
  return ownText(encoded);
}
