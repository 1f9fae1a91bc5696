/** What node:http's `clientError` events mean. RFC 9112 §2.2, §3, RFC 6585 §5. */
import type { WireRefusal } from '../../src/wire/exchange.ts';

/** A refusal, or one of two things that deserve no answer. */
export type ParserErrorCause =
  | { readonly refusal: WireRefusal; readonly detail: string }
  | 'hang_up'
  | 'after_last_request';

/** Classifies by the error's code; the peer's bytes are only looked at to tell a long target from long fields. */
export function classifyParserError(error: Error, maxRequestLineBytes: number): ParserErrorCause {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return endsInRequestLine(error, maxRequestLineBytes)
        ? { refusal: 'uri_too_long', detail: 'the request line is over the limit' }
        : { refusal: 'headers_too_large', detail: 'the head is over the limit' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { refusal: 'request_timeout', detail: 'the head took too long' };
    case 'HPE_CLOSED_CONNECTION':
      return 'after_last_request';
    case 'HPE_INVALID_EOF_STATE':
      return 'hang_up';
    default:
      // Everything that is no parser error is a socket or TLS error: nobody is left to answer.
      return code.startsWith('HPE_') ? { refusal: 'malformed_request', detail: code } : 'hang_up';
  }
}

function endsInRequestLine(error: Error, maxRequestLineBytes: number): boolean {
  if (!('rawPacket' in error) || !Buffer.isBuffer(error.rawPacket)) return false;
  const start = error.rawPacket.subarray(0, maxRequestLineBytes);
  return !start.includes('\n') && /^[A-Z]+ /.test(start.toString('latin1', 0, 32));
}
