/** What web pages may do: Origin, preflights, CORS fields; and Host where nobody is authenticated. RFC 6454, Fetch §3.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bearer, bodyOf, sendOn } from '../support/obex.ts';
import { reply } from '../support/recording-backend.ts';
import { startPhase1, startPhase2 } from '../support/stack.ts';
import { ABSOLUTE_FORM, asSent } from '../support/transport.ts';

const TOKEN = bearer('anything');
const APP = 'https://app.example.com';
const ALLOW_APP = { cors: `allowed_origins: ["${APP}"]` };
const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, DPoP-Nonce, Retry-After, X-Obex-Request-ID';
const ALLOWED =
  'Authorization, DPoP, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Last-Event-ID, Mcp-Method, Mcp-Name';
const LOOPBACK_URL = 'http://localhost:8080';

describe('Origin is checked first, in every phase', () => {
  const cases: readonly (readonly [origin: string, publicUrl: string | undefined, allowed: boolean])[] = [
    ['https://tool.example.com', undefined, true],
    [APP, undefined, true],
    ['https://evil.example', undefined, false],
    ['null', undefined, false],
    ['*', undefined, false],
    ['', undefined, false],
    ['http://tool.example.com', undefined, false],
    ['https://tool.example.com:8443', undefined, false],
    ['https://tool.example.com.evil.example', undefined, false],
    ['https://TOOL.example.com', undefined, false],
    [`${APP}/`, undefined, false],
    ['http://localhost:3000', undefined, false],
    ['http://localhost:3000', LOOPBACK_URL, true],
    ['http://127.0.0.1:6274', LOOPBACK_URL, true],
    ['http://[::1]:5000', LOOPBACK_URL, true],
    ['https://localhost', LOOPBACK_URL, true],
    ['http://localhost.evil.example', LOOPBACK_URL, false],
    ['http://127.0.0.1.evil.example', LOOPBACK_URL, false],
    ['null', LOOPBACK_URL, false],
  ];
  for (const [origin, publicUrl, allowed] of cases) {
    it(`${JSON.stringify(origin)} ${allowed ? 'passes' : 'is 403'} when public_url is ${publicUrl ?? 'not on loopback'}`, async (context) => {
      const options = publicUrl === undefined ? { sections: ALLOW_APP } : { publicUrl };
      const { obex, backend } = await startPhase1(context, options);
      const response = await obex.send({ lines: [TOKEN, `Origin: ${origin}`] });
      if (allowed) {
        assert.equal(response.status, 200);
        assert.deepEqual(response.values('access-control-allow-origin'), [origin]);
        assert.deepEqual(response.values('vary'), ['Origin']);
        assert.deepEqual(backend.requests[0]?.values('origin'), [], 'the backend gets no Origin to stumble over');
      } else {
        assert.equal(response.status, 403);
        assert.deepEqual(bodyOf(response), { error: 'forbidden', reason: 'origin_not_allowed' });
        assert.deepEqual(response.values('access-control-allow-origin'), []);
        assert.equal(backend.received(), '');
      }
    });
  }

  it('leaves no userinfo in the log', async (context) => {
    const { obex } = await startPhase1(context);
    await obex.send({ lines: [TOKEN, 'Origin: https://user:secret@evil.example?key=secret'] });
    const { reason, actual } = await obex.event('request');
    assert.deepEqual([reason, actual], ['origin_not_allowed', 'https://evil.example']);
  });

  it('comes before authentication, routing and the Host check', async (context) => {
    const { obex } = await startPhase1(context);
    const origin = 'Origin: https://evil.example';
    for (const target of ['/health', '/ready', '/metrics', '/mcp', '/mcp?access_token=x']) {
      assert.equal(bodyOf(await obex.send({ target, lines: [origin] }))['reason'], 'origin_not_allowed', target);
    }
    assert.equal(bodyOf(await obex.send({ host: 'evil.example', lines: [origin] }))['reason'], 'origin_not_allowed');
    assert.equal(bodyOf(await obex.send({ method: 'TRACE', lines: [origin] }))['reason'], 'origin_not_allowed');
  });

  it('two Origin fields are as bad as a refused one', async (context) => {
    const { obex, backend } = await startPhase1(context, { sections: ALLOW_APP });
    const response = await obex.send({ lines: [TOKEN, `Origin: ${APP}`, `Origin: ${APP}`] });
    assert.equal(response.status, 403);
    assert.equal(backend.received(), '');
  });

  it('"*" from phase 2 on: any origin but null', async (context) => {
    const stack = await startPhase2(context, { sections: { cors: 'allowed_origins: ["*"]' } });
    const authorization = await stack.authorization();
    const any = await stack.obex.send({ lines: [authorization, 'Origin: https://any.example'] });
    assert.equal(any.status, 200);
    assert.deepEqual(any.values('access-control-allow-origin'), ['https://any.example']);
    assert.equal((await stack.obex.send({ lines: [authorization, 'Origin: null'] })).status, 403);
  });

  it('without Origin there are no CORS fields', async (context) => {
    const { obex } = await startPhase1(context, { sections: ALLOW_APP });
    const response = await obex.send({ lines: [TOKEN] });
    assert.deepEqual(
      response.headers.filter(([name]) => /^(access-control-|vary)/i.test(name)),
      [],
    );
  });
});

describe('Fetch §3.2.2: preflights', () => {
  it('are answered 204 without a token and never reach the backend', async (context) => {
    const { obex, backend } = await startPhase2(context, { sections: ALLOW_APP });
    const requested = 'authorization,content-type,mcp-param-city,x-evil,mcp-param-';
    const response = await obex.send({
      method: 'OPTIONS',
      lines: [`Origin: ${APP}`, 'Access-Control-Request-Method: POST', `Access-Control-Request-Headers: ${requested}`],
    });
    assert.equal(response.status, 204);
    assert.deepEqual(response.values('content-length'), []);
    assert.deepEqual(response.values('access-control-allow-origin'), [APP]);
    assert.deepEqual(response.values('access-control-allow-methods'), ['GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
    assert.deepEqual(response.values('access-control-allow-headers'), [`${ALLOWED}, mcp-param-city`]);
    assert.deepEqual(response.values('access-control-max-age'), ['7200']);
    assert.deepEqual(response.values('access-control-expose-headers'), [EXPOSED]);
    assert.deepEqual(response.values('vary'), ['Origin']);
    assert.deepEqual(response.values('access-control-allow-credentials'), []);
    assert.equal(backend.received(), '');
  });

  it('cors.allowed_headers and cors.exposed_headers add to what stands there', async (context) => {
    const cors = `${ALLOW_APP.cors}\nallowed_headers: [X-Tenant, accept]\nexposed_headers: [X-Cost, retry-after]`;
    const { obex } = await startPhase2(context, { sections: { cors } });
    const lines = [`Origin: ${APP}`, 'Access-Control-Request-Method: POST', 'Access-Control-Request-Headers: x-tenant'];
    const response = await obex.send({ method: 'OPTIONS', lines });
    assert.deepEqual(response.values('access-control-allow-headers'), [`${ALLOWED}, X-Tenant`]);
    assert.deepEqual(response.values('access-control-expose-headers'), [`${EXPOSED}, X-Cost`]);
    assert.deepEqual(obex.events('preflight_fields_refused'), []);
    const metadata = await obex.send({ target: '/.well-known/oauth-protected-resource' });
    assert.deepEqual(metadata.values('access-control-expose-headers'), [`${EXPOSED}, X-Cost`]);
  });

  it('say in the log which fields they refuse, escaped and bounded', async (context) => {
    const { obex } = await startPhase2(context, { sections: ALLOW_APP });
    const many = Array.from({ length: 12 }, (_, at) => `x-${at}${'y'.repeat(70)}`);
    const requested = ['authorization,  X-Tenant', 'mcp-param-a,bad\xe4\x9b name,,', many.join(',')];
    const lines = requested.map((names) => `Access-Control-Request-Headers: ${names}`);
    const response = await obex.send({
      method: 'OPTIONS',
      lines: [`Origin: ${APP}`, 'Access-Control-Request-Method: POST', ...lines],
    });
    assert.equal(response.status, 204);
    const event = await obex.event('preflight_fields_refused');
    assert.equal(event['request_id'], response.values('x-obex-request-id')[0]);
    assert.deepEqual(event['fields'], [
      'X-Tenant',
      'bad%E4%9B%20name',
      ...many.slice(0, 8).map((name) => name.slice(0, 64)),
    ]);
    assert.equal(event['more'], 4);
    assert.equal(event['level'], 'info');
  });

  for (const origin of ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'tauri://localhost']) {
    it(`of an app or extension, ${origin}, pass when it is named`, async (context) => {
      const { obex, backend } = await startPhase1(context, { sections: { cors: `allowed_origins: ["${origin}"]` } });
      const lines = [`Origin: ${origin}`, 'Access-Control-Request-Method: POST'];
      const preflight = await obex.send({ method: 'OPTIONS', lines });
      assert.deepEqual([preflight.status, preflight.values('access-control-allow-origin')], [204, [origin]]);
      assert.equal((await obex.send({ lines: [TOKEN, `Origin: ${origin}`] })).status, 200);
      const other = await obex.send({ lines: [TOKEN, `Origin: ${origin}x`] });
      assert.deepEqual(bodyOf(other), { error: 'forbidden', reason: 'origin_not_allowed' });
      assert.equal(backend.requests.length, 1);
    });
  }

  it('of a refused origin are 403', async (context) => {
    const { obex } = await startPhase2(context, { sections: ALLOW_APP });
    const lines = ['Origin: https://evil.example', 'Access-Control-Request-Method: POST'];
    const response = await obex.send({ method: 'OPTIONS', lines });
    assert.equal(response.status, 403);
    assert.deepEqual(response.values('access-control-allow-origin'), []);
  });

  it('an OPTIONS request that is none needs a token and goes to the backend', async (context) => {
    const { obex, backend } = await startPhase1(context, { sections: ALLOW_APP });
    const client = await obex.open();
    assert.equal((await sendOn(client, { method: 'OPTIONS', lines: [`Origin: ${APP}`] })).status, 401);
    assert.equal(
      (await sendOn(client, { method: 'OPTIONS', lines: ['Access-Control-Request-Method: POST'] })).status,
      401,
    );
    assert.equal((await sendOn(client, { method: 'OPTIONS', lines: [`Origin: ${APP}`, TOKEN] })).status, 200);
    assert.equal(backend.requests[0]?.requestLine, 'OPTIONS /mcp HTTP/1.1');
  });

  it('on /health, /ready and /metrics are 405', async (context) => {
    const { obex } = await startPhase1(context, { sections: ALLOW_APP });
    for (const target of ['/health', '/ready', '/metrics']) {
      const lines = [`Origin: ${APP}`, 'Access-Control-Request-Method: GET'];
      assert.equal((await obex.send({ method: 'OPTIONS', target, lines })).status, 405, target);
    }
  });
});

describe('CORS fields are those of Obex', () => {
  it('stand on refusals, so that pages can read the challenge', async (context) => {
    const { obex } = await startPhase2(context, { sections: ALLOW_APP });
    for (const lines of [[], [bearer('bad')]]) {
      const response = await obex.send({ lines: [...lines, `Origin: ${APP}`] });
      assert.equal(response.status, 401);
      assert.equal(response.values('www-authenticate').length, 1);
      assert.deepEqual(response.values('access-control-allow-origin'), [APP]);
      assert.deepEqual(response.values('access-control-expose-headers'), [EXPOSED]);
      assert.deepEqual(response.values('vary'), ['Origin']);
    }
  });

  it("replace the backend's, whatever it says", async (context) => {
    const { obex, backend } = await startPhase1(context, { sections: ALLOW_APP });
    backend.answer = ({ socket }) =>
      reply(socket, '200 OK', [
        'Access-Control-Allow-Origin: *',
        'access-control-allow-credentials: true',
        'Access-Control-Expose-Headers: X-Internal',
        'Vary: Accept-Encoding',
        'Mcp-Session-Id: s-1',
      ]);
    const withOrigin = await obex.send({ lines: [TOKEN, `Origin: ${APP}`] });
    assert.deepEqual(
      withOrigin.headers.map((pair) => pair.join(': ')).filter((line) => /^access-control-/i.test(line)),
      [`Access-Control-Allow-Origin: ${APP}`, `Access-Control-Expose-Headers: ${EXPOSED}`].map(asSent),
    );
    assert.deepEqual(withOrigin.values('vary'), ['Accept-Encoding', 'Origin']);
    assert.deepEqual(withOrigin.values('mcp-session-id'), ['s-1']);
    const without = await obex.send({ lines: [TOKEN] });
    assert.deepEqual(
      without.headers.filter(([name]) => /^access-control-/i.test(name)),
      [],
    );
  });
});

describe('Host in phase 1 (DNS rebinding)', () => {
  const hosts: readonly (readonly [host: string, allowed: boolean])[] = [
    ['127.0.0.1', true],
    ['127.0.0.1:8080', true],
    ['192.168.1.7:8443', true],
    ['[::1]', true],
    ['[::1]:8443', true],
    ['localhost', true],
    ['LOCALHOST:8443', true],
    ['tool.example.com', true],
    ['Tool.Example.com:443', true],
    ['obex.internal', true],
    ['obex.internal:8443', true],
    ['evil.example', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['127.1', false],
    ['2130706433', false],
    ['tool.example.com.', false],
    ['tool.example.com.evil.example', false],
    ['xn--localhost', false],
  ];
  for (const [host, allowed] of hosts) {
    it(`${host} ${allowed ? 'passes' : 'is 403'}`, async (context) => {
      const { obex, backend } = await startPhase1(context, { sections: { obex: 'allowed_hosts: ["obex.internal"]' } });
      const response = await obex.send({ host, lines: [TOKEN] });
      assert.equal(response.status, allowed ? 200 : 403);
      if (allowed) return;
      assert.deepEqual(bodyOf(response), { error: 'forbidden', reason: 'host_not_allowed' });
      assert.equal(backend.received(), '');
    });
  }

  it('covers preflights', async (context) => {
    const { obex } = await startPhase1(context, { sections: ALLOW_APP });
    const lines = [`Origin: ${APP}`, 'Access-Control-Request-Method: POST'];
    assert.equal((await obex.send({ method: 'OPTIONS', host: 'evil.example', lines })).status, 403);
  });

  it('the host of an absolute-form target is the one that counts', ABSOLUTE_FORM, async (context) => {
    const { obex, backend } = await startPhase1(context);
    const rebound = await obex.send({ target: 'http://evil.example/mcp', host: 'evil.example', lines: [TOKEN] });
    assert.equal(rebound.status, 403);
    assert.equal(backend.received(), '');
  });
});

describe('Host from phase 2 on', () => {
  it('decides nothing, and never reaches the backend', async (context) => {
    const stack = await startPhase2(context);
    const response = await stack.obex.send({ host: 'anything.example:99', lines: [await stack.authorization()] });
    assert.equal(response.status, 200);
    assert.deepEqual(stack.backend.requests[0]?.values('host'), [`127.0.0.1:${stack.backend.port}`]);
    assert.deepEqual(stack.backend.requests[0]?.values('x-forwarded-host'), ['tool.example.com']);
    const refused = await stack.obex.send({ host: 'anything.example:99' });
    assert.match(refused.values('www-authenticate')[0] ?? '', /resource_metadata="https:\/\/tool\.example\.com\//);
  });
});
