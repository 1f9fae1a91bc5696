/** A request head: from text to a checked RequestHead and its framing. RFC 9112 §3, §5, §6. */
import type { RequestHead } from '../exchange.ts';
import { isNamed } from '../known-names.ts';
import { TCHAR } from './characters.ts';
import { type FieldReceiver, parseFieldLines } from './field-lines.ts';
import { isChunked, isLookAlike, parseConnectionOptions, parseContentLength } from './framing.ts';
import type { HeadText } from './head-reader.ts';
import { isAuthority } from './host.ts';
import { parseRequestTarget } from './request-target.ts';

const SP = 0x20;

/** What the engine itself needs of a request head, beside the head that it hands out. */
export interface ParsedRequest {
  readonly head: RequestHead;
  readonly minorVersion: 0 | 1;
  /** Bytes of the body; undefined = chunked. */
  readonly length: number | undefined;
  readonly expectsContinue: boolean;
  /** RFC 9112 §9.3: whether the connection may serve another request. */
  readonly persistent: boolean;
  readonly fieldCount: number;
}

/**
 * Parses a whole head, its final empty line included, that begins at the request-line and has no bytes after it.
 * Returns what is wrong as a fixed phrase when it must be refused.
 */
export function parseRequestHead(received: HeadText): ParsedRequest | string {
  const { text } = received;
  let methodEnd = 0;
  while (TCHAR[text.charCodeAt(methodEnd)] === 1) methodEnd += 1;
  const lineEnd = text.indexOf('\r\n', methodEnd);
  const targetEnd = lineEnd - ' HTTP/1.x'.length;
  // §3: exactly one space at each of the two places; a space inside the target falls to the target's own check.
  if (methodEnd === 0 || text.charCodeAt(methodEnd) !== SP || targetEnd <= methodEnd) return 'invalid request line';
  const minorVersion = parseVersion(text, targetEnd);
  if (minorVersion === undefined) return 'invalid request line or HTTP version';

  const fields = new RequestFields();
  const problem =
    parseFieldLines(received, { start: lineEnd + 2, end: text.length - 2 }, fields) ?? fields.check(minorVersion);
  if (problem !== undefined) return problem;

  const method = text.slice(0, methodEnd);
  const target = parseRequestTarget(method, text.slice(methodEnd + 1, targetEnd), fields.host ?? '');
  if (target === undefined) return 'invalid request target';
  return {
    head: { method, target, authority: fields.host ?? '', fields: fields.lines },
    minorVersion,
    length: fields.length,
    // RFC 9110 §10.1.1: an HTTP/1.0 expectation is ignored, and so is one without a body.
    expectsContinue: fields.expectsContinue && minorVersion === 1 && fields.length !== 0,
    persistent: minorVersion === 1 ? !fields.close : fields.keepAlive && !fields.close,
    fieldCount: fields.count,
  };
}

/** §2.3: HTTP-version is case-sensitive. Only 1.0 and 1.1 are spoken here. */
function parseVersion(text: string, spaceAt: number): 0 | 1 | undefined {
  if (text.startsWith(' HTTP/1.1', spaceAt)) return 1;
  return text.startsWith(' HTTP/1.0', spaceAt) ? 0 : undefined;
}

/** Collects the field lines to hand out and takes the framing ones aside. */
class RequestFields implements FieldReceiver {
  readonly lines: string[] = [];
  count = 0;
  host: string | undefined = undefined;
  close = false;
  keepAlive = false;
  expectsContinue = false;
  #contentLength: number | undefined = undefined;
  #chunked = false;

  /** Body length as §6.3 has it for a request: no framing field means no body. */
  get length(): number | undefined {
    return this.#chunked ? undefined : (this.#contentLength ?? 0);
  }

  take(name: string, value: string): string | undefined {
    this.count += 1;
    // Only names of these lengths mean anything to the engine.
    switch (name.length) {
      case 4:
        if (isNamed(name, 'host')) return this.#takeHost(name, value);
        break;
      case 6:
        if (isNamed(name, 'expect')) return this.#takeExpect(value);
        break;
      case 10:
        if (isNamed(name, 'connection')) return this.#takeConnection(name, value);
        break;
      case 14:
        if (isNamed(name, 'content-length')) return this.#takeContentLength(value);
        if (isLookAlike(name, 'content-length')) return 'a field name that looks like Content-Length';
        break;
      case 17:
        if (isNamed(name, 'transfer-encoding')) return this.#takeTransferEncoding(value);
        if (isLookAlike(name, 'transfer-encoding')) return 'a field name that looks like Transfer-Encoding';
        break;
    }
    this.lines.push(name, value);
    return undefined;
  }

  /** The duties that need the whole section. */
  check(minorVersion: 0 | 1): string | undefined {
    if (this.host === undefined && minorVersion === 1) return 'missing Host';
    if (this.#chunked && minorVersion === 0) return 'Transfer-Encoding over HTTP/1.0';
    if (this.#chunked && this.#contentLength !== undefined) return 'both Transfer-Encoding and Content-Length';
    return undefined;
  }

  /** §3.2: more than one Host line, or an invalid one, must be answered 400. */
  #takeHost(name: string, value: string): string | undefined {
    if (this.host !== undefined) return 'more than one Host';
    if (!isAuthority(value)) return 'invalid Host';
    this.host = value;
    this.lines.push(name, value);
    return undefined;
  }

  #takeExpect(value: string): undefined {
    if (value.toLowerCase() === '100-continue') this.expectsContinue = true;
  }

  #takeConnection(name: string, value: string): string | undefined {
    const options = parseConnectionOptions(value);
    if (options === undefined) return 'invalid Connection';
    if (options.includes('close')) this.close = true;
    if (options.includes('keep-alive')) this.keepAlive = true;
    this.lines.push(name, value);
    return undefined;
  }

  #takeContentLength(value: string): string | undefined {
    if (this.#contentLength !== undefined) return 'more than one Content-Length';
    this.#contentLength = parseContentLength(value);
    return this.#contentLength === undefined ? 'invalid Content-Length' : undefined;
  }

  /** §6.1: a coding that is not understood, or one applied twice, leaves the end of the body in doubt. */
  #takeTransferEncoding(value: string): string | undefined {
    if (this.#chunked) return 'more than one Transfer-Encoding';
    this.#chunked = isChunked(value);
    return this.#chunked ? undefined : 'a Transfer-Encoding other than chunked';
  }
}
