/** One POST as a program gets it: the message as it was read, and its bytes in one line. */
import type { Message, Request } from '../mcp/message.ts';
import type { Batch } from '../mcp/read-message.ts';
import { inOneLine, splitArray } from './json-span.ts';

/** A message of a client. */
export interface Inbound {
  readonly message: Message;
  /** The client's bytes. */
  readonly line: Buffer;
}

/** Those of a batch one by one: few programs read arrays. */
export function toInbound(read: Message | Batch, body: Buffer): readonly Inbound[] {
  if (read.kind !== 'batch') return [{ message: read, line: inOneLine(body) }];
  const elements = splitArray(body);
  return read.messages.map((message, index) => ({ message, line: inOneLine(elements[index] ?? body) }));
}

/** Numbers and texts are different ids. */
export function idKey(id: string | number): string {
  return typeof id === 'number' ? String(id) : JSON.stringify(id);
}

/** Of an id or token that may be none. */
export function tokenKey(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? idKey(value) : undefined;
}

export function progressTokenOf({ params }: Request): string | undefined {
  const meta = params?.['_meta'];
  return typeof meta === 'object' && meta !== null && 'progressToken' in meta
    ? tokenKey(meta.progressToken)
    : undefined;
}
