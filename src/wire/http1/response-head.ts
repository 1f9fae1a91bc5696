/** A response head from the backend: as strict as the request head. RFC 9112 §4, §6.3; RFC 9110 §7.6.1. */
import type { ResponseHead } from '../exchange.ts';
import { lowerName } from '../known-names.ts';
import { FIELD_CHAR } from './characters.ts';
import { type FieldReceiver, parseFieldLines } from './field-lines.ts';
import { isChunked, isLookAlike, parseConnectionOptions, parseContentLength } from './framing.ts';
import type { HeadText } from './head-reader.ts';

/** How the body of a message ends. */
export type BodyFraming = 'none' | 'length' | 'chunked' | 'close';

/** What a connection needs to know of a response until its last byte. */
export interface ResponseEnd {
  readonly framing: BodyFraming;
  /** RFC 9112 §9.3: whether the connection may serve another request. */
  readonly persistent: boolean;
  /** Seconds of `Keep-Alive: timeout=N`, by which a backend says when it will hang up. */
  readonly keepAliveSeconds: number | undefined;
}

/** A response head, and what the engine itself needs of it. */
export interface ParsedResponse {
  /** Without framing and hop-by-hop fields, nor those named in Connection. */
  readonly head: ResponseHead;
  readonly end: ResponseEnd;
}

/** As for requests: no honest server comes near, each costs more than its bytes, and clients break off at thousands without a word. */
const MAX_FIELD_LINES = 256;
const SP = 0x20;
const STATUS_AT = 'HTTP/1.x '.length;
const REASON_AT = STATUS_AT + 4;

/** Parses a whole response head, its final empty line included. Returns what is wrong as a fixed phrase. */
export function parseResponseHead(received: HeadText, requestMethod: string): ParsedResponse | string {
  const { text } = received;
  const minorVersion = text.startsWith('HTTP/1.1 ') ? 1 : text.startsWith('HTTP/1.0 ') ? 0 : undefined;
  if (minorVersion === undefined) return 'invalid HTTP version';
  const status = parseStatus(text);
  const lineEnd = text.indexOf('\r\n');
  // §4: the space after the status code is there even when the reason-phrase is empty.
  if (status === undefined || text.charCodeAt(REASON_AT - 1) !== SP) return 'invalid status line';
  for (let at = REASON_AT; at < lineEnd; at += 1) {
    if (FIELD_CHAR[text.charCodeAt(at)] !== 1) return 'invalid reason phrase';
  }
  const fields = new ResponseFields();
  const problem = parseFieldLines(received, { start: lineEnd + 2, end: text.length - 2 }, fields);
  if (problem !== undefined) return problem;
  if (fields.count > MAX_FIELD_LINES) return `more than ${MAX_FIELD_LINES} field lines`;
  const framing = fields.framing(status, requestMethod, minorVersion);
  if (typeof framing === 'object') return framing.problem;
  return {
    head: {
      status,
      reason: text.slice(REASON_AT, lineEnd),
      fields: fields.endToEnd(),
      length: fields.chunked ? undefined : fields.contentLength,
    },
    end: {
      framing,
      persistent: framing !== 'close' && (minorVersion === 1 ? !fields.close : fields.keepAlive && !fields.close),
      keepAliveSeconds: fields.keepAliveSeconds,
    },
  };
}

function parseStatus(text: string): number | undefined {
  const hundreds = text.charCodeAt(STATUS_AT) - 0x30;
  const tens = text.charCodeAt(STATUS_AT + 1) - 0x30;
  const ones = text.charCodeAt(STATUS_AT + 2) - 0x30;
  // RFC 9110 §15: 100 to 599; anything else has no class that a client could fall back to.
  const valid = hundreds >= 1 && hundreds <= 5 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9;
  return valid ? hundreds * 100 + tens * 10 + ones : undefined;
}

class ResponseFields implements FieldReceiver {
  contentLength: number | undefined = undefined;
  chunked = false;
  close = false;
  keepAlive = false;
  keepAliveSeconds: number | undefined = undefined;
  count = 0;
  readonly #lines: string[] = [];
  /** Names that the backend put into Connection beside `close` and `keep-alive`. */
  #nominated: string[] = [];

  take(name: string, value: string): string | undefined {
    this.count += 1;
    // Only names of these lengths mean anything to the engine.
    switch (name.length) {
      case 2:
      case 7:
      case 10:
      case 14:
      case 16:
      case 17:
        return this.#takeNotable(name, lowerName(name), value);
    }
    this.#lines.push(name, value);
    return undefined;
  }

  #takeNotable(name: string, lowerName: string, value: string): string | undefined {
    switch (lowerName) {
      case 'content-length':
        return this.#takeContentLength(value);
      case 'transfer-encoding':
        return this.#takeTransferEncoding(value);
      case 'connection':
        return this.#takeConnection(value);
      case 'keep-alive':
        this.#takeKeepAlive(value);
        return undefined;
      // RFC 9110 §7.6.1: hop-by-hop, whether Connection names them or not. Trailers are dropped, so is their announcement.
      case 'te':
      case 'trailer':
      case 'upgrade':
      case 'proxy-connection':
        return undefined;
    }
    if (isLookAlike(name, 'content-length') || isLookAlike(name, 'transfer-encoding')) {
      return 'a field name that looks like a framing field';
    }
    this.#lines.push(name, value);
    return undefined;
  }

  /** RFC 9112 §6.3, as far as it speaks of responses. */
  framing(status: number, requestMethod: string, minorVersion: 0 | 1): BodyFraming | { readonly problem: string } {
    if (this.chunked && this.contentLength !== undefined) {
      return { problem: 'both Transfer-Encoding and Content-Length' };
    }
    if (this.chunked && minorVersion === 0) return { problem: 'Transfer-Encoding over HTTP/1.0' };
    // RFC 9112 §6.1: no Transfer-Encoding in 1xx and 204.
    if (this.chunked && (status < 200 || status === 204))
      return { problem: 'Transfer-Encoding in a 1xx or 204 response' };
    if (requestMethod === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
    if (this.chunked) return 'chunked';
    if (this.contentLength === undefined) return 'close';
    return this.contentLength === 0 ? 'none' : 'length';
  }

  endToEnd(): readonly string[] {
    if (this.#nominated.length === 0) return this.#lines;
    const kept: string[] = [];
    for (let i = 0; i < this.#lines.length; i += 2) {
      const name = this.#lines[i] ?? '';
      if (!this.#nominated.includes(lowerName(name))) kept.push(name, this.#lines[i + 1] ?? '');
    }
    return kept;
  }

  #takeContentLength(value: string): string | undefined {
    if (this.contentLength !== undefined) return 'more than one Content-Length';
    this.contentLength = parseContentLength(value);
    return this.contentLength === undefined ? 'invalid Content-Length' : undefined;
  }

  #takeTransferEncoding(value: string): string | undefined {
    if (this.chunked) return 'more than one Transfer-Encoding';
    this.chunked = isChunked(value);
    return this.chunked ? undefined : 'a Transfer-Encoding other than chunked';
  }

  #takeConnection(value: string): string | undefined {
    const options = parseConnectionOptions(value);
    if (options === undefined) return 'invalid Connection';
    for (const option of options) {
      if (option === 'close') this.close = true;
      else if (option === 'keep-alive') this.keepAlive = true;
      else this.#nominated.push(option);
    }
    return undefined;
  }

  #takeKeepAlive(value: string): void {
    const seconds = /(?:^|[,; ])timeout=(\d{1,6})(?:$|[,; ])/i.exec(value)?.[1];
    if (seconds !== undefined) this.keepAliveSeconds = Number(seconds);
  }
}
