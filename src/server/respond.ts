/** Writes the answers that Obex gives by itself: refusals and small documents. RFC 9110 §15. */
import { Buffer } from 'node:buffer';
import { type Denial, denialRow, deny } from '../oauth/denial.ts';
import { errorField } from '../observe/log.ts';
import type { FieldLines, ResponseHead } from '../wire/exchange.ts';
import type { Answerable } from './answerable.ts';

interface Content {
  readonly fields: FieldLines;
  readonly body: string | Uint8Array;
}

/** Sends a whole answer; `fields` beside those that every answer to the request carries. */
export function respondWith(life: Answerable, status: number, content: Content): void {
  if (life.isOver) return;
  life.responding(status);
  send(life, status, content);
}

/** Sends a refusal: its status, its challenge, its body. Nothing, if a response has begun or nobody is left. */
export function respondDenial(life: Answerable, found: Denial): void {
  if (life.isOver || life.exchange.responded) return;
  const denial = life.judge(found);
  const { status } = denialRow(denial.reason);
  life.responding(status, denial);
  const fields = [...life.challenge(denial.reason), ...denial.fields, ...REFUSAL_FIELDS];
  send(life, status, { fields, body: formatRefusal(denial) });
}

/** A bug: 500 with nothing but the request id outside, everything in the log. */
export function respondInternalError(life: Answerable, error: unknown): void {
  life.log.error('internal_error', {
    request_id: life.requestId,
    error: errorField(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
  respondDenial(life, deny('internal_error'));
}

/** The same refusal for a connection whose bytes never became a request. */
export function formatWireRefusal(denial: Denial, requestId: string): { head: ResponseHead; body: Uint8Array } {
  const body = Buffer.from(formatRefusal(denial));
  const fields = [...denial.fields, ...REFUSAL_FIELDS, 'X-Obex-Request-ID', requestId];
  return { head: { status: denialRow(denial.reason).status, reason: '', fields, length: body.length }, body };
}

const REFUSAL_FIELDS: FieldLines = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'];

function formatRefusal(denial: Denial): string {
  const { reason, description } = denial;
  return JSON.stringify({ error: denialRow(reason).error, reason, error_description: description });
}

function send(life: Answerable, status: number, content: Content): void {
  const body = typeof content.body === 'string' ? Buffer.from(content.body) : content.body;
  const fields = [...content.fields, ...life.ownFields];
  const sink = life.exchange.respond({ status, reason: '', fields, length: status === 204 ? undefined : body.length });
  if (body.length > 0) sink.write(body);
  sink.end();
}
