/**
 * Over what the end-to-end suites reach Obex: TRANSPORT=http1 (the default), tls, http2 or workers, as `make test-matrix`
 * sets it. Where one of them differs by its nature a test says so with a constant of this file; these are all differences.
 */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import type { RawClient, RawResponse } from './raw-http.ts';

const TRANSPORTS = ['http1', 'tls', 'http2', 'workers'] as const;

type Transport = (typeof TRANSPORTS)[number];

function readTransport(): Transport {
  const wanted = process.env['TRANSPORT'] ?? 'http1';
  const found = TRANSPORTS.find((transport) => transport === wanted);
  if (found === undefined) throw new Error(`TRANSPORT=${wanted}: expected one of ${TRANSPORTS.join(', ')}`);
  return found;
}

export const TRANSPORT = readTransport();

/** Options of a test, or of a suite. */
function notOver(transport: Transport, reason: string): { readonly skip: string | false } {
  return { skip: TRANSPORT === transport && reason };
}

export const HTTP1_BYTES = notOver('http2', 'is about the bytes of HTTP/1.1; HTTP/2 has test/rfc/rfc9113-*.test.ts');
export const CONNECTION_FIELDS = notOver(
  'http2',
  'RFC 9113 §8.2.2: such a request is malformed; rfc9113-request.test.ts',
);
export const ABSOLUTE_FORM = notOver('http2', 'RFC 9113 §8.3.1: the target comes in parts, and has one form');
export const REASON_PHRASE = notOver('http2', 'RFC 9113 §8.3.2: there is no reason phrase');
export const LONG_FIELD = notOver('http2', 'nghttp2 ends a connection that brings a field of more than 64 KiB');
export const ORDER_OF_ANSWERS = notOver('http2', 'RFC 9113 §5: streams do not wait for each other');
export const FIRST_REQUEST = notOver(
  'http2',
  'RFC 9113 §6.8: GOAWAY tells the client which requests were not looked at, and may be sent elsewhere',
);
export const PLAIN_HTTP1 = {
  skip:
    (TRANSPORT === 'tls' || TRANSPORT === 'http2') &&
    'a backend is asked over plain HTTP/1.1, Obex itself here over TLS',
};
export const OWN_TIMERS = notOver('workers', 'the timers of another thread cannot be held by a test');
export const ONE_READY_CHECK = notOver('workers', 'docs/operations.md: each worker that is asked asks the backend');

/** For an Obex in a process of its own, which is reached over plain HTTP/1.1: what TRANSPORT adds to its environment. */
export const PROCESS_ENV: Readonly<Record<string, string>> = TRANSPORT === 'workers' ? { OBEX_WORKERS: '2' } : {};

/** RFC 9113 §8.2: in HTTP/2 field names are in lower case. `line` is `Name: value`. */
export function asSent(line: string): string {
  return TRANSPORT === 'http2' ? line.replace(/^[^:]+/, (name) => name.toLowerCase()) : line;
}

/** The answer is the last: of its connection in HTTP/1.1, of its stream alone in HTTP/2 (RFC 9113 §8.1, §8.2.2). */
export async function assertLast(response: RawResponse, client: RawClient<Duplex>): Promise<void> {
  assert.deepEqual(response.values('connection'), TRANSPORT === 'http2' ? [] : ['close']);
  if (TRANSPORT !== 'http2') await client.closed;
}
