/** Fetching from a server that is slow, huge, evasive or broken: always one FetchError, never a hang. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { after, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { boundPort } from '../../../src/demo/loopback.ts';
import { VERSION } from '../../../src/lib/version.ts';
import { errorField } from '../../../src/observe/log.ts';
import { FetchError, fetchJson, postForm, UnexpectedStatus } from '../../../src/state/fetch-json.ts';
import type { ServerTls } from '../../../src/wire/exchange.ts';
import { createCertificate } from '../../support/certificate.ts';
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
    ['broken off', /the answer broke off, or is chunked wrongly/],
  ];
  for (const [state, problem] of states) {
    it(`refuses an issuer that is ${state}`, async (context) => {
      const issuer = await startTestIssuer(context, new FakeClock(), KEY);
      issuer.state = state;
      await assert.rejects(fetchJson(issuer.jwksUri, LIMITS), refused(issuer.jwksUri, problem));
      assert.equal(issuer.fetches('/elsewhere'), 0, 'redirects are not followed');
    });
  }

  it('names where a redirect would have led, without its query', async (context) => {
    const location = 'https://elsewhere.example/jwks';
    const url = await serve(
      context,
      `HTTP/1.1 301 Moved\r\nLocation: ${location}?key=secret\r\nContent-Length: 0\r\n\r\n`,
    );
    await assert.rejects(
      fetchJson(url, LIMITS),
      refused(
        url,
        /expected status 200, got 301, a redirect to https:\/\/elsewhere\.example\/jwks; configure that URL itself$/,
      ),
    );
  });

  it('RFC 9110 §12.5.3: names the coding of a body that was to have none', async (context) => {
    const url = await serve(context, 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}');
    await assert.rejects(
      fetchJson(url, LIMITS),
      refused(url, /the body is encoded \(gzip\) although only identity was asked for$/),
    );
  });

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

  const BROKEN_OFF = /: the answer broke off, or is chunked wrongly$/;
  const broken: Readonly<Record<string, readonly [answer: string, problem: RegExp]>> = {
    'a body shorter than its Content-Length': ['HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"keys":[]}', BROKEN_OFF],
    'a chunked body without its end': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{"keys":[]}\r\n',
      BROKEN_OFF,
    ],
    'a chunk size that is no number': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n{"keys":[]}\r\n0\r\n\r\n',
      BROKEN_OFF,
    ],
    'bytes that are not HTTP': [
      '220 smtp.example ESMTP\r\n\r\n',
      /: the answer is not valid HTTP\/1\.1: it is a greeting of a mail or FTP server$/,
    ],
    'a head that ends too early': [
      'HTTP/1.1 200 OK\r\nContent-',
      /: the answer is not valid HTTP\/1\.1: it ends within its head$/,
    ],
    'a head of more than 16 KiB': [
      `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(16_384)}\r\n\r\n{}`,
      /: the answer is not valid HTTP\/1\.1: its head is larger than 16384 bytes$/,
    ],
    '101, which nobody asked for': [
      'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      /: the answer is not valid HTTP\/1\.1: 101 without Upgrade$/,
    ],
    nothing: ['', /: the connection was closed without an answer; is it https\?$/],
  };
  for (const [how, [answer, problem]] of Object.entries(broken)) {
    it(`refuses ${how}`, async (context) => {
      const url = await serve(context, answer, true);
      await assert.rejects(fetchJson(url, LIMITS), refused(url, problem));
    });
  }

  it('RFC 9110 §10.1.5, §12.5.3, RFC 9112 §9.6: names itself, wants no coding, will close the connection', async (context) => {
    let request = '';
    const server = await startRawBackend((bytes) => {
      request = bytes.toString();
      return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
    });
    context.after(() => server.close());
    await fetchJson(`http://127.0.0.1:${server.port}/jwks?tenant=1`, LIMITS);
    assert.deepEqual(request.split('\r\n'), [
      'GET /jwks?tenant=1 HTTP/1.1',
      `Host: 127.0.0.1:${server.port}`,
      'Accept: application/json, application/jwk-set+json',
      'Accept-Encoding: identity',
      `User-Agent: obex/${VERSION}`,
      'Connection: close',
      '',
      '',
    ]);
  });

  describe('RFC 9110 §4.3.4: over https', () => {
    const trustedNoMore = getCACertificates('default');
    after(() => setDefaultCACertificates(trustedNoMore));

    async function serveTls(context: Cleanup, certificate: ServerTls): Promise<number> {
      const server = createServer(certificate, (_, response) => response.end('{}')).listen(0, '127.0.0.1');
      await once(server, 'listening');
      context.after(() => void server.close());
      return boundPort(server);
    }

    it('takes a certificate that is trusted and names the host, and no other', async (context) => {
      const [named, misnamed, untrusted] = ['localhost', 'other.example', 'localhost'].map((host) =>
        createCertificate('issuer', host),
      );
      assert.ok(named && misnamed && untrusted);
      setDefaultCACertificates([...trustedNoMore, named.cert, misnamed.cert]);
      const url = async (certificate: ServerTls): Promise<string> =>
        `https://localhost:${await serveTls(context, certificate)}/jwks`;
      assert.deepEqual(await fetchJson(await url(named), LIMITS), {});
      const wrong = await url(misnamed);
      await assert.rejects(fetchJson(wrong, LIMITS), refused(wrong, /does not match certificate's altnames/));
      const unknown = await url(untrusted);
      await assert.rejects(
        fetchJson(unknown, LIMITS),
        refused(
          unknown,
          /: localhost:\d+: its certificate is of an authority unknown here \(DEPTH_ZERO_SELF_SIGNED_CERT\); let tls\.ca_file of this issuer name the PEM file of that authority$/,
        ),
      );
    });

    it('trusts the authorities that it is given, and then no other', async (context) => {
      const [own, publicOne] = [createCertificate('issuer'), createCertificate('issuer')];
      setDefaultCACertificates([...trustedNoMore, publicOne.cert]);
      const url = async (certificate: ServerTls): Promise<string> =>
        `https://localhost:${await serveTls(context, certificate)}/jwks`;
      assert.deepEqual(await fetchJson(await url(own), { ...LIMITS, ca: own.cert }), {});
      const other = await url(publicOne);
      await assert.rejects(fetchJson(other, { ...LIMITS, ca: own.cert }), refused(other, /an authority unknown here/));
    });
  });

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
    assert.equal(errorField(error), `GET ${url}: the server speaks no TLS; is it http?`);
  });
});

describe('postForm', () => {
  const FORM = { authorization: 'Basic eDp5', text: 'token=a%2Bb&token_type_hint=access_token' };
  const answer = (lines: string, body = '{}'): string =>
    `HTTP/1.1 200 OK\r\n${lines}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

  it('sends a form as browsers write it, and gives back the bytes of the JSON', async (context) => {
    let received = '';
    const server = await startRawBackend((request) => {
      received = request.toString('latin1');
      if (!received.endsWith(FORM.text)) return undefined;
      return answer('Content-Type: application/json; charset=utf-8\r\n', '{"a":1,"a":2}');
    });
    context.after(() => server.close());
    const bytes = await postForm(`http://127.0.0.1:${server.port}/i?x=1`, FORM, LIMITS);
    assert.equal(
      Buffer.from(bytes).toString(),
      '{"a":1,"a":2}',
      'unread: a member that stands twice is for the reader',
    );
    const [head = ''] = received.split('\r\n\r\n');
    assert.deepEqual(head.split('\r\n'), [
      'POST /i?x=1 HTTP/1.1',
      `Host: 127.0.0.1:${server.port}`,
      'Authorization: Basic eDp5',
      'Accept: application/json',
      'Content-Type: application/x-www-form-urlencoded',
      'Accept-Encoding: identity',
      `User-Agent: obex/${VERSION}`,
      'Connection: close',
      `Content-Length: ${FORM.text.length}`,
    ]);
    assert.equal(received.slice(head.length + 4), FORM.text);
  });

  const refusals: readonly (readonly [lines: string, problem: RegExp])[] = [
    ['', /expected Content-Type application\/json, got none$/],
    ['Content-Type: text/html\r\n', /got text\/html$/],
    ['Content-Type: application/jsonx\r\n', /got application\/jsonx$/],
    ['Content-Type: application/json\r\nContent-Encoding: gzip\r\n', /the body is encoded \(gzip\)/],
  ];
  for (const [lines, problem] of refusals) {
    it(`refuses an answer with ${JSON.stringify(lines)}`, async (context) => {
      const url = await serve(context, answer(lines));
      await assert.rejects(postForm(url, FORM, LIMITS), (error) => {
        assert.ok(error instanceof FetchError);
        assert.ok(error.message.startsWith(`POST ${url}: `), error.message);
        assert.match(error.message, problem);
        return true;
      });
    });
  }

  it('tells status and Retry-After of an answer that is no 200, and nothing of the request', async (context) => {
    const url = await serve(context, 'HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n');
    await assert.rejects(postForm(`${url}?key=secret`, FORM, LIMITS), (error) => {
      assert.ok(error instanceof FetchError && error.cause instanceof UnexpectedStatus);
      assert.deepEqual([error.cause.status, error.cause.retryAfter], [429, '7']);
      assert.equal(errorField(error), `POST ${url}: expected status 200, got 429`);
      return true;
    });
  });
});
