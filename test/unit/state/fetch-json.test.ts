/** Fetching from a server that is slow, huge, evasive or broken: always one FetchError, never a hang. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorField } from '../../../src/observe/log.ts';
import { FetchError, fetchJson } from '../../../src/state/fetch-json.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { Cleanup } from '../../support/obex.ts';
import { startRawBackend } from '../../support/raw-http.ts';
import { issuerKey, type JwksState, startTestIssuer } from '../../support/test-issuer.ts';

const LIMITS = { timeoutMs: 20_000, maxBytes: 64 * 1024 };
const KEY = issuerKey('ES256', 'key-1');

/** The URL of a server that answers each request with these bytes and, if `ends`, hangs up. */
async function serve(context: Cleanup, answer: string, ends = false): Promise<string> {
  const server = await startRawBackend((_, { socket }) => {
    if (ends) setImmediate(() => socket.end());
    return answer;
  });
  context.after(() => server.close());
  return `http://127.0.0.1:${server.port}/jwks`;
}

function refused(url: string, problem: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof FetchError, String(error));
    assert.ok(error.message.startsWith(`GET ${url}: `), error.message);
    assert.match(error.message, problem);
    return true;
  };
}

describe('fetchJson', () => {
  it('returns the document of a complete 200', async (context) => {
    const issuer = await startTestIssuer(context, new FakeClock(), KEY);
    assert.deepEqual(await fetchJson(issuer.jwksUri, LIMITS), { keys: [KEY.jwk] });
  });

  const states: readonly (readonly [state: JwksState, problem: RegExp])[] = [
    ['failing', /expected status 200, got 500/],
    ['redirecting', /expected status 200, got 302/],
    ['oversized', /larger than 65536 bytes/],
    ['not json', /expected JSON/],
    ['broken off', /the answer broke off/],
  ];
  for (const [state, problem] of states) {
    it(`refuses an issuer that is ${state}`, async (context) => {
      const issuer = await startTestIssuer(context, new FakeClock(), KEY);
      issuer.state = state;
      await assert.rejects(fetchJson(issuer.jwksUri, LIMITS), refused(issuer.jwksUri, problem));
      assert.equal(issuer.fetches('/elsewhere'), 0, 'redirects are not followed');
    });
  }

  it('gives up on a server that never answers', async (context) => {
    const issuer = await startTestIssuer(context, new FakeClock(), KEY);
    issuer.state = 'hanging';
    await assert.rejects(
      fetchJson(issuer.jwksUri, { ...LIMITS, timeoutMs: 50 }),
      refused(issuer.jwksUri, /no complete answer in 50 ms/),
    );
  });

  it('gives up on a body that never ends', async (context) => {
    const url = await serve(context, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n');
    await assert.rejects(fetchJson(url, { ...LIMITS, timeoutMs: 50 }), refused(url, /no complete answer in 50 ms/));
  });

  it('refuses an oversized body before its end', async (context) => {
    const url = await serve(
      context,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n${' '.repeat(65_537)}\r\n`,
    );
    await assert.rejects(fetchJson(url, LIMITS), refused(url, /larger than/));
  });

  const broken: Readonly<Record<string, string>> = {
    'a body shorter than its Content-Length': 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"keys":[]}',
    'a chunked body without its end': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{"keys":[]}\r\n',
    'bytes that are not HTTP': '220 smtp.example ESMTP\r\n\r\n',
    nothing: '',
  };
  for (const [how, answer] of Object.entries(broken)) {
    it(`refuses ${how}`, async (context) => {
      const url = await serve(context, answer, true);
      await assert.rejects(fetchJson(url, LIMITS), refused(url, /./));
    });
  }

  it('refuses text that is not UTF-8', async (context) => {
    const url = await serve(context, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a":"\xff"}');
    await assert.rejects(fetchJson(url, LIMITS), refused(url, /encoded data was not valid/));
  });

  it('refuses 204, 206 and 304', async (context) => {
    for (const status of [204, 206, 304]) {
      const url = await serve(context, `HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`);
      await assert.rejects(fetchJson(url, LIMITS), refused(url, new RegExp(`got ${status}`)));
    }
  });

  it('says that nobody listens, once', async (context) => {
    const issuer = await startTestIssuer(context, new FakeClock(), KEY);
    await issuer.stop();
    const error: unknown = await fetchJson(issuer.jwksUri, LIMITS).catch((reason: unknown) => reason);
    assert.equal(errorField(error), `GET ${issuer.jwksUri}: connect ECONNREFUSED ${new URL(issuer.jwksUri).host}`);
  });

  it('says that a server of http was asked for https', async (context) => {
    const url = (await serve(context, 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')).replace(
      'http:',
      'https:',
    );
    const error: unknown = await fetchJson(url, LIMITS).catch((reason: unknown) => reason);
    assert.equal(errorField(error), `GET ${url}: ${new URL(url).host} speaks no TLS; is it http?`);
  });
});
