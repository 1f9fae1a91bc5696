/** What happens to a socket, told to its owner: by the same few functions for all, where one for each costs more than it tells. */
import type { Socket } from 'node:net';
import type { Contained } from '../contain.ts';

/** Who a socket belongs to, until it is closed. */
export interface SocketOwner extends Contained {
  onBytes(bytes: Buffer): void;
  /** The kernel takes bytes again. */
  onDrain(): void;
  /** The peer's FIN. */
  onEnd(): void;
  /** The connection broke. A TCP socket closes next; a TLS socket that could not read a record is left to its owner. */
  onError(error: Error): void;
  onClose(): void;
}

const owners = new Map<Socket, SocketOwner>();

/** From now on the owner hears of everything but bytes, and nobody who owned it before. */
export function own(socket: Socket, owner: SocketOwner): void {
  const isOwned = owners.has(socket);
  owners.set(socket, owner);
  if (!isOwned) socket.on('drain', onDrain).on('end', onEnd).on('error', onError).on('close', onClose);
}

/** The owner hears of bytes too: by events, each with a buffer of its own. */
export function readByEvents(socket: Socket): void {
  socket.on('data', onBytes);
}

/** The owner hears of no more bytes: somebody else reads them. */
export function stopReadingByEvents(socket: Socket): void {
  socket.off('data', onBytes);
}

/** For callbacks that belong to a socket and are none of the events here. */
export function tellOwnerOfBug(socket: Socket, error: unknown): void {
  owners.get(socket)?.onBug(error);
}

function onBytes(this: Socket, bytes: Buffer): void {
  try {
    owners.get(this)?.onBytes(bytes);
  } catch (error) {
    tellOwnerOfBug(this, error);
  }
}

function onDrain(this: Socket): void {
  try {
    owners.get(this)?.onDrain();
  } catch (error) {
    tellOwnerOfBug(this, error);
  }
}

function onEnd(this: Socket): void {
  try {
    owners.get(this)?.onEnd();
  } catch (error) {
    tellOwnerOfBug(this, error);
  }
}

function onError(this: Socket, error: Error): void {
  try {
    owners.get(this)?.onError(error);
  } catch (bug) {
    tellOwnerOfBug(this, bug);
  }
}

function onClose(this: Socket): void {
  const owner = owners.get(this);
  owners.delete(this);
  try {
    owner?.onClose();
  } catch (error) {
    owner?.onBug(error);
  }
}
