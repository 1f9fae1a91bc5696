/** What a connection makes of its bytes does not depend on how they were cut. RFC 9112 §2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BackendConnection } from '../../src/wire/http1/backend-connection.ts';
import { BackendExchange } from '../../src/wire/http1/backend-exchange.ts';
import type { SocketReceiver } from '../../src/wire/http1/connect.ts';
import type { ConnectionPool } from '../../src/wire/http1/connection-pool.ts';
import { Outbox } from '../../src/wire/http1/outbox.ts';
import {
  assertAlways,
  FUZZ_RUNS,
  FUZZ_SEED,
  IS_FUZZING,
  requestStream,
  responseStream,
} from '../support/http1-arbitraries.ts';
import {
  FakeTiming,
  MemorySocket,
  NO_BODY,
  NO_FAULTS,
  openMemoryConnection,
  RecordedAnswer,
} from '../support/wire-peers.ts';

/** Events and answers of one client connection; `pieces` in order. */
function serve(pieces: readonly string[]): unknown {
  const { socket, events, outcomes } = openMemoryConnection({
    limits: { maxBodyBytes: 12, maxHeaderBytes: 220, maxRequestLineBytes: 40 },
  });
  for (const piece of pieces) socket.receive(piece);
  const { sent, ended } = socket;
  // The detail is for the log: it names the first fault found, and an incomplete head is looked at less closely.
  const verdicts = events.map((event) => (isRefusal(event) ? event.refusal : event));
  // Whether a client still waits to send its body is a matter of time, not of bytes.
  return { verdicts, outcomes, ended, sent: sent.replaceAll('HTTP/1.1 100 Continue\r\n\r\n', '') };
}

function isRefusal(event: unknown): event is { refusal: unknown } {
  return typeof event === 'object' && event !== null && 'refusal' in event;
}

/** What comes of one request when the backend sends `pieces` in order, then hangs up or says no more. */
function ask(pieces: readonly string[], { method, hangsUp }: { method: string; hangsUp: boolean }): unknown {
  const socket = new MemorySocket();
  const answer = new RecordedAnswer();
  let receiver: SocketReceiver | undefined;
  const pool: ConnectionPool<BackendConnection> = {
    nowMs: 0,
    onBug: NO_FAULTS.onBug,
    outbox: new Outbox(new FakeTiming()),
    connectTimeoutMs: 1000,
    headTimeoutMs: 1000,
    maxHeaderBytes: 220,
    bodyLimits: { maxBodyBytes: Number.POSITIVE_INFINITY, maxTrailerBytes: 1000 },
    isTls: false,
    connect: (connection) => {
      receiver = connection;
      return socket;
    },
    release: () => undefined,
    forget: () => undefined,
    retry: () => assert.fail('a first connection'),
  };
  const exchange = new BackendExchange(
    { method, target: '/', fields: ['Host', 'b'], commonLines: '' },
    NO_BODY,
    answer,
  );
  void new BackendConnection(pool, exchange);
  receiver?.onConnected();
  for (const piece of pieces) if (!socket.destroyed) receiver?.onBytes(Buffer.from(piece, 'latin1'));
  if (hangsUp && !socket.destroyed) socket.receiveEnd();
  const { informational, head, failure, sink } = answer;
  return { informational, head, failure, body: sink.text, outcome: sink.outcome, destroyed: socket.destroyed };
}

/** Where to cut: none, or up to six places. */
const cuts = fc.array(fc.nat(400), { maxLength: 6 });

function cut(text: string, places: readonly number[]): string[] {
  const all = [0, ...places.toSorted((a, b) => a - b), text.length];
  return all.slice(1).map((end, i) => text.slice(all[i], end));
}

if (IS_FUZZING) console.log(`seed ${FUZZ_SEED}, ${FUZZ_RUNS} cases for each property`);

describe('HTTP/1.1 requests, however they are cut', () => {
  it('byte by byte as whole', () =>
    assertAlways(fc.property(requestStream, (text) => assert.deepEqual(serve(text.split('')), serve([text])))));

  it('in any pieces as whole', () =>
    assertAlways(
      fc.property(requestStream, cuts, (text, places) => assert.deepEqual(serve(cut(text, places)), serve([text]))),
    ));
});

describe('HTTP/1.1 responses, however they are cut', () => {
  const asked = fc.record({ method: fc.constantFrom('GET', 'GET', 'POST', 'HEAD'), hangsUp: fc.boolean() });

  it('byte by byte as whole', () =>
    assertAlways(
      fc.property(responseStream, asked, (text, how) => assert.deepEqual(ask(text.split(''), how), ask([text], how))),
    ));

  it('in any pieces as whole', () =>
    assertAlways(
      fc.property(responseStream, asked, cuts, (text, how, places) =>
        assert.deepEqual(ask(cut(text, places), how), ask([text], how)),
      ),
    ));
});
