/** The body of one POST, read as every backend reads it, or not at all. MCP 2026-07-28, Sending Messages; 2025-03-26, Batching. */
import { type Fault, invalid, unreadable } from './fault.ts';
import { type Message, toMessage } from './message.ts';
import { parseStrictJson } from './strict-json.ts';

/** Several messages in one body, of which none is `initialize` and no two requests have one id. */
export interface Batch {
  readonly kind: 'batch';
  readonly messages: readonly Message[];
}

/** The caller bounds the size, judges the media type before and the headers afterwards (`headers-agree.ts`). */
export function readMessage(body: Uint8Array): Message | Batch | Fault {
  const parsed = parseStrictJson(body);
  if ('detail' in parsed) return unreadable(parsed.detail);
  return Array.isArray(parsed.value) ? toBatch(parsed.value) : toMessage(parsed.value);
}

function toBatch(values: readonly unknown[]): Batch | Fault {
  if (values.length === 0) return invalid('an empty batch', null);
  const messages: Message[] = [];
  const ids = new Set<string | number>();
  for (const value of values) {
    const message = toMessage(value);
    // One fault refuses all of them, so its answer is for no one id.
    if (message.kind === 'fault') return invalid(message.detail, null);
    if (message.kind === 'request') {
      if (message.method === 'initialize') return invalid('initialize in a batch', null);
      if (ids.has(message.id)) return invalid('two requests with one id', null);
      ids.add(message.id);
    }
    messages.push(message);
  }
  return { kind: 'batch', messages };
}
