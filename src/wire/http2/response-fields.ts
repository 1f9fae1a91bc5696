/** Field sections of responses: lower-case names, one Date, nothing that speaks of a connection. RFC 9113 §8.2, §8.3.2. */
import type { FieldLines, ResponseHead } from '../exchange.ts';

/** §8.2.2, and what the engine says itself. The last door: `node:http2` throws at most of these. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Alternating name, value. The reason phrase has no place in HTTP/2. */
export function formatResponseFields(head: ResponseHead, date: string): string[] {
  const { fields, status, length } = head;
  const lines = [':status', `${status}`];
  let dated = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase();
    if (LEFT_OUT.has(name)) continue;
    if (name === 'date') dated = true;
    lines.push(name, fields[i + 1] ?? '');
  }
  // RFC 9110 §6.6.1: a recipient with a clock adds the Date that is missing.
  if (!dated) lines.push('date', date);
  // RFC 9110 §8.6: no Content-Length in 204, and none but 0 would be true in 205; for HEAD and 304 it is the one that the
  // body would have.
  if (length !== undefined && status !== 204 && status !== 205) lines.push('content-length', `${length}`);
  return lines;
}

/** By name, which is how `node:http2` takes an interim response. */
export function formatInterimFields(status: number, fields: FieldLines): Record<string, string[] | number> {
  const byName = new Map<string, string[]>();
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase();
    if (LEFT_OUT.has(name)) continue;
    const values = byName.get(name);
    if (values === undefined) byName.set(name, [fields[i + 1] ?? '']);
    else values.push(fields[i + 1] ?? '');
  }
  return { ':status': status, ...Object.fromEntries(byName) };
}
