/** What speaks where an HTTP/1.1 answer was due, by its first bytes: for the log. RFC 8446 §5.1, RFC 4253 §4.2, RFC 9113 §4.1. */
import { Buffer } from 'node:buffer';

/** More bytes are not looked at. */
const SIGN_BYTES = 64;

/** The first that fits. */
const SIGNS: readonly (readonly [sign: RegExp, name: string])[] = [
  [/^HTTP\//, 'another version of HTTP'],
  [/^SSH-/, 'an SSH banner'],
  [/^PRI \* HTTP\/2/, 'an HTTP/2 preface'],
  [/^\s*<(?:!doctype html|html|head|body)\b/i, 'HTML without a head'],
  [/^\s*</, 'HTML or XML without a head'],
  [/^\s*[[{]/, 'JSON without a head'],
  [/^[A-Z]+ \S+ HTTP\//, 'an HTTP request'],
  [/^220[ -]/, 'a greeting of a mail or FTP server'],
  [/^[\t\r\n -~]+$/, 'text'],
];

/** A noun phrase, such as "an SSH banner", that holds no bytes of the peer's; undefined when they begin as HTTP/1 does. */
export function nameForeignBytes(bytes: Uint8Array): string | undefined {
  // RFC 8446 §5.1: content type 20 to 24, then the legacy version, 3.0 to 3.4.
  if (isWithin(bytes[0], 20, 24) && bytes[1] === 3 && isWithin(bytes[2], 0, 4)) return 'a TLS record; is it https?';
  // RFC 9113 §4.1: length, type (SETTINGS is 4, GOAWAY 7), flags, and stream 0.
  const isOnStream0 = bytes.length >= 9 && bytes.subarray(5, 9).every((byte) => byte === 0);
  if (bytes[0] === 0 && isOnStream0 && (bytes[3] === 4 || bytes[3] === 7)) return 'an HTTP/2 frame';
  // The handshake of MySQL and MariaDB: length in three bytes, sequence number 0, protocol 10.
  if (bytes[3] === 0 && bytes[4] === 10) return 'a greeting of a MySQL server';
  const text = Buffer.from(bytes.subarray(0, SIGN_BYTES)).toString('latin1');
  if (text.startsWith('HTTP/1.')) return undefined;
  return SIGNS.find(([sign]) => sign.test(text))?.[1] ?? 'bytes of another protocol';
}

function isWithin(byte: number | undefined, first: number, last: number): boolean {
  return byte !== undefined && byte >= first && byte <= last;
}
