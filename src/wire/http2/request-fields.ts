/** A request's field section: pseudo-header fields and fields, checked and brought into the form of a RequestHead. RFC 9113 §8.2, §8.3. */
import type { RequestHead, ServerLimits, WireRefusal } from '../exchange.ts';
import { FIELD_CHAR, isToken } from '../http1/characters.ts';
import { isLookAlike, parseContentLength } from '../http1/framing.ts';
import { isAuthority } from '../http1/host.ts';
import { parseRequestTarget } from '../http1/request-target.ts';

/** More field lines than any client sends; each costs more than its bytes. */
export const MAX_FIELD_LINES = 256;

/** What the engine itself needs of a request, beside the head that it hands out. */
export interface ParsedRequest {
  readonly head: RequestHead;
  /** Content-Length, if there is one. */
  readonly contentLength: number | undefined;
  readonly expectsContinue: boolean;
  /** Size of the field section as HTTP/1.1 would have it, and its lines. */
  readonly bytes: number;
  readonly lines: number;
}

/** `detail` is a fixed phrase without any received byte. */
export interface RefusedRequest {
  readonly refusal: WireRefusal;
  readonly detail: string;
}

/** What remains of a request that was refused. */
export const REFUSED_REQUEST: ParsedRequest = {
  head: { method: '', target: '', authority: '', fields: [] },
  contentLength: undefined,
  expectsContinue: false,
  bytes: 0,
  lines: MAX_FIELD_LINES,
};

/** Sizes are counted as the same request would have them in HTTP/1.1. */
export function parseRequestFields(
  received: readonly string[],
  { maxRequestLineBytes, maxHeaderBytes }: Pick<ServerLimits, 'maxRequestLineBytes' | 'maxHeaderBytes'>,
): ParsedRequest | RefusedRequest {
  const request = new RequestFields();
  let bytes = 0;
  for (let i = 0; i < received.length; i += 2) {
    const name = received[i] ?? '';
    const value = received[i + 1] ?? '';
    const isPseudo = name.startsWith(':');
    const problem = isPseudo ? request.takePseudo(name, value) : request.take(name, value);
    if (problem !== undefined) return { refusal: 'malformed_request', detail: problem };
    bytes += isPseudo ? value.length : name.length + value.length + ': \r\n'.length;
  }
  if (request.lineLength > maxRequestLineBytes) return { refusal: 'uri_too_long', detail: ':path too long' };
  if (bytes > maxHeaderBytes) return { refusal: 'headers_too_large', detail: 'field section too large' };
  if (received.length > 2 * MAX_FIELD_LINES) return { refusal: 'headers_too_large', detail: 'too many field lines' };
  return request.finish(bytes, received.length / 2);
}

/** §8.2.2: they speak of one HTTP/1.1 connection and make a request malformed. `te` is looked at apart. */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

class RequestFields {
  readonly #pseudo = new Map<string, string>();
  readonly #lines: string[] = [];
  #host: string | undefined = undefined;
  #cookieAt = -1;
  #contentLength: number | undefined = undefined;
  #expectsContinue = false;
  #fieldsBegun = false;

  /** Of the request-line that HTTP/1.1 would have. */
  get lineLength(): number {
    return `${this.#pseudo.get(':method') ?? ''} ${this.#pseudo.get(':path') ?? ''} HTTP/1.1`.length;
  }

  /** §8.3: each at most once, before all other fields, and none but those defined. */
  takePseudo(name: string, value: string): string | undefined {
    if (this.#fieldsBegun) return 'a pseudo-header field after a field';
    if (this.#pseudo.has(name)) return 'a pseudo-header field twice';
    switch (name) {
      case ':method':
        if (!isToken(value)) return 'invalid :method';
        break;
      case ':scheme':
        if (value !== 'https' && value !== 'http') return 'a :scheme other than http and https';
        break;
      case ':authority':
        if (!isAuthority(value)) return 'invalid :authority';
        this.#lines.push('host', value);
        break;
      case ':path':
        break;
      default:
        // RFC 8441: extended CONNECT, and its :protocol, is not offered.
        return 'unknown pseudo-header field';
    }
    this.#pseudo.set(name, value);
    return undefined;
  }

  take(name: string, value: string): string | undefined {
    this.#fieldsBegun = true;
    // §8.2.1: names are lower case; a value has no control character and no whitespace around it.
    if (!isToken(name) || name !== name.toLowerCase()) return 'invalid character in a field name';
    if (!isFieldValue(value)) return 'invalid character or surrounding whitespace in a field value';
    if (CONNECTION_SPECIFIC.has(name)) return 'a connection-specific field';
    switch (name) {
      case 'host':
        return this.#takeHost(value);
      case 'content-length':
        return this.#takeContentLength(value);
      case 'cookie':
        return this.#takeCookie(value);
      case 'expect':
        if (value.toLowerCase() === '100-continue') this.#expectsContinue = true;
        return undefined;
      case 'te':
        if (value.toLowerCase() !== 'trailers') return 'a TE other than trailers';
        break;
    }
    if (isLookAlike(name, 'content-length')) return 'a field name that looks like Content-Length';
    if (isLookAlike(name, 'transfer-encoding')) return 'a field name that looks like Transfer-Encoding';
    this.#lines.push(name, value);
    return undefined;
  }

  finish(bytes: number, lines: number): ParsedRequest | RefusedRequest {
    const method = this.#pseudo.get(':method');
    const authority = this.#pseudo.get(':authority') ?? this.#host;
    if (method === undefined || authority === undefined) {
      return { refusal: 'malformed_request', detail: 'missing :method or :authority' };
    }
    const target = method === 'CONNECT' ? this.#connectTarget(authority) : this.#target(method);
    if (target === undefined) return { refusal: 'malformed_request', detail: 'invalid or missing :path or :scheme' };
    return {
      head: { method, target, authority, fields: this.#lines },
      contentLength: this.#contentLength,
      expectsContinue: this.#expectsContinue,
      bytes,
      lines,
    };
  }

  /** §8.3.1: in origin-form only. "*" is not served; an absolute-form would be a second authority. */
  #target(method: string): string | undefined {
    const path = this.#pseudo.get(':path') ?? '';
    if (!this.#pseudo.has(':scheme') || !path.startsWith('/')) return undefined;
    return parseRequestTarget(method, path, '');
  }

  /** §8.5: CONNECT has neither :scheme nor :path. It is never served here, so its target is the same as over HTTP/1.1. */
  #connectTarget(authority: string): string | undefined {
    if (this.#pseudo.has(':scheme') || this.#pseudo.has(':path')) return undefined;
    return parseRequestTarget('CONNECT', authority, '');
  }

  /** §8.3.1: a Host that names somebody else than :authority must not pass; one that is equal adds nothing. */
  #takeHost(value: string): string | undefined {
    if (this.#host !== undefined) return 'more than one Host';
    if (!isAuthority(value)) return 'invalid Host';
    this.#host = value;
    const authority = this.#pseudo.get(':authority');
    if (authority === undefined) this.#lines.push('host', value);
    else if (authority.toLowerCase() !== value.toLowerCase()) return 'a Host that differs from :authority';
    return undefined;
  }

  #takeContentLength(value: string): string | undefined {
    if (this.#contentLength !== undefined) return 'more than one Content-Length';
    this.#contentLength = parseContentLength(value);
    return this.#contentLength === undefined ? 'invalid Content-Length' : undefined;
  }

  /** §8.2.3: crumbs are joined before they reach anything that is not HTTP/2. */
  #takeCookie(value: string): undefined {
    if (this.#cookieAt < 0) this.#cookieAt = this.#lines.push('cookie', value) - 1;
    else this.#lines[this.#cookieAt] = `${this.#lines[this.#cookieAt] ?? ''}; ${value}`;
  }
}

function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i += 1) {
    if (FIELD_CHAR[value.charCodeAt(i)] !== 1) return false;
  }
  return !isWhitespace(value.charCodeAt(0)) && !isWhitespace(value.charCodeAt(value.length - 1));
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
