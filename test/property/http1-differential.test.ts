/** The engine against node:http on the same bytes: what it accepts is read in the same way; where it is stricter is listed. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, METHODS, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { FUZZ_RUNS, FUZZ_SEED, IS_FUZZING, requestStream } from '../support/http1-arbitraries.ts';
import { openMemoryConnection } from '../support/wire-peers.ts';

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** Where the engine refuses more than node:http does. A new rule belongs here and into the documentation. */
const STRICTER: ReadonlySet<string> = new Set([
  'invalid request line or HTTP version', // versions beyond 1.1
  'invalid request target', // "*", "#", bytes outside RFC 3986, absolute-form of another authority
  'invalid Host', // node:http does not look inside
  'more than one Host',
  'missing Host', // node:http answers 400 by itself, behind its parser
  'invalid Connection',
  'a field name that looks like Content-Length',
  'a field name that looks like Transfer-Encoding',
  'a Transfer-Encoding other than chunked', // node:http: "gzip, chunked", ",chunked"
  'Transfer-Encoding over HTTP/1.0',
  'more than one Transfer-Encoding',
  'invalid request line',
  'bare LF in the request head, or not HTTP', // a second empty line before the request line
]);

/** Valid, but refused by node:http: OWS behind a transfer coding may be a HTAB (RFC 9110 §5.6.3). */
const NODE_REFUSES = /transfer-encoding:[^\r\n]*\t/i;

const FRAMING = new Set(['content-length', 'transfer-encoding', 'expect']);

function withoutFraming(raw: readonly string[]): string[] {
  return raw.filter((_, i) => !FRAMING.has((raw[i - (i % 2)] ?? '').toLowerCase()));
}

class Pipe extends Duplex {
  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, callback: () => void): void {
    callback();
  }
}

const oracle = createServer({ requireHostHeader: false, keepAlive: true });
let seen: Seen[] = [];
const record = (request: IncomingMessage, response: ServerResponse): void => {
  let body = '';
  request.on('error', () => undefined);
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString('latin1');
  });
  request.on('end', () => {
    seen.push({
      method: request.method ?? '',
      target: request.url ?? '',
      authority: request.headers.host ?? '',
      fields: withoutFraming(request.rawHeaders),
      body,
    });
    response.end();
  });
};
oracle.on('request', record).on('checkContinue', record).on('checkExpectation', record);
// The requests before the faulty one are still to be read.
oracle.on('clientError', () => undefined);

/** Complete requests as node:http reads them. */
async function readByNode(text: string): Promise<readonly Seen[]> {
  seen = [];
  const pipe = new Pipe();
  pipe.on('error', () => undefined);
  oracle.emit('connection', pipe);
  pipe.push(Buffer.from(text, 'latin1'));
  for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
  pipe.destroy();
  return seen;
}

describe('the engine and node:http', () => {
  after(() => oracle.close());

  it('agree on whatever the engine accepts', async () => {
    const stricter = new Map<string, number>();
    const property = fc.asyncProperty(requestStream, async (text) => {
      fc.pre(!NODE_REFUSES.test(text));
      const { socket, events, exchanges } = openMemoryConnection();
      socket.receive(text);
      const node = await readByNode(text);
      let index = 0;
      for (const event of events) {
        assert.ok(typeof event === 'object' && event !== null);
        if ('detail' in event && typeof event.detail === 'string') {
          if (node.length <= index) continue;
          assert.ok(STRICTER.has(event.detail), `a new rule: ${event.detail}`);
          stricter.set(event.detail, (stricter.get(event.detail) ?? 0) + 1);
          continue;
        }
        if (!('outcome' in event) || event.outcome !== 'end') continue;
        const received = exchanges[index];
        // CONNECT leaves HTTP in node:http, which also knows no methods but its own.
        const method = received?.head.method ?? '';
        if (method === 'CONNECT' || !METHODS.includes(method)) return;
        const theirs = node[index];
        assert.ok(theirs !== undefined, 'the engine accepts what node:http refuses');
        const target = theirs.target.replace(/^https?:\/\/[^/?]*\/?/i, '/');
        assert.deepEqual(event, {
          method: theirs.method,
          target,
          authority: theirs.authority,
          fields: theirs.fields,
          body: theirs.body,
          outcome: 'end',
        });
        index += 1;
      }
    });
    await fc.assert(property, { seed: FUZZ_SEED, numRuns: FUZZ_RUNS });
    if (IS_FUZZING) console.log('stricter than node:http:', Object.fromEntries(stricter));
  });
});
