/** A socket whose failed write ends the writing alone: what the peer had said before still lies there to be read. RFC 9112 §9.5. */
import type { Socket } from 'node:net';
import type { Contained } from '../contain.ts';

/** Hears of every write that is over. */
export interface WriteReceiver extends Contained {
  /**
   * `error`: the peer takes no more. Reading goes on to its end, which the kernel brings about at once. `tookSome`: the
   * kernel may have taken a part of it, at least.
   */
  onWritten(error: Error | null | undefined, tookSome: boolean): void;
}

type Done = (error?: Error | null) => void;

/**
 * A server that refuses a large body answers, and closes with some of it unread: its kernel resets the connection, our next
 * write fails, and a socket of Node's would be destroyed with the answer unread. So the stream is not told.
 */
export function watchWrites(socket: Socket, receiver: WriteReceiver): void {
  const { _write: write, _writev: writev } = socket;
  let goOn: Done = () => undefined;
  let isCalling = false;
  // A stream has one write under way: one function for all of them.
  const done: Done = (error) => {
    try {
      receiver.onWritten(error, !error || !isCalling);
    } catch (bug) {
      receiver.onBug(bug);
    }
    goOn();
  };
  socket._write = (chunk, encoding, callback) => {
    goOn = callback;
    isCalling = true;
    write.call(socket, chunk, encoding, done);
    isCalling = false;
  };
  socket._writev = (chunks, callback) => {
    goOn = callback;
    isCalling = true;
    writev?.call(socket, chunks, done);
    isCalling = false;
  };
}
