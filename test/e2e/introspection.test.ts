/** Opaque tokens through a running Obex, phases 2 and 3: their issuer is asked, and its word is judged. RFC 7662, RFC 6750 §2.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VERSION } from '../../src/lib/version.ts';
import { createProver } from '../support/dpop.ts';
import { type IntrospectionServer, startIntrospectionServer } from '../support/introspection-server.ts';
import { bearer, bodyOf, type Cleanup, formatRequest, RESOURCE, sendOn } from '../support/obex.ts';
import { startPhase3 } from '../support/phase-3.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { assertRefusal } from '../support/refusal.ts';
import { type Phase2Stack, type StackOptions, startPhase2 } from '../support/stack.ts';
import { issuerKey } from '../support/test-issuer.ts';
import { TRANSPORT } from '../support/transport.ts';
import { until } from '../support/until.ts';

const TOKEN = 'ory_at_abc.def';
const SECRET = 'p:ä %';

interface Asking {
  readonly server: IntrospectionServer;
  readonly section: string;
}

async function startAsking(context: Cleanup, more = ''): Promise<Asking> {
  const server = await startIntrospectionServer(context);
  return { server, section: formatSection(server.url, more) };
}

function formatSection(endpoint: string, more = ''): string {
  return `introspection:\n  endpoint: "${endpoint}"\n  client_id: "obex a"\n  client_secret: "${SECRET}"\n${more}`;
}

/** What an issuer says of a good token. */
function active(stack: Phase2Stack, members: Readonly<Record<string, unknown>> = {}) {
  const exp = stack.clock.nowSeconds + 300;
  const said = { active: true, token_type: 'Bearer', aud: RESOURCE, sub: 'alice', client_id: 'client-1' };
  return { ...said, scope: 'mcp:read', exp, ...members };
}

async function startIntrospecting(context: Cleanup, more = '', options: StackOptions = {}) {
  const { server, section } = await startAsking(context, more);
  const stack = await startPhase2(context, { ...options, sections: { ...options.sections, idp: section } });
  server.tokens.set(TOKEN, active(stack));
  // Each worker has tokens of its own: one connection, one worker.
  const client = await stack.obex.open();
  const send = (token = TOKEN): Promise<RawResponse> => sendOn(client, { lines: [bearer(token)] });
  return { server, stack, send };
}

function assertReason(response: RawResponse, reason: string): void {
  assert.equal(bodyOf(response)['reason'], reason);
}

describe('RFC 7662 §2.1: the question', () => {
  it('is a form with the token and its hint, under the credentials of the client (RFC 6749 §2.3.1)', async (context) => {
    const { server, send } = await startIntrospecting(context);
    assert.equal((await send()).status, 200);
    const question = server.questions.find(({ form }) => form['token'] === TOKEN);
    assert.deepEqual(question, {
      method: 'POST',
      authorization: `Basic ${Buffer.from('obex+a:p%3A%C3%A4+%25').toString('base64')}`,
      userAgent: `obex/${VERSION}`,
      form: { token: TOKEN, token_type_hint: 'access_token' },
    });
  });

  it('is not asked about a JWT, nor about what no issuer can have issued (RFC 6750 §2.1)', async (context) => {
    const { server, stack, send } = await startIntrospecting(context);
    assert.equal((await send(await stack.issuer.token())).status, 200);
    const before = server.questions.length;
    for (const token of ['a b', 'a"b', 'a=b', 'ä', 'x'.repeat(8193), '=', 'a.b.c']) {
      assertReason(await send(token), 'invalid_token');
    }
    assert.equal(server.questions.length, before);
    assert.equal(stack.backend.requests.length, 1);
  });
});

describe('RFC 7662 §2.2: the answer', () => {
  it('names the one who is let in, as a JWT would', async (context) => {
    const { stack, send } = await startIntrospecting(context);
    assert.equal((await send()).status, 200);
    const [request] = stack.backend.requests;
    assert.deepEqual(
      ['x-obex-user', 'x-obex-client', 'x-obex-issuer', 'x-obex-scopes'].map((name) => request?.values(name)),
      [['alice'], ['client-1'], [stack.issuer.url], ['mcp:read']],
    );
    assert.doesNotMatch(stack.obex.output(), /ory_at_abc/);
  });

  it('is what backend.claim_headers and scope_claims read', async (context) => {
    const { server, stack, send } = await startIntrospecting(context, 'scope_claims: [/ext/roles]\n', {
      sections: {
        backend: 'claim_headers: { X-Email: email }',
        authz: 'required_scopes: ["mcp:read"]',
      },
    });
    const ext = { roles: ['mcp:read', 'other'] };
    server.tokens.set(TOKEN, active(stack, { scope: undefined, ext, email: 'alice@example.com' }));
    assert.equal((await send()).status, 200);
    const [request] = stack.backend.requests;
    assert.deepEqual(
      ['x-email', 'x-obex-scopes'].map((name) => request?.values(name)),
      [['alice@example.com'], ['mcp:read']],
    );
  });

  it('counts for cache_ttl, and then the issuer is asked again', async (context) => {
    const { server, stack, send } = await startIntrospecting(context);
    for (let time = 0; time < 3; time += 1) assert.equal((await send()).status, 200);
    assert.equal(server.asked(TOKEN), 1);
    server.tokens.delete(TOKEN);
    stack.clock.advance(29_999);
    assert.equal((await send()).status, 200);
    stack.clock.advance(1);
    assertRefusal(await send(), 'token_inactive');
    assert.equal(server.asked(TOKEN), 2);
  });

  it('counts for no longer when the wall clock is set back', async (context) => {
    const { server, stack, send } = await startIntrospecting(context);
    assert.equal((await send()).status, 200);
    server.tokens.delete(TOKEN);
    stack.clock.jump(-3_600_000);
    stack.clock.advance(30_000);
    assertReason(await send(), 'token_inactive');
  });

  it('counts until exp when that is earlier', async (context) => {
    const { server, stack, send } = await startIntrospecting(context);
    server.tokens.set(TOKEN, active(stack, { exp: stack.clock.nowSeconds + 5 }));
    assert.equal((await send()).status, 200);
    stack.clock.advance(5_000);
    server.tokens.delete(TOKEN);
    assertReason(await send(), 'token_inactive');
  });

  it('counts for 5 s when it is a refusal', async (context) => {
    const { server, stack, send } = await startIntrospecting(context);
    server.tokens.set(TOKEN, active(stack, { aud: 'https://other.example' }));
    for (let time = 0; time < 3; time += 1) assertRefusal(await send(), 'audience_mismatch');
    assert.equal(server.asked(TOKEN), 1);
    server.tokens.set(TOKEN, active(stack));
    stack.clock.advance(5_000);
    assert.equal((await send()).status, 200);
    assert.equal(stack.backend.requests.length, 1);
  });

  const refused: readonly (readonly [how: string, members: Readonly<Record<string, unknown>>, reason: string])[] = [
    ['no aud', { aud: undefined }, 'audience_mismatch'],
    ['another issuer', { iss: 'https://other.example' }, 'invalid_issuer'],
    ['another kind of token', { token_type: 'N_A' }, 'invalid_token'],
    ['a refresh token (oidc-provider, authentik), which has no token_type', { token_type: undefined }, 'invalid_token'],
    ['a refresh token (Keycloak)', { typ: 'Offline' }, 'invalid_token'],
    ['a refresh token (Hydra)', { token_use: 'refresh_token' }, 'invalid_token'],
    ['a token that has ended', { exp: 1 }, 'token_expired'],
    ['a token that has not begun', { nbf: 4e9 }, 'token_not_yet_valid'],
    ['a binding that nobody checks in phase 2', { cnf: { jkt: createProver().jkt } }, 'token_not_bound'],
    ['a DPoP token without its key', { token_type: 'DPoP' }, 'token_not_bound'],
    ['an unknown binding', { cnf: {} }, 'token_not_bound'],
    ['not active, with all that an active one has', { active: false }, 'token_inactive'],
  ];
  for (const [how, members, reason] of refused) {
    it(`is refused for ${how}`, async (context) => {
      const { server, stack, send } = await startIntrospecting(context);
      server.tokens.set(TOKEN, active(stack, members));
      assertReason(await send(), reason);
      assert.equal(stack.backend.received(), '');
    });
  }

  it('without aud is named for what it lacks', async (context) => {
    const { server, stack, send } = await startIntrospecting(context);
    server.tokens.set(TOKEN, active(stack, { aud: undefined }));
    assertRefusal(await send(), 'audience_mismatch');
    const { expected, actual, detail } = await stack.obex.event('request');
    assert.deepEqual([expected, actual, detail], [RESOURCE, '', 'the introspection response has no aud']);
  });

  it('may lack iss, exp and sub', async (context) => {
    const { server, stack, send } = await startIntrospecting(context);
    server.tokens.set(TOKEN, { active: true, token_type: 'Bearer', aud: RESOURCE });
    assert.equal((await send()).status, 200);
    server.tokens.delete(TOKEN);
    stack.clock.advance(30_000);
    assertReason(await send(), 'token_inactive');
  });

  it('gives no more than its scopes', async (context) => {
    const { stack, send } = await startIntrospecting(context, '', {
      sections: { authz: 'required_scopes: ["mcp:write"]' },
    });
    assertRefusal(await send(), 'insufficient_scope', { scope: 'mcp:write' });
    assert.equal(stack.backend.received(), '');
  });
});

describe('tokens: all, and a key that is withdrawn while the issuer is asked', () => {
  it('the token is not let in, and not kept as one that was', async (context) => {
    const { server, section } = await startAsking(context, '  tokens: all\n');
    const stack = await startPhase2(context, { sections: { idp: section } });
    const old = await stack.issuer.token();
    const fresh = issuerKey('RS256', 'key-2');
    const next = await stack.issuer.token({ key: fresh });
    for (const token of [old, next]) server.tokens.set(token, active(stack));
    server.heldToken = old;
    const client = await stack.obex.open();
    await client.send(formatRequest({ lines: [bearer(old)] }));
    await until('the question', () => server.asked(old) === 1 || undefined);
    stack.issuer.publish(fresh);
    assert.equal((await stack.obex.send({ lines: [bearer(next)] })).status, 200);
    server.release(active(stack));
    assertReason(await client.readResponse(), 'unknown_key');
    assertReason(await sendOn(client, { lines: [bearer(old)] }), 'unknown_key');
    assert.equal(stack.backend.requests.length, 1);
  });
});

describe('a flood of unknown tokens', () => {
  it('is charged to the address before the issuer is asked', async (context) => {
    const limits = 'rate_limit: { requests_per_second: 1, burst: 3 }';
    const { server, stack, send } = await startIntrospecting(context, '', { sections: { limits } });
    for (const token of ['t1', 't2', 't3']) assertReason(await send(token), 'token_inactive');
    assertReason(await send('t4'), 'rate_limited');
    assert.equal(server.asked('t4'), 0);
    stack.clock.advance(1_000);
    for (let time = 0; time < 3; time += 1) assert.equal((await send()).status, 200);
  });
});

describe('tokens: all', () => {
  it('asks about a JWT after it has been verified, and the local refusal wins without a question', async (context) => {
    const { server, stack, send } = await startIntrospecting(context, '  tokens: all\n');
    const token = await stack.issuer.token();
    const bad = await stack.issuer.token({ claims: { aud: 'https://other.example' } });
    assertReason(await send(token), 'token_inactive');
    server.tokens.set(token, { active: true });
    server.tokens.set(bad, { active: true });
    stack.clock.advance(5_000);
    assert.equal((await send(token)).status, 200);
    assertReason(await send(bad), 'audience_mismatch');
    assert.equal(server.asked(bad), 0);
    assert.deepEqual(stack.backend.requests[0]?.values('x-obex-user'), ['alice']);
  });

  it('asks about a JWT under an alias of the issuer too', async (context) => {
    const alias = 'https://tenant.example';
    const { server, stack, send } = await startIntrospecting(context, `  tokens: all\nissuer_aliases: ["${alias}"]\n`);
    const token = await stack.issuer.token({ claims: { iss: alias } });
    assertReason(await send(token), 'token_inactive');
    server.tokens.set(token, { active: true });
    stack.clock.advance(5_000);
    assert.equal((await send(token)).status, 200);
    assert.equal(server.asked(token), 2);
  });

  it('takes away and never adds', async (context) => {
    const { server, stack, send } = await startIntrospecting(context, '  tokens: all\n');
    const token = await stack.issuer.token({ claims: { scope: 'a b' } });
    server.tokens.set(token, { active: true, scope: 'b c', sub: 'mallory' });
    assert.equal((await send(token)).status, 200);
    const [request] = stack.backend.requests;
    assert.deepEqual([request?.values('x-obex-user'), request?.values('x-obex-scopes')], [['alice'], ['b']]);
  });
});

describe('an endpoint that fails', () => {
  const states: Readonly<Record<string, readonly [status: number, type: string, body: string, problem: RegExp]>> = {
    HTML: [200, 'text/html', '<html>', /expected Content-Type application\/json, got text\/html/],
    'a signed answer (RFC 9701)': [200, 'application/token-introspection+jwt', 'a.b.c', /got application\/token-intro/],
    '401': [
      401,
      'application/json',
      '{"error":"invalid_client"}',
      /got 401: it refuses the client credentials; check idp\.introspection\.client_id and idp\.introspection\.client_secret/,
    ],
    '403': [403, 'text/plain', '', /got 403: it refuses the client credentials/],
    '500': [500, 'text/plain', '', /expected status 200, got 500/],
    'active that is a text': [200, 'application/json', '{"active":"true"}', /expected a JSON object with active/],
    'active twice': [200, 'application/json', '{"active":false,"active":true}', /expected a JSON object with active/],
    'too much': [200, 'application/json', `{"active":true,"x":"${'x'.repeat(65_536)}"}`, /larger than 65536 bytes/],
    'a redirect': [302, 'text/plain', '', /expected status 200, got 302/],
  };
  for (const [how, [status, type, body, problem]] of Object.entries(states)) {
    it(`${how}: 503, nothing passes, and it heals by itself`, async (context) => {
      const { server, stack, send } = await startIntrospecting(context);
      assertReason(await send('other'), 'token_inactive');
      server.answer = (response) => response.writeHead(status, { 'Content-Type': type }).end(body);
      assertRefusal(await send(), 'introspection_unavailable');
      const failed = await stack.obex.event('introspection_failed');
      assert.match(String(failed['error']), problem);
      const asked = server.asked(TOKEN);
      assertReason(await send(), 'introspection_unavailable');
      assertReason(await send('another'), 'introspection_unavailable');
      assert.deepEqual([server.asked(TOKEN), server.asked('another')], [asked, 0], 'spared while it fails');
      assert.equal(stack.backend.received(), '');
      server.release();
      await stack.obex.event('introspection_recovered');
      stack.clock.advance(1_000);
      assert.equal((await send()).status, 200);
    });
  }

  it('is not believed to fail because it fails on one token', async (context) => {
    const { server, stack, send } = await startIntrospecting(context);
    assert.equal((await send()).status, 200);
    const probes = (): number =>
      server.questions.length - server.asked('poison') - server.asked(TOKEN) - server.asked('next');
    const before = probes();
    server.answer = (response) => {
      const last = server.questions.at(-1)?.form['token'];
      if (last === 'poison') response.writeHead(500).end();
      else response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"active":false}');
    };
    assertReason(await send('poison'), 'introspection_unavailable');
    await until('a probe', () => probes() > before || undefined);
    assertReason(await send('poison'), 'introspection_unavailable');
    assert.equal(server.asked('poison'), 1, 'for a second');
    assertReason(await send('next'), 'token_inactive');
    assert.deepEqual(stack.obex.events('introspection_failed'), []);
  });

  it('RFC 6585 §4, RFC 9110 §10.2.3: is left alone for as long as it says', async (context) => {
    const { server, stack, send } = await startIntrospecting(context);
    assertReason(await send('other'), 'token_inactive');
    server.answer = (response) => response.writeHead(429, { 'Retry-After': '3600' }).end();
    assertRefusal(await send(), 'introspection_unavailable');
    server.release();
    for (const token of [TOKEN, 'next']) assertReason(await send(token), 'introspection_unavailable');
    assert.deepEqual([server.asked(TOKEN), server.asked('next')], [1, 0]);
    assert.equal((await stack.obex.event('introspection_failed'))['retry_in_ms'], 3_600_000);
  });

  it('shows on /ready and in the metrics', async (context) => {
    const { server, stack, send } = await startIntrospecting(context);
    assert.equal((await send()).status, 200);
    const ready = async () => bodyOf(await stack.obex.send({ target: '/ready' }))['checks'];
    await until('ready', async () => {
      const checks = await ready();
      return JSON.stringify(checks) === '{"backend":"ok","jwks":"ok","introspection":"ok"}' || undefined;
    });
    const sample = (result: string): string =>
      `obex_introspection_requests_total{issuer="${stack.issuer.url}",result="${result}"}`;
    assert.equal(await stack.obex.scrape(sample('active')), 1);
    assert.equal(await stack.obex.scrape(sample('failure')), 0);
    assert.equal(await stack.obex.scrape('obex_introspection_requests_in_flight'), 0);
    if (TRANSPORT === 'workers') return;
    server.answer = (response) => response.writeHead(500).end();
    assertReason(await send('other'), 'introspection_unavailable');
    await stack.obex.event('introspection_failed');
    stack.clock.advance(1_000);
    const questions = server.questions.length;
    assert.deepEqual(await ready(), { backend: 'ok', jwks: 'ok', introspection: 'error' });
    assert.ok(server.questions.length - questions <= 1, 'a probe asks nothing');
    assert.ok(((await stack.obex.scrape(sample('failure'))) ?? 0) >= 2);
  });
});

describe('the endpoint', () => {
  it('is discovered from the metadata of the issuer', async (context) => {
    const server = await startIntrospectionServer(context);
    const section = formatSection('');
    const stack = await startPhase2(context);
    stack.issuer.documents['/.well-known/oauth-authorization-server'] = {
      issuer: stack.issuer.url,
      introspection_endpoint: server.url,
    };
    server.tokens.set(TOKEN, active(stack));
    await stack.obex.reload(stack.config({ idp: section }));
    assert.equal((await stack.obex.send({ lines: [bearer(TOKEN)] })).status, 200);
  });
});

describe('a reload', () => {
  it('brings another endpoint or secret, and forgets what the old one said', async (context) => {
    const { server, stack } = await startIntrospecting(context);
    const send = () => stack.obex.send({ lines: [bearer(TOKEN)] });
    assert.equal((await send()).status, 200);
    const next = await startIntrospectionServer(context);
    await stack.obex.reload(stack.config({ idp: formatSection(next.url).replace(SECRET, 'rotated') }));
    assertReason(await send(), 'token_inactive');
    assert.match(Buffer.from(next.questions.at(-1)?.authorization?.slice(6) ?? '', 'base64').toString(), /:rotated$/);
    const asked = server.questions.length;
    await stack.obex.reload(stack.config());
    assertReason(await send(), 'invalid_token');
    assert.equal(server.questions.length, asked);
    assert.equal(await stack.obex.scrape('obex_introspection_requests_in_flight'), undefined);
  });

  it('keeps an endpoint that stays', async (context) => {
    const { server, section } = await startAsking(context);
    const stack = await startPhase2(context, { sections: { idp: section } });
    await until('the first question', () => server.questions.length > 0 || undefined);
    const before = server.questions.length;
    await stack.obex.reload(stack.config({ idp: section, authz: 'required_scopes: ["mcp:read"]' }));
    server.tokens.set(TOKEN, active(stack));
    assert.equal((await stack.obex.send({ lines: [bearer(TOKEN)] })).status, 200);
    assert.ok(server.questions.length <= before + 2, 'another worker may not have asked yet');
  });
});

describe('an event stream that an opaque token has begun', () => {
  it('rests on no key, and ends when its issuer is not asked any more', async (context) => {
    const { server, stack } = await startIntrospecting(context);
    stack.backend.answer = ({ socket }) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n',
      );
    const client = await stack.obex.open();
    await client.send(formatRequest({ lines: [bearer(TOKEN)] }));
    await client.readUntil('data: 1');
    await stack.obex.reload(stack.config({ idp: `${formatSection(server.url)}jwks_refresh: 1s\n` }));
    assert.deepEqual(stack.obex.events('event_streams_ended'), []);
    await stack.obex.reload(stack.config());
    const { reason, streams } = await stack.obex.event('event_streams_ended');
    assert.deepEqual([reason, streams], ['withdrawn', 1]);
    const response = await client.readResponse();
    assert.deepEqual([response.complete, response.body.toString()], [true, 'data: 1\n\n']);
  });
});

describe('RFC 9449 §6.2, §7: an opaque token that is bound to a key', () => {
  it('passes with a proof for it, and with nothing else', async (context) => {
    const { server, section } = await startAsking(context);
    const stack = await startPhase3(context, { sections: { idp: section } });
    server.tokens.set(TOKEN, active(stack, { token_type: 'DPoP', cnf: { jkt: stack.client.jkt } }));
    assert.equal((await stack.obex.send(await stack.request({ token: TOKEN }))).status, 200);
    const other = createProver();
    const stolen = await stack.request({ token: TOKEN, proofs: [stack.prove(TOKEN, {}, other)] });
    assertReason(await stack.obex.send(stolen), 'invalid_dpop');
    const foreign = await stack.request({ token: TOKEN, proofs: [stack.prove('another.token')] });
    assertReason(await stack.obex.send(foreign), 'invalid_dpop');
    assertReason(await stack.obex.send({ lines: [bearer(TOKEN)] }), 'missing_dpop');
    assert.equal(stack.backend.requests.length, 1);
  });
});
