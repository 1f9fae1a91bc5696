/** What reaches the authorization server, what leaves it, and who may ask: `/oauth/*` through the engine. RFC 6749 §3, RFC 9110 §5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LoginOutcome } from '../../../src/state/login-channel.ts';
import { loginAnswer, OWN_ORIGIN, startAskedObex } from '../../support/asked-obex.ts';
import { bodyOf } from '../../support/obex.ts';
import { until } from '../../support/until.ts';

const answered = async (): Promise<LoginOutcome> => loginAnswer();
const TOKEN = { method: 'POST', target: '/oauth/token', body: 'grant_type=x' };

describe('what the authorization server is told', () => {
  it('is method, target, body, address and id, and of the fields those that it reads, in lower case', async (context) => {
    const obex = await startAskedObex(context, answered);
    const response = await obex.send({
      ...TOKEN,
      target: '/oauth/token?a=%20&b',
      lines: [
        'authorization: Basic YTpi',
        'DPoP: proof',
        'Origin: https://any.example',
        'Content-Type: application/x-www-form-urlencoded',
        'Accept: text/html',
        'Accept: */*',
        'Accept-Language: de',
        'Sec-Fetch-Site: cross-site',
        'Sec-Fetch-Mode: cors',
        'Cookie: a=1',
        'Cookie: a=2; b=3',
        'User-Agent: browser',
        'X-Obex-User: admin',
        'X-Forwarded-For: 6.6.6.6',
        'X-Forwarded-Host: evil.example',
        'Forwarded: host=evil.example',
      ],
    });
    const [request] = obex.asked;
    assert.deepEqual(
      { ...request, body: Buffer.from(request?.body ?? []).toString() },
      {
        method: 'POST',
        target: '/oauth/token?a=%20&b',
        fields: [
          ['authorization', 'Basic YTpi'],
          ['dpop', 'proof'],
          ['origin', 'https://any.example'],
          ['content-type', 'application/x-www-form-urlencoded'],
          ['sec-fetch-site', 'cross-site'],
          ['cookie', 'a=1; a=2; b=3'],
        ].flat(),
        body: 'grant_type=x',
        clientAddress: '127.0.0.1',
        requestId: response.values('x-obex-request-id')[0],
      },
    );
  });

  for (const [name, reason] of [
    ['Authorization', 'malformed_authorization'],
    ['Content-Type', 'malformed_request'],
    ['DPoP', 'malformed_request'],
    ['Origin', 'malformed_request'],
  ] as const) {
    it(`is nothing of a request with two ${name} fields`, async (context) => {
      const obex = await startAskedObex(context, answered);
      const response = await obex.send({ ...TOKEN, lines: [`${name}: a`, `${name.toLowerCase()}: a`] });
      assert.deepEqual([response.status, bodyOf(response)], [400, { error: 'bad_request', reason }]);
      assert.deepEqual(obex.asked, []);
    });
  }

  it('RFC 9110 §9.3.2: HEAD is a GET, answered without content', async (context) => {
    const obex = await startAskedObex(context, answered);
    const response = await obex.send({ method: 'HEAD', target: '/oauth/jwks' });
    assert.deepEqual([response.status, response.values('content-length'), response.body.length], [200, ['2'], 0]);
    assert.equal(obex.asked[0]?.method, 'GET');
  });

  it('is the content of no GET', async (context) => {
    const obex = await startAskedObex(context, answered);
    const response = await obex.send({ target: '/oauth/authorize?x', body: 'a body' });
    assert.deepEqual([response.status, obex.asked[0]?.body.length], [200, 0]);
  });
});

describe('a body', () => {
  const LIMIT = 64 * 1024;

  it('may have 64 KiB, in as many pieces as the client likes', async (context) => {
    const obex = await startAskedObex(context, answered);
    const client = await obex.open();
    await client.send('POST /oauth/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (const size of [1, 0x10, 0x3ef, 0xfc00]) {
      await client.send(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`);
    }
    await client.send('0\r\n\r\n');
    assert.equal((await client.readResponse('POST')).status, 200);
    assert.equal(Buffer.from(obex.asked[0]?.body ?? []).toString(), 'x'.repeat(LIMIT));
  });

  it('of one byte more is 413, announced or not, and reaches nobody', async (context) => {
    const obex = await startAskedObex(context, answered);
    const announced = await obex.send({ ...TOKEN, body: 'x'.repeat(LIMIT + 1) });
    const client = await obex.open();
    await client.send('POST /oauth/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    await client.send(`10001\r\n${'x'.repeat(LIMIT + 1)}\r\n0\r\n\r\n`);
    for (const response of [announced, await client.readResponse('POST')]) {
      const refusal = { error: 'payload_too_large', reason: 'payload_too_large' };
      assert.deepEqual([response.status, bodyOf(response)], [413, refusal]);
      assert.deepEqual(response.values('access-control-allow-origin'), ['*']);
    }
    assert.deepEqual(obex.asked, []);
  });

  it('that comes too slowly is 408', async (context) => {
    const obex = await startAskedObex(context, answered, {
      more: 'limits: { read_timeout: "1s", body_timeout: "1s" }\n',
    });
    const client = await obex.open();
    await client.send('POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx');
    const response = await client.readResponse('POST');
    assert.deepEqual(
      [response.status, bodyOf(response)],
      [408, { error: 'request_timeout', reason: 'request_timeout' }],
    );
    assert.deepEqual(obex.asked, []);
  });

  it('whose client leaves in the middle reaches nobody, and the request is over', async (context) => {
    const obex = await startAskedObex(context, answered);
    const client = await obex.open();
    await client.send('POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx');
    client.destroy();
    await until('its access line', () => (obex.output().includes('"aborted":true') ? true : undefined));
    assert.deepEqual(obex.asked, []);
  });

  it('RFC 9110 §10.1.1: is asked for when the client waits to be told', async (context) => {
    const obex = await startAskedObex(context, answered);
    const client = await obex.open();
    await client.send('POST /oauth/token HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n');
    assert.equal((await client.readResponse('POST')).status, 100);
    await client.send('x');
    assert.equal((await client.readResponse('POST')).status, 200);
  });
});

describe('what leaves', () => {
  it('is status, body and the fields of the list, Set-Cookie line by line', async (context) => {
    const obex = await startAskedObex(context, async () =>
      loginAnswer({
        status: 401,
        fields: [
          ['Set-Cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['Location', '/x'],
          ['WWW-Authenticate', 'DPoP error="x"'],
          ['DPoP-Nonce', 'n'],
          ['Cache-Control', 'no-store'],
          ['X-Obex-User', 'admin'],
          ['X-Obex-Request-ID', 'forged'],
          ['Access-Control-Allow-Origin', 'https://evil.example'],
          ['Server', 'koa'],
          ['Content-Length', '99'],
          ['Transfer-Encoding', 'chunked'],
          ['Connection', 'upgrade'],
          ['Content-Encoding', 'gzip'],
        ].flat(),
        body: Buffer.from([0, 255]),
      }),
    );
    const response = await obex.send({ target: '/oauth/callback?code=secret' });
    const ours = ['X-Obex-Request-ID', 'Date', 'Content-Length'];
    assert.deepEqual(
      response.headers.filter(([name]) => !ours.includes(name)),
      [
        ['Set-Cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['Location', '/x'],
        ['WWW-Authenticate', 'DPoP error="x"'],
        ['DPoP-Nonce', 'n'],
        ['Cache-Control', 'no-store'],
      ],
    );
    assert.deepEqual([response.status, [...response.body]], [401, [0, 255]]);
    assert.equal(response.values('x-obex-request-id').length, 1);
    assert.doesNotMatch(response.head, /forged/);
    await until('the access line', () =>
      obex.output().includes('"path":"/oauth/callback","status":401') ? true : undefined,
    );
    assert.doesNotMatch(obex.output(), /secret/, 'a code is never logged');
  });

  for (const [what, bad] of [
    ['a line break in a field', { fields: ['Location', '/\r\nSet-Cookie: a=1'] }],
    ['text beyond latin1', { fields: ['Location', '/\u{1F600}'] }],
    ['an interim status', { status: 101 }],
    ['no status at all', { status: Number.NaN }],
  ] as const) {
    it(`is 500 in place of ${what}, and the bug is logged`, async (context) => {
      const obex = await startAskedObex(context, async () => loginAnswer(bad));
      const response = await obex.send({ target: '/oauth/authorize' });
      const refusal = { error: 'internal_error', reason: 'internal_error' };
      assert.deepEqual([response.status, bodyOf(response)], [500, refusal]);
      assert.match(obex.output(), /"event":"internal_error"/);
    });
  }

  it('is nothing when the client has left, and no bug', async (context) => {
    const { promise, resolve } = Promise.withResolvers<LoginOutcome>();
    const obex = await startAskedObex(context, () => promise);
    const client = await obex.open();
    await client.send('GET /oauth/authorize HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('it is asked', () => obex.asked[0]);
    client.destroy();
    await until('its access line', () => (obex.output().includes('"aborted":true') ? true : undefined));
    resolve(loginAnswer());
    assert.equal((await obex.send({ target: '/health' })).status, 200);
    assert.doesNotMatch(obex.output(), /internal_error/);
  });

  for (const [outcome, refusal, retryAfter] of [
    [{ failed: 'busy' }, { status: 503, error: 'unavailable', reason: 'login_unavailable' }, '1'],
    [{ failed: 'late' }, { status: 503, error: 'unavailable', reason: 'login_unavailable' }, '5'],
    [{ failed: 'down' }, { status: 503, error: 'unavailable', reason: 'login_unavailable' }, '5'],
    [{ failed: 'bug' }, { status: 500, error: 'internal_error', reason: 'internal_error' }, undefined],
    [{ failed: 'limited', waitMs: 1_001 }, { status: 429, error: 'too_many_requests', reason: 'rate_limited' }, '2'],
  ] as const) {
    it(`of "${outcome.failed}" is ${refusal.status} ${refusal.reason}`, async (context) => {
      const obex = await startAskedObex(context, async () => outcome);
      const response = await obex.send(TOKEN);
      assert.deepEqual({ status: response.status, ...bodyOf(response) }, refusal);
      assert.deepEqual(response.values('retry-after'), retryAfter === undefined ? [] : [retryAfter]);
      assert.deepEqual(response.values('www-authenticate'), []);
    });
  }
});

describe('who may ask', () => {
  const PUBLIC = [
    ['GET', '/.well-known/oauth-authorization-server'],
    ['GET', '/.well-known/openid-configuration'],
    ['GET', '/oauth/jwks'],
    ['POST', '/oauth/token'],
    ['POST', '/oauth/register'],
    ['POST', '/oauth/revoke'],
  ] as const;

  for (const [method, target] of PUBLIC) {
    it(`a page of any origin: ${method} ${target}`, async (context) => {
      const obex = await startAskedObex(context, answered);
      const lines = ['Origin: https://any.example'];
      const response = await obex.send({ method, target, lines });
      assert.deepEqual([response.status, response.values('access-control-allow-origin')], [200, ['*']]);
      const preflight = await obex.send({
        method: 'OPTIONS',
        target,
        lines: [
          ...lines,
          `Access-Control-Request-Method: ${method}`,
          'Access-Control-Request-Headers: dpop, authorization',
        ],
      });
      assert.deepEqual([preflight.status, preflight.values('access-control-allow-origin')], [204, ['*']]);
      assert.match(preflight.values('access-control-allow-headers')[0] ?? '', /Authorization, DPoP/);
      const other = method === 'POST' ? 'GET' : 'POST';
      const refused = await obex.send({ method: other, target });
      const allow = method === 'POST' ? 'POST, OPTIONS' : 'GET, HEAD, OPTIONS';
      assert.deepEqual([refused.status, refused.values('allow')], [405, [allow]]);
      assert.equal(obex.asked.length, 1);
    });
  }

  it('at the consent nobody but pages of Obex itself, whatever cors.allowed_origins says', async (context) => {
    const obex = await startAskedObex(context, answered, { more: 'cors: { allowed_origins: ["*"] }\n' });
    for (const origin of ['https://any.example', 'null', 'http://tool.example.com', `${OWN_ORIGIN}:8443`]) {
      const response = await obex.send({ ...TOKEN, target: '/oauth/consent', lines: [`Origin: ${origin}`] });
      const refusal = { error: 'forbidden', reason: 'origin_not_allowed' };
      assert.deepEqual([response.status, bodyOf(response)], [403, refusal], origin);
      assert.deepEqual(response.values('access-control-allow-origin'), []);
    }
    assert.deepEqual(obex.asked, []);
    const own = await obex.send({ ...TOKEN, target: '/oauth/consent', lines: [`Origin: ${OWN_ORIGIN}`] });
    assert.deepEqual([own.status, own.values('access-control-allow-origin')], [200, []]);
  });

  it('no page may read what people are shown, nor ask whether it may', async (context) => {
    const obex = await startAskedObex(context, answered, {
      more: 'cors: { allowed_origins: ["https://app.example"] }\n',
    });
    for (const target of ['/oauth/authorize', '/oauth/callback']) {
      const lines = ['Origin: https://app.example'];
      const response = await obex.send({ target, lines });
      assert.deepEqual([response.status, response.values('access-control-allow-origin')], [200, []]);
      const preflight = await obex.send({
        method: 'OPTIONS',
        target,
        lines: [...lines, 'Access-Control-Request-Method: GET'],
      });
      assert.deepEqual([preflight.status, preflight.values('access-control-allow-origin')], [405, []]);
    }
  });

  it('RFC 6749 §4.1.2: what can be used once is not used up by a HEAD', async (context) => {
    const obex = await startAskedObex(context, answered);
    const response = await obex.send({ method: 'HEAD', target: '/oauth/callback' });
    assert.deepEqual([response.status, response.values('allow'), obex.asked], [405, ['GET'], []]);
  });

  it('whoever has requests left: public or not, they count for the rate limit', async (context) => {
    const more = 'limits: { rate_limit: { requests_per_second: 1, burst: 2 } }\n';
    const obex = await startAskedObex(context, answered, { more });
    const statuses: number[] = [];
    for (const target of ['/oauth/jwks', '/oauth/token', '/oauth/jwks']) {
      const method = target.endsWith('jwks') ? 'GET' : 'POST';
      statuses.push((await obex.send({ method, target })).status);
    }
    assert.deepEqual(statuses, [200, 200, 429]);
  });

  it('paths beside those of the list are no part of it', async (context) => {
    const obex = await startAskedObex(context, answered);
    for (const target of ['/oauth/token/', '/oauth//token', '/oauth/%74oken', '/OAUTH/token', '/oauth/admin']) {
      assert.equal((await obex.send({ ...TOKEN, target })).status, 401, target);
    }
    assert.deepEqual(obex.asked, []);
  });
});
