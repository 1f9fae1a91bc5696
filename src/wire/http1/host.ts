/** The value of a Host field: uri-host [ ":" port ]. RFC 9110 §7.2, RFC 3986 §3.2.2. */
import { isIPv6 } from 'node:net';
import { isPctEncoded, REG_NAME_CHAR } from './characters.ts';

const PERCENT = 0x25;
const OPEN_BRACKET = 0x5b;
const COLON = 0x3a;

const COMMA = 0x2c;

/**
 * True for a valid authority without userinfo. RFC 9110 §4.2.1: an http(s) URI with an empty host is invalid, so an empty
 * value is refused too. So is a comma, although reg-name has it: two Host lines joined on their way would bring one.
 */
export function isAuthority(value: string): boolean {
  const hostEnd = value.charCodeAt(0) === OPEN_BRACKET ? endOfIpLiteral(value) : endOfRegName(value);
  if (hostEnd <= 0) return false;
  return hostEnd === value.length || (value.charCodeAt(hostEnd) === COLON && isPort(value, hostEnd + 1));
}

function endOfRegName(value: string): number {
  let at = 0;
  for (; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (REG_NAME_CHAR[code] === 1 && code !== COMMA) continue;
    if (code !== PERCENT || !isPctEncoded(value, at)) break;
    at += 2;
  }
  return at;
}

/** IPv6 only: no IPvFuture has ever been defined, and a zone means nothing to anybody else (RFC 9844). */
function endOfIpLiteral(value: string): number {
  const close = value.indexOf(']');
  const address = value.slice(1, close);
  return close > 0 && isIPv6(address) && !address.includes('%') ? close + 1 : 0;
}

/** port = *DIGIT, bounded to what a port can be. */
function isPort(value: string, start: number): boolean {
  if (value.length - start > 5) return false;
  let port = 0;
  for (let i = start; i < value.length; i += 1) {
    const digit = value.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return false;
    port = port * 10 + digit;
  }
  return port <= 65535;
}
