/** The head of a request to the backend, and what errors on the way mean. RFC 9110 §8.6, §9.2.2. */
import type { BackendFailure, BackendRequest } from '../../src/wire/backend.ts';
import { withoutFraming } from './framing.ts';

// RFC 9110 §9.2.2
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
// §8.6: no length where no content is expected; node:http would add `chunked` to an empty request with any other method.
const WITHOUT_CONTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE', 'CONNECT']);

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** The request's fields with the one framing field that its body needs. */
export function backendFields(request: BackendRequest, bodyLength: number | undefined): string[] {
  const fields = withoutFraming(request.fields);
  if (bodyLength === undefined) fields.push('Transfer-Encoding', 'chunked');
  else if (bodyLength > 0 || !WITHOUT_CONTENT.has(request.method)) fields.push('Content-Length', String(bodyLength));
  return fields;
}

/** Names an error before the response head: the parser's, or the network's and TLS's. */
export function classifyBackendError(error: Error, answered: boolean): BackendFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // Bytes came but never made a head: the backend is there and does not speak HTTP.
  return code.startsWith('HPE_') || answered ? 'backend_protocol_error' : 'backend_unavailable';
}
