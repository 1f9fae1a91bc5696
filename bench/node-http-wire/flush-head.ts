/** Sends a head whose body has not begun. RFC 9110 §5.5: field values are bytes, so they leave as latin1. */
import type { OutgoingMessage } from 'node:http';

/** `flushHeaders()` would do, but it encodes the head as UTF-8 and so changes bytes above 0x7F. */
export function flushHead(message: OutgoingMessage): void {
  message.write('', 'latin1');
}
