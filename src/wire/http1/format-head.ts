/** Writes request and response heads: one framing field, one Connection, whatever came in. RFC 9112 §3, §4, §6. */
import type { Clock } from '../../lib/clock.ts';
import type { BackendRequest } from '../backend.ts';
import type { FieldLines, ResponseHead } from '../exchange.ts';
import { isNamed } from '../known-names.ts';
import type { BodyFraming } from './response-head.ts';
import { standardPhrase } from './status-phrases.ts';

/**
 * Framing is ours alone: whatever such a field line says, it is left out. `proxy/` removes the other hop-by-hop fields;
 * this is the last door, but for `commonLines`, whose names
 * the configuration has been checked for.
 */
function isOurs(name: string): boolean {
  switch (name.length) {
    case 7:
      return isNamed(name, 'trailer');
    case 10:
      return isNamed(name, 'connection') || isNamed(name, 'keep-alive');
    case 14:
      return isNamed(name, 'content-length');
    case 17:
      return isNamed(name, 'transfer-encoding');
  }
  return false;
}

/** What the engine adds to a response head. */
export interface ResponseFraming {
  readonly framing: BodyFraming;
  /** `keep-alive` is said to HTTP/1.0 clients that asked for it. */
  readonly connection: 'close' | 'keep-alive' | undefined;
  readonly date: string;
}

export function formatResponseHead(head: ResponseHead, { framing, connection, date }: ResponseFraming): string {
  const { fields, status } = head;
  const reason = head.reason === '' ? standardPhrase(status) : head.reason;
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  let dated = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    if (isNamed(name, 'date')) dated = true;
    if (isOurs(name)) continue;
    text += `${name}: ${fields[i + 1] ?? ''}\r\n`;
  }
  // RFC 9110 §6.6.1: a recipient with a clock adds the Date that is missing.
  if (!dated) text += `Date: ${date}\r\n`;
  // RFC 9110 §8.6: no Content-Length in 204; for HEAD and 304 it is the one that the body would have.
  if (head.length !== undefined && status !== 204) text += `Content-Length: ${head.length}\r\n`;
  if (framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  return connection === undefined ? `${text}\r\n` : `${text}Connection: ${connection}\r\n\r\n`;
}

export function formatInterimHead(status: number, fields: FieldLines): string {
  return `HTTP/1.1 ${status} ${standardPhrase(status)}\r\n${formatFieldLines(fields)}\r\n`;
}

/** Field lines as they stand in a head, each with its CRLF. */
export function formatFieldLines(fields: FieldLines): string {
  let text = '';
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i] ?? ''}: ${fields[i + 1] ?? ''}\r\n`;
  return text;
}

/** `length`: bytes of the body, undefined = chunked. HTTP/1.1 connections persist without being told to. */
export function formatRequestHead(request: BackendRequest, length: number | undefined): string {
  const { method, target, fields, commonLines } = request;
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    if (!isOurs(name)) text += `${name}: ${fields[i + 1] ?? ''}\r\n`;
  }
  text += commonLines;
  if (length === undefined) return `${text}Transfer-Encoding: chunked\r\n\r\n`;
  // RFC 9110 §8.6: Content-Length: 0 only where the method gives a body a meaning.
  if (length === 0 && !(method === 'POST' || method === 'PUT' || method === 'PATCH')) return `${text}\r\n`;
  return `${text}Content-Length: ${length}\r\n\r\n`;
}

/** The value of Date, made once a second. RFC 9110 §5.6.7. */
export function createDateField(clock: Clock): () => string {
  let second = -1;
  let text = '';
  return () => {
    const nowSecond = Math.floor(clock.nowMs() / 1000);
    if (nowSecond !== second) {
      second = nowSecond;
      text = new Date(nowSecond * 1000).toUTCString();
    }
    return text;
  };
}
