/** The HTTP/2 session of `node:http2` over one socket, with its own caps set tight. RFC 9113 §6.5.2, §10.5. */
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { ServerLimits } from '../exchange.ts';
import { MAX_FIELD_LINES } from './request-fields.ts';

/** Streams in flight on one connection, which the session sees to. §6.5.2 recommends no fewer than 100. */
const MAX_STREAMS = 128;

const PSEUDO_HEADER_FIELDS = 4;

/**
 * Starts the server side. `node:http2` is loaded with the first connection that speaks it (about 5 MB, 5 ms), by a call
 * and not by `import`, which a bundler would move to the start.
 */
export function startSession(socket: Socket, { maxHeaderBytes }: ServerLimits): ServerHttp2Session {
  return process.getBuiltinModule('node:http2').performServerHandshake(socket, {
    settings: {
      maxConcurrentStreams: MAX_STREAMS,
      // Twice as much, since §6.5.2 counts 32 bytes more for each field line; up to here a request is answered 431.
      maxHeaderListSize: 2 * maxHeaderBytes,
      enableConnectProtocol: false,
    },
    // One more than is allowed, so that it is answered 431 as well.
    maxHeaderListPairs: MAX_FIELD_LINES + PSEUDO_HEADER_FIELDS + 1,
    maxDeflateDynamicTableSize: 4096,
    maxSessionMemory: 10,
    maxOutstandingPings: 10,
    maxSettings: 32,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    // Behind our own count of resets, for those that come in one packet.
    streamResetBurst: 200,
    streamResetRate: 20,
    // Let through to be refused here; otherwise such fields are dropped without a word.
    strictFieldWhitespaceValidation: false,
    // A backend's answer passes as it is.
    strictSingleValueFields: false,
  });
}
