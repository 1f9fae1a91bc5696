/** The end of a connection that cannot be taken for the end of a message. RFC 9112 §8, §9.8. */
import { Socket } from 'node:net';

/**
 * Closes at once, by a reset of the TCP connection, under TLS too: there the missing alert `close_notify` would say the same
 * (RFC 8446 §6.1), but clients are known to overlook it. A unix socket knows no reset: its peer cannot be told.
 */
export function resetAndDestroy(socket: Socket): void {
  const bottom = underneath(socket);
  // No address: a unix socket, or one that the peer has reset.
  if (bottom.remoteFamily === undefined || 'encrypted' in bottom) socket.destroy();
  else bottom.resetAndDestroy();
}

/** `node:tls` keeps the socket that a TLS socket was made of under this name; should that change, the alert is missing still. */
function underneath(socket: Socket): Socket {
  return '_parent' in socket && socket._parent instanceof Socket ? socket._parent : socket;
}
