/** Breaking a stream off so that half an answer does not look like a whole one. RFC 9113 §8.1. */
import type { ServerHttp2Stream } from 'node:http2';

/**
 * `node:http2` ends the writable side of every stream that is closed early, right after its 'aborted' event. With nothing
 * left to write that is a DATA frame with END_STREAM, ahead of the RST_STREAM: half an answer would look like a whole
 * one. An end that does nothing prevents it.
 */
export function withoutEndStream(stream: ServerHttp2Stream): void {
  stream._final = endWithoutFrame;
}

function endWithoutFrame(callback: () => void): void {
  callback();
}
