/** What a request head must be before there is an exchange. RFC 9112 §3 (request line, target), §6 (framing), RFC 9110 §7.2. */
import { isIPv6 } from 'node:net';
import type { FieldLines, RequestHead, ServerLimits, WireRefusal } from '../../src/wire/exchange.ts';
import { connectionOptions, parseFraming, withoutFields } from './framing.ts';

/** A request head as the parser hands it over. */
export interface RawRequestHead {
  readonly method: string;
  readonly target: string;
  /** "1.1", "1.0", or something to refuse. */
  readonly httpVersion: string;
  readonly fields: FieldLines;
}

/** A request head that passed, with what the connection must know about it. */
export interface CheckedRequestHead {
  readonly head: RequestHead;
  /** Body length: 0 = none, undefined = chunked. */
  readonly bodyLength: number | undefined;
  /** The connection ends after the answer: HTTP/1.0, or asked for by the client. */
  readonly close: boolean;
}

/** A refused head; `detail` holds no client bytes. */
export interface HeadRefusal {
  readonly refusal: WireRefusal;
  readonly detail: string;
}

const FRAMING_FIELDS: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'expect']);
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const ABSOLUTE_FORM = /^(https?):\/\/([^/?]*)(.*)$/i;
// RFC 3986 §3.2.2 without userinfo, and without the comma that joined Host fields would bring.
const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)(?::([0-9]{0,5}))?$/;

/** Checks a whole request head; the first fault found decides. */
export function checkRequestHead(
  raw: RawRequestHead,
  limits: Pick<ServerLimits, 'maxRequestLineBytes' | 'maxHeaderBytes'>,
): CheckedRequestHead | HeadRefusal {
  const tooLarge = checkSize(raw, limits);
  if (tooLarge !== undefined) return tooLarge;
  if (raw.httpVersion !== '1.1' && raw.httpVersion !== '1.0')
    return malformed('an HTTP version other than 1.0 and 1.1');
  const framing = parseFraming(raw.fields);
  if ('fault' in framing) return malformed(framing.fault);
  // RFC 9112 §6.1: Transfer-Encoding in an HTTP/1.0 message means that its framing is faulty.
  if (framing.chunked && raw.httpVersion === '1.0') return malformed('Transfer-Encoding in an HTTP/1.0 request');
  const authority = checkHost(raw);
  if (typeof authority !== 'string') return authority;
  const target = checkTarget(raw, authority);
  if (typeof target !== 'string') return target;
  const fields = withoutFields(raw.fields, (name) => FRAMING_FIELDS.has(name));
  return {
    head: { method: raw.method, target, authority, fields },
    bodyLength: framing.chunked ? undefined : (framing.contentLength ?? 0),
    close: raw.httpVersion === '1.0' || raw.method === 'CONNECT' || connectionOptions(raw.fields).has('close'),
  };
}

function checkSize(
  raw: RawRequestHead,
  limits: Pick<ServerLimits, 'maxRequestLineBytes' | 'maxHeaderBytes'>,
): HeadRefusal | undefined {
  if (raw.method.length + raw.target.length + ' '.length + ' HTTP/1.1'.length > limits.maxRequestLineBytes) {
    return { refusal: 'uri_too_long', detail: 'the request line is over the limit' };
  }
  let bytes = 0;
  for (const text of raw.fields) bytes += text.length + 2; // ": " and CR LF
  if (bytes > limits.maxHeaderBytes) return { refusal: 'headers_too_large', detail: 'the fields are over the limit' };
  return undefined;
}

/** RFC 9112 §3.2: exactly one valid Host; only HTTP/1.0 may come without. Returns its value. */
function checkHost(raw: RawRequestHead): string | HeadRefusal {
  let host: string | undefined;
  for (let i = 0; i < raw.fields.length; i += 2) {
    if ((raw.fields[i] ?? '').toLowerCase() !== 'host') continue;
    if (host !== undefined) return malformed('more than one Host');
    host = raw.fields[i + 1] ?? '';
  }
  if (host === undefined) return raw.httpVersion === '1.0' ? '' : malformed('no Host');
  return isHost(host) ? host : malformed('an invalid Host');
}

function isHost(text: string): boolean {
  const match = HOST.exec(text);
  if (match === null) return false;
  const [, ipLiteral, port] = match;
  return (ipLiteral === undefined || isIPv6(ipLiteral)) && Number(port ?? 0) <= 65_535;
}

/** RFC 9112 §3.2: origin-form as it is, absolute-form reduced to origin-form; CONNECT's authority-form becomes "/". */
function checkTarget(raw: RawRequestHead, authority: string): string | HeadRefusal {
  const { target } = raw;
  if (!VISIBLE_ASCII.test(target)) return malformed('a target with bytes outside visible ASCII');
  if (target.includes('#')) return malformed('a target with a fragment');
  if (raw.method === 'CONNECT') return '/';
  if (target.startsWith('/')) return target;
  const match = ABSOLUTE_FORM.exec(target);
  if (match === null) return malformed('a target in neither origin-form nor absolute-form');
  const [, scheme = '', targetAuthority = '', rest = ''] = match;
  if (!isHost(targetAuthority)) return malformed('an absolute-form target with an invalid authority');
  if (normalizeAuthority(targetAuthority, scheme) !== normalizeAuthority(authority, scheme)) {
    return malformed('an absolute-form target whose authority is not that of Host');
  }
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** RFC 3986 §6.2.2.1 and §6.2.3: lower case, without the scheme's default port. */
function normalizeAuthority(authority: string, scheme: string): string {
  const defaultPort = scheme.toLowerCase() === 'https' ? /:(?:443)?$/ : /:(?:80)?$/;
  return authority.toLowerCase().replace(defaultPort, '');
}

function malformed(detail: string): HeadRefusal {
  return { refusal: 'malformed_request', detail };
}
