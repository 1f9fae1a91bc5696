/** What Obex answers by itself: health, readiness, metadata, metrics. RFC 9728 §3, Prometheus text format 0.0.4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseExposition } from '../support/exposition.ts';
import { freePort } from '../support/free-port.ts';
import { bearer, bodyOf, formatRequest, METADATA_URL, PUBLIC_URL, RESOURCE, sendOn } from '../support/obex.ts';
import { openRaw, type RawResponse } from '../support/raw-http.ts';
import { type Answer, probeOf, reply } from '../support/recording-backend.ts';
import { startPhase1, startPhase2, startPhase2Cold } from '../support/stack.ts';
import { issuerKey } from '../support/test-issuer.ts';
import { ONE_READY_CHECK } from '../support/transport.ts';
import { until } from '../support/until.ts';

const ROOT = '/.well-known/oauth-protected-resource';
const WITH_PATH = `${ROOT}/mcp`;
const TOKEN = bearer('anything');
const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, DPoP-Nonce, Retry-After, X-Obex-Request-ID';

/** What a plain HTTP request meets at a TLS port. RFC 8446 §6: fatal, unexpected_message. */
const TLS_ALERT = Buffer.from([21, 3, 3, 0, 2, 2, 10]);

function assertJson(response: RawResponse, status: number, body: unknown): void {
  assert.equal(response.status, status);
  assert.deepEqual(response.values('content-type'), ['application/json']);
  assert.deepEqual(response.values('cache-control'), ['no-store']);
  assert.equal(response.values('x-obex-request-id').length, 1);
  assert.deepEqual(bodyOf(response), body);
}

describe('/health', () => {
  it('is 200 whatever the backend does, without a token and without asking anybody', async (context) => {
    const stack = await startPhase2(context);
    await Promise.all([stack.backend.stop(), stack.issuer.stop()]);
    assertJson(await stack.obex.send({ target: '/health' }), 200, { status: 'ok' });
    assert.equal(stack.backend.connections, 0);
  });

  it('answers HEAD with the same head and no body', async (context) => {
    const { obex } = await startPhase1(context);
    const client = await obex.open();
    const head = await sendOn(client, { method: 'HEAD', target: '/health' });
    assert.equal(head.status, 200);
    assert.deepEqual(head.values('content-length'), ['15']);
    assertJson(await sendOn(client, { target: '/health' }), 200, { status: 'ok' });
  });
});

describe('probes in the access log', () => {
  const PROBES = ['/health', '/ready', '/metrics'];

  it('are not there: they would bury the requests', async (context) => {
    const { obex } = await startPhase1(context);
    for (const target of PROBES) assert.equal((await obex.send({ target })).status, 200, target);
    // A probe that is refused is something to know of.
    assert.equal((await obex.send({ method: 'POST', target: '/health' })).status, 405);
    await obex.event('request');
    assert.deepEqual(
      obex.events('request').map(({ path, status }) => [path, status]),
      [['/health', 405]],
    );
  });

  it('are there with log.probes', async (context) => {
    const { obex } = await startPhase1(context, { sections: { log: 'probes: true' } });
    for (const target of PROBES) await obex.send({ target });
    await until('a line for each', () => (obex.events('request').length === PROBES.length ? true : undefined));
    // Lines of different workers may change places.
    assert.deepEqual(new Set(obex.events('request').map(({ path }) => path)), new Set(PROBES));
  });
});

describe('/ready', () => {
  it('phase 1: checks the backend alone', async (context) => {
    const { obex } = await startPhase1(context);
    assertJson(await obex.send({ target: '/ready' }), 200, { status: 'ready', checks: { backend: 'ok' } });
  });

  it('phase 2: checks the backend and the keys', async (context) => {
    const { obex } = await startPhase2(context);
    assertJson(await obex.send({ target: '/ready' }), 200, { status: 'ready', checks: { backend: 'ok', jwks: 'ok' } });
  });

  it('is 503 while the backend is down, and recovers', async (context) => {
    const { obex, backend, clock } = await startPhase2(context);
    await backend.stop();
    assertJson(await obex.send({ target: '/ready' }), 503, {
      status: 'not_ready',
      checks: { backend: 'error', jwks: 'ok' },
    });
    await backend.start();
    clock.advance(1_000);
    assertJson(await obex.send({ target: '/ready' }), 200, { status: 'ready', checks: { backend: 'ok', jwks: 'ok' } });
  });

  it('is 503 as long as keys were never fetched, and recovers by itself', async (context) => {
    const { obex, clock, issuer } = await startPhase2Cold(context, {}, (down) => down.stop());
    await obex.event('jwks_fetch_failed');
    assertJson(await obex.send({ target: '/ready' }), 503, {
      status: 'not_ready',
      checks: { backend: 'ok', jwks: 'error' },
    });
    await issuer.start();
    await obex.event('jwks_fetched');
    clock.advance(1_000);
    assertJson(await obex.send({ target: '/ready' }), 200, { status: 'ready', checks: { backend: 'ok', jwks: 'ok' } });
  });

  it('really connects, once for any number of probes within a second', ONE_READY_CHECK, async (context) => {
    const { obex, backend, clock } = await startPhase1(context);
    const probe = async () => assert.equal((await obex.send({ target: '/ready' })).status, 200);
    await probe();
    assert.equal(backend.connections, 1);
    clock.advance(999);
    await Promise.all([probe(), probe()]);
    assert.equal(backend.connections, 1);
    clock.advance(1);
    await Promise.all([probe(), probe(), probe()]);
    assert.equal(backend.connections, 2, 'a new check, shared by all who asked meanwhile');
  });

  it('RFC 9110 §9.3.7: asks the backend for what changes nothing, with nothing of the client’s', async (context) => {
    const { obex, backend } = await startPhase1(context, { sections: { backend: 'headers: { X-Key: "secret" }' } });
    await obex.send({ target: '/ready', lines: [TOKEN, 'X-Any: 1'] });
    assert.equal(backend.received(), probeOf(backend));
  });

  it('is 503 when the backend takes connections and answers nothing that is HTTP', ONE_READY_CHECK, async (context) => {
    const { obex, backend, clock } = await startPhase1(context);
    const notReady = { status: 'not_ready', checks: { backend: 'error' } };
    const answers: readonly (readonly [answer: Answer, error: string])[] = [
      [({ socket }) => socket.destroy(), 'the connection was closed without an answer; is it https?'],
      [({ socket }) => socket.resetAndDestroy(), 'read ECONNRESET'],
      [({ socket }) => socket.write(TLS_ALERT), 'the answer is not valid HTTP/1.1: it is a TLS record; is it https?'],
    ];
    for (const [answer, error] of answers) {
      backend.answer = answer;
      assertJson(await obex.send({ target: '/ready' }), 503, notReady);
      assert.ok(await obex.event('not_ready', (event) => event['error'] === error));
      clock.advance(1_000);
    }
    backend.answer = ({ socket }) => reply(socket, '404 Not Found');
    assertJson(await obex.send({ target: '/ready' }), 200, { status: 'ready', checks: { backend: 'ok' } });
  });
});

describe('RFC 9728 §3.2: the metadata document', () => {
  for (const target of [ROOT, WITH_PATH, `${ROOT}?resource=x`]) {
    it(`stands at ${target}, for anybody, cacheable`, async (context) => {
      const { obex, issuer } = await startPhase2(context, {
        sections: { resource: 'scopes_supported: ["mcp:read", "offline_access", "mcp:write"]' },
      });
      const response = await obex.send({
        target,
        lines: ['Origin: https://any.example', 'MCP-Protocol-Version: 2025-11-25'],
      });
      assert.equal(response.status, 200);
      assert.deepEqual(response.values('content-type'), ['application/json']);
      assert.deepEqual(response.values('cache-control'), ['public, max-age=3600']);
      assert.deepEqual(response.values('access-control-allow-origin'), ['*']);
      assert.deepEqual(response.values('access-control-expose-headers'), [EXPOSED]);
      assert.deepEqual(bodyOf(response), {
        resource: RESOURCE,
        authorization_servers: [issuer.url],
        scopes_supported: ['mcp:read', 'mcp:write'],
        bearer_methods_supported: ['header'],
        obex_extensions: { elicitation_supported: false },
      });
    });
  }

  it('§2: scopes_supported are the required ones where none are configured', async (context) => {
    const authz = 'required_scopes: ["mcp:write", "mcp:read"]';
    const { obex, config } = await startPhase2(context, { sections: { authz } });
    assert.deepEqual(bodyOf(await obex.send({ target: ROOT }))['scopes_supported'], ['mcp:write', 'mcp:read']);
    await obex.reload(config({ authz, resource: 'scopes_supported: ["mcp:read", "mcp:write", "mcp:admin"]' }));
    const document = bodyOf(await obex.send({ target: ROOT }));
    assert.deepEqual(document['scopes_supported'], ['mcp:read', 'mcp:write', 'mcp:admin']);
  });

  it('lists the primary issuer first, then the additional ones', async (context) => {
    const { obex, issuer } = await startPhase2(context, {
      sections: {
        idp: 'additional_issuers:\n  - { issuer: "http://127.0.0.1:1", jwks_uri: "http://127.0.0.1:1/a" }\n  - { issuer: "http://127.0.0.1:2", jwks_uri: "http://127.0.0.1:2/b" }',
      },
    });
    const document = bodyOf(await obex.send({ target: ROOT }));
    assert.deepEqual(document['authorization_servers'], [issuer.url, 'http://127.0.0.1:1', 'http://127.0.0.1:2']);
  });

  it('§3.2: leaves out empty lists; phase 1 has no authorization server', async (context) => {
    const { obex } = await startPhase1(context);
    assert.deepEqual(bodyOf(await obex.send({ target: WITH_PATH })), {
      resource: RESOURCE,
      bearer_methods_supported: ['header'],
      obex_extensions: { elicitation_supported: false },
    });
  });

  it('is never 5xx: not while issuer and backend are down, not while draining', async (context) => {
    const { obex, backend } = await startPhase2Cold(context, {}, (issuer) => issuer.stop());
    await backend.stop();
    assert.equal((await obex.send({ target: ROOT })).status, 200);
  });

  it('answers HEAD, and anything else with 405 and Allow', async (context) => {
    const { obex } = await startPhase1(context);
    const client = await obex.open();
    const head = await sendOn(client, { method: 'HEAD', target: WITH_PATH });
    assert.equal(head.status, 200);
    assert.deepEqual(head.values('access-control-allow-origin'), ['*']);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await sendOn(client, { method, target: WITH_PATH });
      assert.equal(response.status, 405);
      assert.deepEqual(response.values('allow'), ['GET, HEAD, OPTIONS']);
      assert.deepEqual(response.values('access-control-allow-origin'), ['*']);
    }
  });

  it('answers preflights of any origin, with the header that MCP clients send to it', async (context) => {
    const { obex } = await startPhase1(context);
    const response = await obex.send({
      method: 'OPTIONS',
      target: WITH_PATH,
      lines: [
        'Origin: https://any.example',
        'Access-Control-Request-Method: GET',
        'Access-Control-Request-Headers: mcp-protocol-version',
      ],
    });
    assert.equal(response.status, 204);
    assert.equal(response.body.length, 0);
    assert.deepEqual(response.values('access-control-allow-origin'), ['*']);
    assert.match(response.values('access-control-allow-headers')[0] ?? '', /MCP-Protocol-Version/);
  });
});

describe('/metrics', () => {
  it('is Prometheus text with metadata for every family and no label from a client', async (context) => {
    const stack = await startPhase2(context, {
      sections: { limits: 'rate_limit: { requests_per_second: 10, burst: 20 }' },
    });
    const { obex } = stack;
    const authorization = await stack.authorization();
    const client = await obex.open();
    await sendOn(client, { target: '/secret-path?query=secret', lines: [authorization] });
    await sendOn(client, { lines: [authorization] });
    await obex.send({ lines: [await stack.authorization({ key: issuerKey('RS256', 'unknown') })] });
    await obex.send({ lines: ['Host: second'] });
    const response = await obex.send({ target: '/metrics' });
    assert.equal(response.status, 200);
    assert.deepEqual(response.values('content-type'), ['text/plain; version=0.0.4; charset=utf-8']);
    const text = response.body.toString('utf8');
    const families = parseExposition(text);
    const samples = families.flatMap((family) => family.samples);
    const value = (name: string, label = '', of = ''): number | undefined =>
      samples.find((sample) => sample.name === name && (label === '' || sample.labels[label] === of))?.value;
    assert.equal(value('obex_requests_total', 'code', '200'), 2);
    assert.equal(value('obex_requests_total', 'code', '401'), 1);
    assert.equal(value('obex_requests_total', 'code', '400'), 1);
    assert.equal(value('obex_denials_total', 'reason', 'unknown_key'), 1);
    assert.equal(value('obex_denials_total', 'reason', 'malformed_request'), 1);
    assert.equal(value('obex_token_cache_lookups_total', 'result', 'hit'), 1);
    assert.equal(value('obex_token_cache_lookups_total', 'result', 'miss'), 2);
    assert.equal(value('obex_requests_in_flight'), 1, 'the scrape itself');
    assert.equal(value('obex_jwks_keys', 'issuer', stack.issuer.url), 1);
    assert.ok((value('process_resident_memory_bytes') ?? 0) > 1e6);
    assert.doesNotMatch(text, /secret|alice|client-1/);
  });

  it('on a listener of its own: nothing else there, and 404 on the main one', async (context) => {
    const port = await freePort();
    const { obex, backend } = await startPhase1(context, { sections: { metrics: `listen: "127.0.0.1:${port}"` } });
    for (const lines of [[], [TOKEN]]) {
      const response = await obex.send({ target: '/metrics', lines });
      assert.equal(response.status, 404);
      assert.deepEqual(bodyOf(response), { error: 'not_found', reason: 'not_found' });
    }
    const client = await openRaw(port);
    context.after(() => client.destroy());
    const metrics = await sendOn(client, { target: '/metrics' });
    assert.equal(metrics.status, 200);
    parseExposition(metrics.body.toString('utf8'));
    for (const target of ['/health', '/mcp', '/', '/metrics/']) {
      assert.equal((await sendOn(client, { target, lines: [TOKEN] })).status, 404, target);
    }
    assert.equal(backend.received(), '');
  });
});

describe('the four are matched exactly on the raw path', () => {
  const variants = [
    '/health/',
    '//health',
    '/%68ealth',
    '/Health',
    '/./health',
    '/x/../health',
    '/health;v=1',
    '/health%3Fx=1',
    '/ready/',
    '/%72eady',
    '/metrics/',
    '//metrics',
    '/.well-known/oauth-protected-resource/mcp/',
    '/.well-known//oauth-protected-resource',
    '/.well-known/oauth-protected-resource/other',
    '/%2ewell-known/oauth-protected-resource',
  ];
  for (const target of variants) {
    it(`${target} is the backend's, behind authentication, byte for byte`, async (context) => {
      const { obex, backend } = await startPhase1(context);
      const refused = await obex.send({ target });
      assert.equal(refused.status, target.startsWith('/.well-known/oauth-') ? 404 : 401);
      assert.equal(backend.received(), '');
      assert.equal((await obex.send({ target, lines: [TOKEN] })).status, 200);
      assert.equal(backend.requests[0]?.requestLine, `GET ${target} HTTP/1.1`);
    });
  }

  for (const target of ['/health?x=1', '/ready?', '/metrics?name=x', `${WITH_PATH}?x`]) {
    it(`${target}: a query is ignored`, async (context) => {
      const { obex, backend } = await startPhase1(context);
      assert.equal((await obex.send({ target })).status, 200);
      assert.equal(backend.received(), target.startsWith('/ready') ? probeOf(backend) : '');
    });
  }
});

describe('discovery probes for an authorization server', () => {
  const probes = [
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/oauth-protected-resource/elsewhere',
    '/.well-known/openid-configuration',
    '/.well-known/openid-configuration/mcp?x=1',
  ];
  for (const target of probes) {
    it(`${target}: 404 JSON without a token, the backend's with one`, async (context) => {
      const stack = await startPhase2(context);
      const refused = await stack.obex.send({ target });
      assert.equal(refused.status, 404);
      assert.deepEqual(bodyOf(refused), { error: 'not_found', reason: 'not_found' });
      assert.deepEqual(refused.values('www-authenticate'), []);
      assert.equal(stack.backend.received(), '');
      const bad = await stack.obex.send({ target, lines: [bearer('no-token-at-all')] });
      assert.equal(bad.status, 401, 'a bad token is not a probe');
      assert.equal((await stack.obex.send({ target, lines: [await stack.authorization()] })).status, 200);
      assert.equal(stack.backend.requests[0]?.requestLine, `GET ${target} HTTP/1.1`);
    });
  }

  it('other well-known paths are 401 like everything else', async (context) => {
    const { obex } = await startPhase2(context);
    assert.equal((await obex.send({ target: '/.well-known/mcp.json' })).status, 401);
    assert.equal((await obex.send({ target: '/x/.well-known/oauth-authorization-server' })).status, 401);
  });
});

describe('MCP 2025-03-26: clients without metadata take the server for the authorization server', () => {
  const asks = [
    ['POST', '/register', '{"redirect_uris":["http://localhost/callback"]}'],
    ['POST', '/token', 'grant_type=authorization_code&code=x'],
    ['GET', '/authorize?response_type=code&client_id=x', undefined],
  ] as const;
  for (const [method, target, body] of asks) {
    const request = body === undefined ? { method, target } : { method, target, body };

    it(`${method} ${target}: 404 that names the issuers without a token, the backend's with one`, async (context) => {
      const stack = await startPhase2(context, {
        sections: { idp: 'additional_issuers: [{ issuer: "https://b.example", jwks_uri: "http://127.0.0.1:1/b" }]' },
      });
      const refused = await stack.obex.send({ ...request, lines: [`Origin: ${PUBLIC_URL}`] });
      assertJson(refused, 404, {
        error: 'not_found',
        reason: 'no_authorization_server',
        error_description:
          `no authorization server here: log in at ${stack.issuer.url} or https://b.example, the authorization_servers of ` +
          METADATA_URL,
      });
      assert.deepEqual(refused.values('www-authenticate'), []);
      assert.deepEqual(refused.values('access-control-allow-origin'), [PUBLIC_URL]);
      assert.equal(stack.backend.received(), '');
      const bad = await stack.obex.send({ ...request, lines: [bearer('no-token-at-all')] });
      assert.equal(bad.status, 401, 'a bad token is a bad token');
      assert.equal(stack.backend.received(), '');
      assert.equal((await stack.obex.send({ ...request, lines: [await stack.authorization()] })).status, 200);
      assert.equal(stack.backend.requests[0]?.requestLine, `${method} ${target} HTTP/1.1`);
    });

    it(`${method} ${target}: phase 1 leaves it to the backend, behind the same check as all else`, async (context) => {
      const { obex, backend } = await startPhase1(context);
      assert.equal((await obex.send(request)).status, 401);
      assert.equal(backend.received(), '');
      assert.equal((await obex.send({ ...request, lines: [TOKEN] })).status, 200);
      assert.equal(backend.requests[0]?.requestLine, `${method} ${target} HTTP/1.1`);
    });
  }

  it('no other method and no other path is meant', async (context) => {
    const { obex, backend } = await startPhase2(context);
    for (const [method, target] of [
      ['GET', '/register'],
      ['GET', '/token'],
      ['POST', '/authorize'],
      ['POST', '/register/'],
      ['POST', '/mcp/register'],
      ['POST', '/Token'],
      ['POST', '/%74oken'],
      ['GET', '/authorize/mcp'],
    ] as const) {
      assert.equal((await obex.send({ method, target })).status, 401, `${method} ${target}`);
    }
    assert.equal(backend.received(), '');
  });
});

describe('endpoints need no body', () => {
  it('a GET with a body does not spoil the connection', async (context) => {
    const { obex } = await startPhase1(context);
    const client = await obex.open();
    await client.send(formatRequest({ target: '/health', body: '{"a":1}' }));
    assert.equal((await client.readResponse()).status, 200);
    assert.equal((await sendOn(client, { target: '/health' })).status, 200);
  });
});
