/** What a backend's response head must be before it is handed on. RFC 9112 §6, RFC 9110 §7.6.1, §8.6. */
import type { FieldLines, ResponseHead } from '../../src/wire/exchange.ts';
import { connectionOptions, type HeadFault, parseFraming, withoutFields, withoutFraming } from './framing.ts';

/** A response head as the parser hands it over. */
export interface RawResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly httpVersion: string;
  readonly fields: FieldLines;
}

const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Checks the head and takes everything off it that concerns only the connection to the backend. */
export function checkResponseHead(raw: RawResponseHead): ResponseHead | HeadFault {
  if (raw.httpVersion !== '1.1' && raw.httpVersion !== '1.0')
    return { fault: 'an HTTP version other than 1.0 and 1.1' };
  if (raw.status < 200 || raw.status > 599) return { fault: 'a status code outside 200 to 599' };
  if (!REASON.test(raw.reason)) return { fault: 'control byte in the reason phrase' };
  const framing = parseFraming(raw.fields);
  if ('fault' in framing) return framing;
  if (framing.chunked && raw.httpVersion === '1.0') return { fault: 'Transfer-Encoding in an HTTP/1.0 response' };
  // RFC 9110 §8.6: a 204 has no length; a peer that trusted one would wait for a body.
  const length = raw.status === 204 ? undefined : framing.contentLength;
  return { status: raw.status, reason: raw.reason, fields: endToEndFields(raw.fields), length };
}

/** The fields without framing, Connection, Keep-Alive, Trailer and those that Connection names. */
export function endToEndFields(fields: FieldLines): string[] {
  const named = connectionOptions(fields);
  const kept = withoutFraming(fields);
  return named.size === 0 ? kept : withoutFields(kept, (name) => named.has(name));
}
