/** What Node keeps of a body that waits, beside its bytes: as many pieces as it came in, of a byte each if the peer likes. RFC 9113 §6.1, §10.5. */
import type { ServerHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';

/** Measured: 300 to 460 bytes for a buffer of its own. */
const PIECE_BYTES = 512;

const unread = new WeakMap<ServerHttp2Stream, number>();

/** From now on the DATA frames of this request are counted, until `countRead` takes them off. */
export function countUnread(stream: ServerHttp2Stream): void {
  unread.set(stream, 0);
  stream.push = pushCounted;
}

/** One of them has been read. */
export function countRead(stream: ServerHttp2Stream): void {
  unread.set(stream, (unread.get(stream) ?? 1) - 1);
}

/** In bytes. */
export function unreadBytes(stream: ServerHttp2Stream): number {
  return waitingBytes(stream.readableLength, unread.get(stream) ?? 0);
}

/** In bytes: what `length` of them take that are kept in so many pieces. */
export function waitingBytes(length: number, pieces: number): number {
  return length === 0 ? 0 : length + pieces * PIECE_BYTES;
}

function pushCounted(this: ServerHttp2Stream, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk !== null) unread.set(this, (unread.get(this) ?? 0) + 1);
  return Duplex.prototype.push.call(this, chunk, encoding);
}
