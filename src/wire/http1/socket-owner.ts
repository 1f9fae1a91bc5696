/** What happens to a socket, told to its owner: by the same few functions for all, where one for each costs more than it tells. */
import type { Socket } from 'node:net';

/** Who a socket belongs to, until it is closed. */
export interface SocketOwner {
  onBytes(bytes: Buffer): void;
  /** The kernel takes bytes again. */
  onDrain(): void;
  /** The peer's FIN. */
  onEnd(): void;
  /** The connection broke. It closes next, which is enough for an owner that does not ask why. */
  onError?(error: Error): void;
  onClose(): void;
}

const owners = new Map<Socket, SocketOwner>();

/** From now on the owner hears of everything but bytes. */
export function own(socket: Socket, owner: SocketOwner): void {
  owners.set(socket, owner);
  socket.on('drain', onDrain).on('end', onEnd).on('error', onError).on('close', onClose);
}

/** The owner hears of bytes too: by events, each with a buffer of its own. */
export function readByEvents(socket: Socket): void {
  socket.on('data', onBytes);
}

function onBytes(this: Socket, bytes: Buffer): void {
  owners.get(this)?.onBytes(bytes);
}

function onDrain(this: Socket): void {
  owners.get(this)?.onDrain();
}

function onEnd(this: Socket): void {
  owners.get(this)?.onEnd();
}

function onError(this: Socket, error: Error): void {
  owners.get(this)?.onError?.(error);
}

function onClose(this: Socket): void {
  const owner = owners.get(this);
  owners.delete(this);
  owner?.onClose();
}
