/** The head that the client gets back: the backend's, byte for byte, but for CORS and what Obex says itself. RFC 9110 §7.6. */
import type { FieldLines, ResponseHead } from '../wire/exchange.ts';
import { rememberByName } from './field-names.ts';

/** `ownFields` (request id, CORS) replace the backend's of the same kind. */
export function formatClientHead(head: ResponseHead, ownFields: FieldLines): ResponseHead {
  return {
    status: head.status,
    reason: head.reason,
    fields: passedFields(head.fields, ownFields),
    length: head.length,
  };
}

/** What goes on of the backend's fields, in interim (1xx) responses too, and behind it `ownFields`. */
export function passedFields(backendFields: FieldLines, ownFields: FieldLines = []): FieldLines {
  const fields: string[] = [];
  for (let at = 0; at < backendFields.length; at += 2) {
    const name = backendFields[at] ?? '';
    if (!isRemoved(name)) fields.push(name, backendFields[at + 1] ?? '');
  }
  for (const part of ownFields) fields.push(part);
  return fields;
}

/** RFC 9110 §7.6.1, §11.7.1: between the backend and Obex only. The engine takes off what `Connection` names, and framing. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
]);

/** RFC 9449 §8: proofs end at Obex, so a nonce of the backend would only mislead, and two are one too many. */
const OURS: ReadonlySet<string> = new Set(['x-obex-request-id', 'dpop-nonce']);

const CORS_PREFIX = 'access-control-';

const isRemoved = rememberByName((name) => {
  const lower = name.toLowerCase();
  return lower.startsWith(CORS_PREFIX) || OURS.has(lower) || HOP_BY_HOP.has(lower);
});
