/** Every reason that phases 1 and 2 can give: the whole answer, a backend that saw nothing, a log without secrets. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { DENIAL_REASONS, type DenialReason } from '../../src/oauth/denial.ts';
import { createCertificate } from '../support/certificate.ts';
import { createIdentity, openAs } from '../support/client-certificate.ts';
import { CLOCK_FAULT } from '../support/fake-clock.ts';
import { bearer, formatRequest, METADATA_URL, type RequestText, sendOn } from '../support/obex.ts';
import { openRaw, type RawResponse } from '../support/raw-http.ts';
import { OK_BODY, reply } from '../support/recording-backend.ts';
import {
  assertLogged,
  assertRefusal,
  INTROSPECTION_REASONS,
  LOGIN_REASONS,
  PHASE_3_REASONS,
} from '../support/refusal.ts';
import {
  type Phase1Stack,
  type Phase2Stack,
  type StackOptions,
  startPhase1,
  startPhase2,
  startPhase2Cold,
} from '../support/stack.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { issuerKey } from '../support/test-issuer.ts';
import { assertLast, HTTP1_BYTES, ORDER_OF_ANSWERS } from '../support/transport.ts';

const covered = new Set<string>();

/** Registers a test of one way to a reason. */
function refuses(reason: DenialReason, how: string, run: (context: TestContext) => Promise<void>, options = {}): void {
  covered.add(reason);
  it(`${reason}: ${how}`, options, run);
}

/** No token, and no signature of one, stands in what clients and operators see. */
function assertNoSecrets(response: RawResponse, stack: Phase1Stack & Partial<Phase2Stack>): void {
  const seen = response.head + response.body.toString('latin1') + stack.obex.output();
  for (const token of [...(stack.issuer?.issued ?? []), OPAQUE_TOKEN]) {
    assert.ok(!seen.includes(token), 'a token is visible');
    assert.ok(!seen.includes(token.split('.')[2] ?? token), 'the signature of a token is visible');
  }
}

const OPAQUE_TOKEN = 'opaque-secret-token-of-a-client';
const ANY_TOKEN = bearer(OPAQUE_TOKEN);

interface Phase1Case {
  readonly config?: StackOptions;
  readonly request: RequestText;
}

/** Refused before the backend, on a connection that stays good. */
async function checkPhase1(
  context: TestContext,
  reason: DenialReason,
  { config, request }: Phase1Case,
): Promise<RawResponse> {
  const stack = await startPhase1(context, config);
  const client = await stack.obex.open();
  const response = await sendOn(client, request);
  assertRefusal(response, reason);
  assert.equal(stack.backend.received(), '');
  const second = await sendOn(client, { lines: [ANY_TOKEN] });
  assert.equal(second.body.toString(), OK_BODY);
  assert.equal(stack.backend.requests.length, 1);
  await assertLogged(response, reason, stack);
  assertNoSecrets(response, stack);
  return response;
}

interface Phase2Case {
  readonly config?: StackOptions;
  readonly request: (stack: Phase2Stack) => RequestText | Promise<RequestText>;
  readonly scope?: string;
  /** `error_description` of the body. */
  readonly description?: (stack: Phase2Stack) => string;
}

async function checkPhase2(context: TestContext, reason: DenialReason, options: Phase2Case): Promise<RawResponse> {
  const stack = await startPhase2(context, options.config);
  const client = await stack.obex.open();
  const response = await sendOn(client, await options.request(stack));
  assertRefusal(response, reason, { scope: options.scope, description: options.description?.(stack) });
  assert.equal(stack.backend.received(), '');
  const good = await stack.authorization({ claims: { scope: 'mcp:read mcp:write' } });
  const second = await sendOn(client, { lines: [good] });
  assert.equal(second.body.toString(), OK_BODY);
  assert.equal(stack.backend.requests.length, 1);
  await assertLogged(response, reason, stack);
  assertNoSecrets(response, stack);
  return response;
}

/** Bytes that never become a request: answered, then the connection ends. */
async function checkWire(
  context: TestContext,
  reason: DenialReason,
  wire: { bytes: string; config?: StackOptions },
): Promise<void> {
  const stack = await startPhase1(context, wire.config);
  const client = await stack.obex.open();
  await client.send(wire.bytes);
  const response = await client.readResponse();
  assertRefusal(response, reason);
  await assertLast(response, client);
  assert.equal(stack.backend.received(), '');
  await assertLogged(response, reason, stack);
  assertNoSecrets(response, stack);
}

describe('contract, refusals: 400', () => {
  refuses(
    'malformed_request',
    'two Host fields',
    (context) =>
      checkWire(context, 'malformed_request', { bytes: formatRequest({ lines: ['Host: 127.0.0.1', ANY_TOKEN] }) }),
    HTTP1_BYTES,
  );
  refuses(
    'malformed_request',
    'Content-Length beside Transfer-Encoding',
    (context) => {
      const lines = [ANY_TOKEN, 'Content-Length: 3', 'Transfer-Encoding: chunked'];
      return checkWire(context, 'malformed_request', { bytes: `${formatRequest({ method: 'POST', lines })}0\r\n\r\n` });
    },
    HTTP1_BYTES,
  );
  refuses('malformed_authorization', 'two Authorization fields', (context) =>
    checkPhase1(context, 'malformed_authorization', { request: { lines: [ANY_TOKEN, ANY_TOKEN] } }).then(
      () => undefined,
    ),
  );
  refuses('malformed_authorization', 'two Authorization fields, one of them good', async (context) => {
    const request = async (stack: Phase2Stack) => ({
      lines: [await stack.authorization(), 'authorization: Basic eDp5'],
    });
    await checkPhase2(context, 'malformed_authorization', { request });
  });
  for (const query of [
    'access_token=abc',
    'a=1&access_token=abc',
    'a=1;access_token=abc',
    '%61ccess_token=abc',
    'access_token',
  ]) {
    refuses('malformed_authorization', `the query ${query}`, async (context) => {
      await checkPhase1(context, 'malformed_authorization', {
        request: { target: `/mcp?${query}`, lines: [ANY_TOKEN] },
      });
    });
  }
});

describe('contract, refusals: 401 without error when no credential was sent (RFC 6750 §3.1)', () => {
  const without: Readonly<Record<string, readonly string[]>> = {
    'no Authorization': [],
    'an unknown scheme': ['Authorization: Basic dXNlcjpwYXNz'],
    'a scheme without a token': ['Authorization: Bearer'],
    'an empty token': ['Authorization: Bearer  '],
    'the DPoP scheme, which nobody verifies here': [`Authorization: DPoP ${OPAQUE_TOKEN}`],
  };
  for (const [how, lines] of Object.entries(without)) {
    refuses('no_token', `phase 1, ${how}`, async (context) => {
      await checkPhase1(context, 'no_token', { request: { lines } });
    });
    refuses('no_token', `phase 2, ${how}`, async (context) => {
      await checkPhase2(context, 'no_token', { request: () => ({ lines }) });
    });
  }
  refuses('no_token', 'with the scopes that the operation needs', async (context) => {
    const config = { sections: { authz: 'required_scopes: ["mcp:read", "mcp:write"]' } };
    await checkPhase2(context, 'no_token', { config, request: () => ({ lines: [] }), scope: 'mcp:read mcp:write' });
  });
});

const WRONG_KEY = issuerKey('RS256', 'somebody-else', 'key-1');

describe('contract, refusals: 401 with invalid_token (RFC 6750 §3.1)', () => {
  const tokens: readonly (readonly [DenialReason, string, (stack: Phase2Stack) => Promise<string>])[] = [
    ['invalid_token', 'not a JWS', async () => 'Authorization: Bearer not-a-jws'],
    [
      'invalid_token',
      'two parts',
      async (stack) => `Authorization: Bearer ${(await stack.issuer.token()).split('.').slice(0, 2).join('.')}`,
    ],
    [
      'invalid_token',
      'a typ of another kind of JWT',
      (stack) => stack.authorization({ header: { typ: 'logout+jwt' } }),
    ],
    ['invalid_token', 'no exp', (stack) => stack.authorization({ claims: { exp: undefined } })],
    ['invalid_token', 'no aud', (stack) => stack.authorization({ claims: { aud: undefined } })],
    ['invalid_token', 'no iss', (stack) => stack.authorization({ claims: { iss: undefined } })],
    ['invalid_token', 'a scope that is no scope token', (stack) => stack.authorization({ claims: { scope: 'a"b' } })],
    ['invalid_token', 'a sub over 1 KiB', (stack) => stack.authorization({ claims: { sub: 'x'.repeat(1025) } })],
    ['invalid_token', 'a sub of the wrong type', (stack) => stack.authorization({ claims: { sub: 7 } })],
    ['invalid_token', 'a sub with a lone surrogate', (stack) => stack.authorization({ claims: { sub: 'a\ud800b' } })],
    ['invalid_signature', 'another key under the published kid', (stack) => stack.authorization({ key: WRONG_KEY })],
    [
      'unknown_key',
      'a kid that the issuer does not publish',
      (stack) => stack.authorization({ key: issuerKey('RS256', 'somebody-else') }),
    ],
    [
      'unsupported_algorithm',
      'PS256 where RS256 and ES256 are accepted',
      (stack) => stack.authorization({ key: issuerKey('PS256', 'key-1') }),
    ],
    [
      'token_expired',
      'exp before now - skew',
      (stack) => stack.authorization({ claims: { exp: stack.clock.nowSeconds - 10 } }),
    ],
    [
      'token_not_yet_valid',
      'nbf after now + skew',
      (stack) => stack.authorization({ claims: { nbf: stack.clock.nowSeconds + 11 } }),
    ],
    [
      'token_not_yet_valid',
      'iat after now + skew',
      (stack) => stack.authorization({ claims: { iat: stack.clock.nowSeconds + 11 } }),
    ],
    [
      'invalid_issuer',
      'an issuer that is not trusted',
      (stack) => stack.authorization({ claims: { iss: 'https://evil.example' } }),
    ],
    [
      'invalid_issuer',
      'the issuer with another trailing slash',
      (stack) => stack.authorization({ claims: { iss: `${stack.issuer.url}/` } }),
    ],
    [
      'audience_mismatch',
      'a token for another resource',
      (stack) => stack.authorization({ claims: { aud: 'https://other.example/mcp' } }),
    ],
    [
      'audience_mismatch',
      'a token whose audience is the client',
      (stack) => stack.authorization({ claims: { aud: 'client-1' }, header: { typ: 'JWT' } }),
    ],
    [
      'id_token',
      'an ID token, which is for the client',
      (stack) => stack.authorization({ claims: { aud: 'client-1', nonce: 'n-0S6_WzA2Mj' }, header: { typ: 'JWT' } }),
    ],
    ['token_not_bound', 'cnf.jkt', (stack) => stack.authorization({ claims: { cnf: { jkt: 'A'.repeat(43) } } })],
    [
      'token_not_bound',
      'cnf.x5t#S256',
      (stack) => stack.authorization({ claims: { cnf: { 'x5t#S256': 'A'.repeat(43) } } }),
    ],
    ['token_not_bound', 'an empty cnf', (stack) => stack.authorization({ claims: { cnf: {} } })],
  ];
  for (const [reason, how, authorization] of tokens) {
    refuses(reason, how, async (context) => {
      await checkPhase2(context, reason, { request: async (stack) => ({ lines: [await authorization(stack)] }) });
    });
  }
});

describe('contract, refusals: 403', () => {
  refuses('insufficient_scope', 'all scopes needed stand in the one challenge', async (context) => {
    const config = { sections: { authz: 'required_scopes: ["mcp:read", "mcp:write"]' } };
    const request = async (stack: Phase2Stack) => ({ lines: [await stack.authorization()] });
    await checkPhase2(context, 'insufficient_scope', { config, request, scope: 'mcp:read mcp:write' });
  });
  refuses('origin_not_allowed', 'an Origin that nobody named', async (context) => {
    const response = await checkPhase1(context, 'origin_not_allowed', {
      request: { lines: [ANY_TOKEN, 'Origin: https://evil.example'] },
    });
    assert.deepEqual(response.values('access-control-allow-origin'), []);
  });
  refuses('host_not_allowed', 'a Host that a rebound name could bring', async (context) => {
    await checkPhase1(context, 'host_not_allowed', { request: { host: 'evil.example', lines: [ANY_TOKEN] } });
  });
});

describe('contract, refusals: 404 and 405', () => {
  for (const target of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration/mcp']) {
    refuses('not_found', `a discovery probe without a token: ${target}`, async (context) => {
      await checkPhase2(context, 'not_found', { request: () => ({ target }) });
    });
  }
  refuses('no_authorization_server', 'a registration where nobody registers clients', async (context) => {
    await checkPhase2(context, 'no_authorization_server', {
      request: () => ({ method: 'POST', target: '/register', body: '{}' }),
      description: (stack) =>
        `no authorization server here: log in at ${stack.issuer.url}, the authorization_servers of ${METADATA_URL}`,
    });
  });
  for (const target of ['/health', '/ready', '/metrics']) {
    refuses('method_not_allowed', `POST ${target}`, async (context) => {
      const request = { method: 'POST', target, body: '{}' };
      const response = await checkPhase1(context, 'method_not_allowed', { request });
      assert.deepEqual(response.values('allow'), ['GET, HEAD']);
    });
  }
  refuses('method_not_allowed', 'TRACE', async (context) => {
    const response = await checkPhase1(context, 'method_not_allowed', {
      request: { method: 'TRACE', lines: [ANY_TOKEN] },
    });
    assert.deepEqual(response.values('allow'), ['GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
  });
  refuses(
    'method_not_allowed',
    'CONNECT, which ends the connection',
    async (context) => {
      const stack = await startPhase1(context);
      const client = await stack.obex.open();
      await client.send(`CONNECT tool.example.com:443 HTTP/1.1\r\nHost: tool.example.com:443\r\n${ANY_TOKEN}\r\n\r\n`);
      const response = await client.readResponse();
      assertRefusal(response, 'method_not_allowed');
      assert.deepEqual(response.values('connection'), ['close']);
      assert.equal(stack.backend.received(), '');
      assertNoSecrets(response, stack);
    },
    HTTP1_BYTES,
  );
});

describe('contract, refusals: limits', () => {
  refuses(
    'request_timeout',
    'a head that is never complete',
    (context) =>
      checkWire(context, 'request_timeout', {
        bytes: `GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n${ANY_TOKEN}\r\n`,
        config: { sections: { limits: 'read_timeout: "50ms"' } },
      }),
    HTTP1_BYTES,
  );
  refuses('request_timeout', 'a body that pauses too long', async (context) => {
    const stack = await startPhase1(context, { sections: { limits: 'read_timeout: "50ms"' } });
    await checkBadBody(
      stack,
      'request_timeout',
      `${formatRequest({ method: 'POST', lines: [ANY_TOKEN, 'Content-Length: 10'] })}12345`,
    );
  });
  refuses('request_timeout', 'a body that takes too long as a whole', async (context) => {
    const stack = await startPhase1(context, { sections: { limits: 'body_timeout: "50ms"' } });
    await checkBadBody(
      stack,
      'request_timeout',
      `${formatRequest({ method: 'POST', lines: [ANY_TOKEN, 'Content-Length: 10'] })}12345`,
    );
  });
  refuses(
    'malformed_request',
    'a broken chunk',
    async (context) => {
      const stack = await startPhase1(context);
      const head = formatRequest({ method: 'POST', lines: [ANY_TOKEN, 'Transfer-Encoding: chunked'] });
      await checkBadBody(stack, 'malformed_request', `${head}5\r\nhello\r\nZZ\r\n`);
    },
    HTTP1_BYTES,
  );
  refuses('payload_too_large', 'announced by Content-Length', async (context) => {
    const stack = await startPhase1(context, { sections: { limits: 'max_request_body: "10B"' } });
    await checkBadBody(
      stack,
      'payload_too_large',
      formatRequest({ method: 'POST', lines: [ANY_TOKEN], body: '12345678901' }),
    );
    assert.equal(stack.backend.received(), '');
  });
  refuses('payload_too_large', 'in chunks', async (context) => {
    const stack = await startPhase1(context, { sections: { limits: 'max_request_body: "10B"' } });
    const head = formatRequest({ method: 'POST', lines: [ANY_TOKEN, 'Transfer-Encoding: chunked'] });
    await checkBadBody(stack, 'payload_too_large', `${head}6\r\n123456\r\n6\r\n123456\r\n`);
  });
  refuses('uri_too_long', 'a request line over 8 KiB', (context) =>
    checkWire(context, 'uri_too_long', {
      bytes: formatRequest({ target: `/${'a'.repeat(8192)}`, lines: [ANY_TOKEN] }),
    }),
  );
  refuses('headers_too_large', 'a head over max_header_bytes', (context) =>
    checkWire(context, 'headers_too_large', {
      bytes: formatRequest({ lines: [ANY_TOKEN, `X-Long: ${'a'.repeat(1500)}`] }),
      config: { sections: { limits: 'max_header_bytes: "1KiB"' } },
    }),
  );
  refuses('rate_limited', 'with Retry-After', async (context) => {
    const stack = await startPhase1(context, {
      sections: { limits: 'rate_limit: { requests_per_second: 0.1, burst: 1 }' },
    });
    const client = await stack.obex.open();
    assert.equal((await sendOn(client, { lines: [ANY_TOKEN] })).status, 200);
    const response = await sendOn(client, { lines: [ANY_TOKEN] });
    assertRefusal(response, 'rate_limited');
    assert.deepEqual(response.values('retry-after'), ['10']);
    assert.equal(stack.backend.requests.length, 1);
    await assertLogged(response, 'rate_limited', stack);
    assertNoSecrets(response, stack);
    stack.clock.advance(10_000);
    assert.equal((await sendOn(client, { lines: [ANY_TOKEN] })).status, 200);
  });
  refuses('refusal_loop', 'a refusal that comes again and again, with Retry-After', async (context) => {
    const stack = await startPhase2(context);
    const client = await stack.obex.open();
    const lines = [await stack.authorization({ claims: { aud: 'https://elsewhere.example' } })];
    for (let round = 0; round < 30; round += 1) assertRefusal(await sendOn(client, { lines }), 'audience_mismatch');
    const response = await sendOn(client, { lines });
    assertRefusal(response, 'refusal_loop');
    assert.deepEqual(response.values('retry-after'), ['60']);
    await assertLogged(response, 'refusal_loop', stack);
    assertNoSecrets(response, stack);
    assert.equal(stack.backend.received(), '');
    assert.equal((await sendOn(client, { lines: [await stack.authorization()] })).status, 200);
  });
  refuses('too_many_in_flight', 'of one principal, with Retry-After', async (context) => {
    const stack = await startPhase2(context, { sections: { limits: 'max_requests_per_principal: 1' } });
    const request = { lines: [await stack.authorization()] };
    stack.backend.answer = () => undefined;
    const waiting = await stack.obex.open();
    await waiting.send(formatRequest(request));
    const { socket } = await stack.backend.request(0);
    const response = await stack.obex.send(request);
    assertRefusal(response, 'too_many_in_flight');
    assert.deepEqual(response.values('retry-after'), ['1']);
    assert.equal(stack.backend.requests.length, 1);
    await assertLogged(response, 'too_many_in_flight', stack);
    assertNoSecrets(response, stack);
    reply(socket, '200 OK', [], OK_BODY);
    assert.equal((await waiting.readResponse()).body.toString(), OK_BODY);
  });
});

/** A body that turns out bad: the answer ends the connection, and the backend never holds a whole request. */
async function checkBadBody(stack: Phase1Stack, reason: DenialReason, bytes: string): Promise<void> {
  stack.backend.answer = () => assert.fail('the backend took it for a whole request');
  const client = await stack.obex.open();
  await client.send(bytes);
  const response = await client.readResponse('POST');
  assertRefusal(response, reason);
  await assertLast(response, client);
  for (const { complete, socket } of stack.backend.requests) {
    assert.equal(complete, false);
    if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
  }
  assertNoSecrets(response, stack);
}

describe('contract, refusals: 500', () => {
  refuses('internal_error', 'a bug says nothing of itself to the client', async (context) => {
    const stack = await startPhase2(context);
    const client = await stack.obex.open();
    const lines = [await stack.authorization()];
    stack.clock.failNextReading();
    const response = await sendOn(client, { lines });
    assertRefusal(response, 'internal_error');
    assert.equal(stack.backend.received(), '');
    assert.ok(!(response.head + response.body.toString()).includes(CLOCK_FAULT));
    const event = await stack.obex.event('internal_error');
    assert.equal(event['error'], CLOCK_FAULT);
    assert.equal(event['request_id'], response.values('x-obex-request-id')[0]);
    assert.equal((await sendOn(client, { lines })).status, 200);
    assertNoSecrets(response, stack);
  });
});

describe('contract, refusals: outages of others fail closed', () => {
  refuses('backend_unavailable', 'nobody listens; the connection stays good', async (context) => {
    const stack = await startPhase1(context);
    await stack.backend.stop();
    const client = await stack.obex.open();
    const response = await sendOn(client, { method: 'POST', lines: [ANY_TOKEN], body: '{}' });
    assertRefusal(response, 'backend_unavailable');
    await assertLogged(response, 'backend_unavailable', stack);
    assertNoSecrets(response, stack);
    await stack.backend.start();
    assert.equal((await sendOn(client, { lines: [ANY_TOKEN] })).body.toString(), OK_BODY);
  });
  refuses('backend_unavailable', 'the connection ends before an answer', async (context) => {
    const stack = await startPhase1(context);
    stack.backend.answer = ({ socket }) => socket.destroy();
    const response = await stack.obex.send({ method: 'POST', lines: [ANY_TOKEN], body: '{}' });
    assertRefusal(response, 'backend_unavailable');
    assert.equal(stack.backend.requests.length, 1, 'a POST is never sent twice');
    assertNoSecrets(response, stack);
  });
  refuses('backend_protocol_error', 'an answer that is not HTTP', async (context) => {
    const stack = await startPhase1(context);
    stack.backend.answer = ({ socket }) => socket.write('220 smtp.example ESMTP\r\n\r\n');
    const client = await stack.obex.open();
    const response = await sendOn(client, { lines: [ANY_TOKEN] });
    assertRefusal(response, 'backend_protocol_error');
    await assertLogged(response, 'backend_protocol_error', stack);
    const { detail } = await stack.obex.event('request', ({ reason }) => reason === 'backend_protocol_error');
    assert.equal(detail, 'the answer is not valid HTTP/1.1: it is a greeting of a mail or FTP server');
    stack.backend.answer = ({ socket }) => reply(socket, '200 OK', [], OK_BODY);
    assert.equal((await sendOn(client, { lines: [ANY_TOKEN] })).body.toString(), OK_BODY);
    assertNoSecrets(response, stack);
  });
  refuses('backend_rejected_credentials', "a backend's 401 and its challenge never leave", async (context) => {
    const stack = await startPhase1(context);
    stack.backend.answer = ({ socket }) =>
      reply(socket, '401 Unauthorized', ['WWW-Authenticate: Basic realm="internal"'], 'who?');
    const client = await stack.obex.open();
    const response = await sendOn(client, { lines: [ANY_TOKEN] });
    assertRefusal(response, 'backend_rejected_credentials');
    await assertLogged(response, 'backend_rejected_credentials', stack);
    stack.backend.answer = ({ socket }) => reply(socket, '200 OK', [], OK_BODY);
    assert.equal((await sendOn(client, { lines: [ANY_TOKEN] })).body.toString(), OK_BODY);
    assertNoSecrets(response, stack);
  });
  refuses('backend_timeout', 'no head within backend.timeout', async (context) => {
    const stack = await startPhase1(context, { sections: { backend: 'timeout: "50ms"' } });
    stack.backend.answer = () => undefined;
    const client = await stack.obex.open();
    const response = await sendOn(client, { lines: [ANY_TOKEN] });
    assertRefusal(response, 'backend_timeout');
    await assertLogged(response, 'backend_timeout', stack);
    const { detail } = await stack.obex.event('request', ({ reason }) => reason === 'backend_timeout');
    assert.equal(detail, 'no response head within 50 ms (backend.timeout)');
    await stack.obex.reload(stack.config());
    stack.backend.answer = ({ socket }) => reply(socket, '200 OK', [], OK_BODY);
    assert.equal((await sendOn(client, { lines: [ANY_TOKEN] })).body.toString(), OK_BODY);
    assertNoSecrets(response, stack);
  });
  refuses('loop_detected', 'its own id comes back in Via, without a token or with one', async (context) => {
    const stack = await startPhase1(context);
    const client = await stack.obex.open();
    await sendOn(client, { lines: [ANY_TOKEN] });
    const [via = ''] = (await stack.backend.request(0)).values('via');
    const response = await sendOn(client, { lines: ['Via: 1.0 a', `VIA: 1.1 b, ${via} (c), 1.1 d`] });
    assertRefusal(response, 'loop_detected');
    await assertLogged(response, 'loop_detected', stack);
    assertNoSecrets(response, stack);
    assert.equal((await sendOn(client, { lines: [ANY_TOKEN, `Via: ${via}`] })).status, 508);
    assert.equal(stack.backend.requests.length, 1);
  });
  refuses('jwks_unavailable', 'the issuer is down at start', async (context) => {
    const stack = await startPhase2Cold(context, {}, (issuer) => issuer.stop());
    await stack.obex.event('jwks_fetch_failed');
    const client = await stack.obex.open();
    const lines = [await stack.authorization()];
    const response = await sendOn(client, { lines });
    assertRefusal(response, 'jwks_unavailable');
    assert.equal(stack.backend.received(), '');
    await assertLogged(response, 'jwks_unavailable', stack);
    assertNoSecrets(response, stack);
    await stack.issuer.start();
    assert.equal((await sendOn(client, { lines })).status, 200, 'it heals by itself');
  });
  refuses('jwks_unavailable', 'an unknown kid while the last fetch has failed', async (context) => {
    const stack = await startPhase2(context);
    stack.issuer.state = 'failing';
    const response = await stack.obex.send({
      lines: [await stack.authorization({ key: issuerKey('RS256', 'key-2') })],
    });
    assertRefusal(response, 'jwks_unavailable');
    assert.equal(stack.backend.received(), '');
    assertNoSecrets(response, stack);
  });
});

describe('contract, refusals: 503 of our own', () => {
  refuses('overloaded', 'more requests in flight than max_requests', async (context) => {
    const stack = await startPhase1(context, { sections: { backend: 'max_requests: 1' } });
    stack.backend.answer = () => undefined;
    const waiting = await stack.obex.open();
    await waiting.send(formatRequest({ lines: [ANY_TOKEN] }));
    const first = await stack.backend.request(0);
    const client = await stack.obex.open();
    const response = await sendOn(client, { lines: [ANY_TOKEN] });
    assertRefusal(response, 'overloaded');
    await assertLogged(response, 'overloaded', stack);
    assert.equal(stack.backend.requests.length, 1);
    reply(first.socket, '200 OK', [], OK_BODY);
    assert.equal((await waiting.readResponse()).body.toString(), OK_BODY);
    stack.backend.answer = ({ socket }) => reply(socket, '200 OK', [], OK_BODY);
    assert.equal((await sendOn(client, { lines: [ANY_TOKEN] })).body.toString(), OK_BODY);
    assertNoSecrets(response, stack);
  });
  refuses('overloaded', 'more connections than max_connections: only the health endpoints answer', async (context) => {
    const stack = await startPhase1(context, { sections: { limits: 'max_connections: 1' } });
    const first = await stack.obex.open();
    assert.equal((await sendOn(first, { lines: [ANY_TOKEN] })).status, 200);
    const second = await stack.obex.open();
    const response = await sendOn(second, { lines: [ANY_TOKEN] });
    assertRefusal(response, 'overloaded');
    await assertLast(response, second);
    assert.equal(stack.backend.requests.length, 1);
    for (const target of ['/health', '/ready']) assert.equal((await stack.obex.send({ target })).status, 200);
    for (const target of ['/metrics', '/.well-known/oauth-protected-resource']) {
      assertRefusal(await stack.obex.send({ target }), 'overloaded');
    }
    assert.equal((await sendOn(first, { lines: [ANY_TOKEN] })).status, 200);
    assertNoSecrets(response, stack);
  });
  refuses(
    'draining',
    'a request behind one that still runs',
    async (context) => {
      const stack = await startPhase1(context);
      stack.backend.answer = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
      const client = await stack.obex.open();
      await client.send(formatRequest({ lines: [ANY_TOKEN] }) + formatRequest({ lines: [ANY_TOKEN] }));
      const { socket } = await stack.backend.request(0);
      await client.readUntil('ab');
      const drained = stack.obex.obex.drain();
      socket.write('cd');
      assert.equal((await client.readResponse()).body.toString(), 'abcd');
      const response = await client.readResponse();
      assertRefusal(response, 'draining');
      assert.deepEqual(response.values('connection'), ['close']);
      assert.equal(stack.backend.requests.length, 1);
      await drained;
      assertNoSecrets(response, stack);
    },
    ORDER_OF_ANSWERS,
  );
});

describe('a refusal leaves the connection usable', () => {
  it('behind a body that nobody read', async (context) => {
    const stack = await startPhase2(context);
    const client = await stack.obex.open();
    for (let round = 0; round < 3; round += 1) {
      const response = await sendOn(client, { method: 'POST', body: '{"jsonrpc":"2.0","method":"tools/call"}' });
      assertRefusal(response, 'no_token');
      assert.deepEqual(response.values('connection'), []);
    }
    await client.send(
      `${formatRequest({ method: 'POST', lines: ['Transfer-Encoding: chunked'] })}3\r\nabc\r\n0\r\n\r\n`,
    );
    assertRefusal(await client.readResponse(), 'no_token');
    assert.equal(stack.backend.received(), '');
    assert.equal((await sendOn(client, { lines: [await stack.authorization()] })).body.toString(), OK_BODY);
  });

  it('to HEAD: the same head, no body', async (context) => {
    const stack = await startPhase2(context);
    const client = await stack.obex.open();
    const response = await sendOn(client, { method: 'HEAD' });
    assert.equal(response.status, 401);
    assert.deepEqual(response.values('content-length'), [
      String('{"error":"unauthorized","reason":"no_token"}'.length),
    ]);
    assert.equal(response.values('www-authenticate').length, 1);
    assert.equal((await sendOn(client, { lines: [await stack.authorization()] })).body.toString(), OK_BODY);
  });

  it('RFC 9110 §10.1.1: a refused Expect: 100-continue is never told to go on, and ends the connection', async (context) => {
    const stack = await startPhase2(context);
    const client = await stack.obex.open();
    await client.send(formatRequest({ method: 'POST', lines: ['Expect: 100-continue', 'Content-Length: 1000'] }));
    const response = await client.readResponse();
    assertRefusal(response, 'no_token');
    await assertLast(response, client);
    assert.equal(stack.backend.received(), '');
  });

  it('pipelined requests are judged one by one, in order', async (context) => {
    const stack = await startPhase2(context);
    const client = await stack.obex.open();
    const good = { lines: [await stack.authorization()] };
    await client.send([{}, good, { target: '/health' }, {}, good].map(formatRequest).join(''));
    const statuses: number[] = [];
    for (let index = 0; index < 5; index += 1) statuses.push((await client.readResponse()).status);
    assert.deepEqual(statuses, [401, 200, 200, 401, 200]);
    assert.equal(stack.backend.requests.length, 2);
  });
});

/** Lines of the section `obex` for a listener that speaks https. */
function formatTls(context: TestContext, more: Readonly<Record<string, string>> = {}): string {
  const folder = createTempFolder('https');
  context.after(() => folder.remove());
  const { cert, key } = createCertificate('https');
  const files = { cert_file: join(folder.path, 'crt'), key_file: join(folder.path, 'key') };
  writeFileSync(files.cert_file, cert);
  writeFileSync(files.key_file, key);
  return `tls: ${JSON.stringify({ enabled: true, ...files, ...more })}`;
}

describe('plain HTTP on a port that speaks https', () => {
  refuses('https_required', 'says so, whatever was asked for, and echoes nothing of it', async (context) => {
    const stack = await startPhase1(context, { sections: { obex: formatTls(context) } });
    const client = await openRaw(stack.obex.port);
    const response = await sendOn(client, { lines: [ANY_TOKEN] });
    assertRefusal(response, 'https_required');
    assert.deepEqual(response.values('connection'), ['close']);
    client.socket.end();
    assert.equal(await client.closed, 'fin');
    assert.equal(stack.backend.received(), '');
    const event = await stack.obex.event('request_refused');
    assert.deepEqual(
      [event['reason'], [event['request_id']]],
      ['https_required', response.values('x-obex-request-id')],
    );
    assert.equal(stack.obex.metric('obex_denials_total{reason="https_required"}'), 1);
    assertNoSecrets(response, stack);
  });
});

describe('a listener that requires certificates of clients', () => {
  refuses('client_certificate_required', 'in phase 1 too, where nobody looks at the token', async (context) => {
    const stack = await startPhase1(context, {
      sections: { obex: formatTls(context, { client_auth: 'require' }) },
    });
    const request = { host: 'tool.example.com', lines: [ANY_TOKEN] };
    const client = await openAs(stack.obex.port, undefined);
    const response = await sendOn(client, request);
    client.destroy();
    assertRefusal(response, 'client_certificate_required');
    await assertLogged(response, 'client_certificate_required', stack);
    assert.equal(stack.backend.received(), '');
    assertNoSecrets(response, stack);
    const known = await openAs(stack.obex.port, createIdentity('client'));
    assert.equal((await sendOn(known, request)).status, 200);
    known.destroy();
  });
});

describe('contract, refusals: the table is complete', () => {
  it('every reason but those of phase 3, which dpop.test.ts has, is tested above', () => {
    const elsewhere = [...PHASE_3_REASONS, ...INTROSPECTION_REASONS, ...LOGIN_REASONS];
    const wanted = DENIAL_REASONS.filter((reason) => !elsewhere.includes(reason));
    assert.deepEqual([...covered].toSorted(), wanted.toSorted());
  });
});
