/** The end of a connection that cannot be taken for the end of a message. RFC 9112 §8, RFC 8446 §6.1. */
import type { Socket } from 'node:net';

/**
 * Closes at once: over TCP by a reset. Over TLS nothing is added to it, since the alert `close_notify` is missing, which tells
 * a client that its message was cut (RFC 9112 §9.8). A unix socket knows no reset: there the peer cannot be told.
 */
export function resetAndDestroy(socket: Socket): void {
  const isTcp = socket.remoteFamily !== undefined && !('encrypted' in socket);
  if (isTcp) socket.resetAndDestroy();
  else socket.destroy();
}
