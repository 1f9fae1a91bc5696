/** Short answers: a message of JSON, or none. RFC 9110 §15; JSON-RPC 2.0 §5.1. */
import { formatError, type RequestId } from '../mcp/fault.ts';
import type { Exchange, ExchangeOwner, FieldLines } from '../wire/exchange.ts';

export interface JsonAnswer {
  readonly status: number;
  readonly json: Buffer | string;
  readonly fields?: FieldLines;
}

const NOBODY: ExchangeOwner = { onClose: () => undefined };

/** False when the client does not read as fast as that. */
export function respondJson(exchange: Exchange, { status, json, fields = [] }: JsonAnswer): boolean {
  const body = typeof json === 'string' ? Buffer.from(json) : json;
  const all = ['Content-Type', 'application/json', 'Cache-Control', 'no-store', ...fields];
  exchange.owner ??= NOBODY;
  const sink = exchange.respond({ status, reason: '', fields: all, length: body.length });
  const takesMore = sink.write(body);
  sink.end();
  return takesMore;
}

export function respondEmpty(exchange: Exchange, status: number, fields: FieldLines = []): void {
  exchange.owner ??= NOBODY;
  // RFC 9110 §8.6: a 204 says nothing of a length.
  exchange.respond({ status, reason: '', fields, length: status === 204 ? undefined : 0 }).end();
}

/** A refusal in the words of JSON-RPC. */
export interface Refusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly id?: RequestId | null;
  readonly fields?: FieldLines;
}

export function refuse(exchange: Exchange, { status, code, message, id = null, fields = [] }: Refusal): void {
  respondJson(exchange, { status, json: formatError(id, { code, message }), fields });
}

export const SESSION_NOT_FOUND: Refusal = { status: 404, code: -32001, message: 'Session not found' };
export const TOO_MANY: Refusal = {
  status: 503,
  code: -32000,
  message: 'Too many sessions',
  fields: ['Retry-After', '1'],
};
export const BUSY: Refusal = {
  status: 503,
  code: -32000,
  message: 'Too many requests in flight',
  fields: ['Retry-After', '1'],
};
export const NOT_ACCEPTABLE: Refusal = {
  status: 406,
  code: -32000,
  message: 'Not Acceptable: application/json and text/event-stream are what there is',
};
