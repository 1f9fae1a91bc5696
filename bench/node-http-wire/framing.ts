/** Message framing read from raw field lines, refusing whatever two parsers could read differently. RFC 9112 §6. */
import type { FieldLines } from '../../src/wire/exchange.ts';

/** How a message's body is delimited. Neither a length nor chunked: no body in a request, until close in a response. */
export interface Framing {
  readonly contentLength: number | undefined;
  readonly chunked: boolean;
}

/** What is wrong with a head, in words of ours: it holds none of the peer's bytes. */
export interface HeadFault {
  readonly fault: string;
}

const FRAMING_NAMES: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);
// RFC 9110 §5.5: field values hold no control bytes but HTAB.
const CONTROL_BYTE = /[^\t\x20-\x7e\x80-\xff]/;
const DIGITS = /^[0-9]{1,16}$/;

/** Reads the framing fields. Faults: duplicates, look-alike names, both at once, any coding but chunked. */
export function parseFraming(fields: FieldLines): Framing | HeadFault {
  let length: string | undefined;
  let coding: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase();
    const value = fields[i + 1] ?? '';
    if (CONTROL_BYTE.test(value)) return { fault: 'control byte in a field value' };
    if (name === 'content-length') {
      if (length !== undefined) return { fault: 'more than one Content-Length' };
      length = value;
    } else if (name === 'transfer-encoding') {
      if (coding !== undefined) return { fault: 'more than one Transfer-Encoding' };
      coding = value;
    } else if (isFramingLookAlike(name)) {
      return { fault: 'a field name that some parsers read as a framing field' };
    }
  }
  return resolveFraming(length, coding);
}

function resolveFraming(length: string | undefined, coding: string | undefined): Framing | HeadFault {
  if (coding !== undefined) {
    // RFC 9112 §6.1: both fields together ought to be handled as an attack.
    if (length !== undefined) return { fault: 'both Content-Length and Transfer-Encoding' };
    if (coding.toLowerCase() !== 'chunked') return { fault: 'a Transfer-Encoding other than chunked' };
    return { contentLength: undefined, chunked: true };
  }
  if (length === undefined) return { contentLength: undefined, chunked: false };
  const contentLength = Number(length);
  if (!DIGITS.test(length) || !Number.isSafeInteger(contentLength)) return { fault: 'an invalid Content-Length' };
  return { contentLength, chunked: false };
}

/** True for `transfer_encoding` and the like: CGI-style servers fold such names into the real one. */
function isFramingLookAlike(lowerCaseName: string): boolean {
  if (lowerCaseName.length !== 14 && lowerCaseName.length !== 17) return false;
  return FRAMING_NAMES.has(lowerCaseName.replace(/[^a-z0-9]/g, '-'));
}

/** The options listed in all Connection fields, in lower case. RFC 9110 §7.6.1. */
export function connectionOptions(fields: FieldLines): ReadonlySet<string> {
  const options = new Set<string>();
  for (let i = 0; i < fields.length; i += 2) {
    if ((fields[i] ?? '').toLowerCase() !== 'connection') continue;
    for (const option of (fields[i + 1] ?? '').split(',')) options.add(option.trim().toLowerCase());
  }
  return options;
}

/** The field lines whose lower-case name `isExcluded` does not hold for, in order. */
export function withoutFields(fields: FieldLines, isExcluded: (lowerCaseName: string) => boolean): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    if (!isExcluded(name.toLowerCase())) kept.push(name, fields[i + 1] ?? '');
  }
  return kept;
}

// Trailers are dropped both ways, so the field that announces them goes too (RFC 9110 §6.6.2).
const WRITTEN_BY_ENGINE: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'trailer',
]);

/** Field lines fit to be written: nothing in them that the engine writes itself, so framing can never stand there twice. */
export function withoutFraming(fields: FieldLines): string[] {
  return withoutFields(fields, (name) => WRITTEN_BY_ENGINE.has(name));
}
