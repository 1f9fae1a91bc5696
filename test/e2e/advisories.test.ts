/** One test for each published failure of a proxy or library of this kind: it names what it would bring back. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { compactJws } from '../support/jws.ts';
import { bearer, bodyOf, formatConfig, formatRequest, type RequestText, sendOn } from '../support/obex.ts';
import { type Phase2Stack, startPhase2 } from '../support/stack.ts';
import { issuerKey, startTestIssuer } from '../support/test-issuer.ts';
import { asSent, CONNECTION_FIELDS, LONG_FIELD } from '../support/transport.ts';

/** Without a token none of these may get past Obex, whatever they say. */
async function assertRefused(context: TestContext, ...requests: readonly RequestText[]): Promise<void> {
  const { obex, backend } = await startPhase2(context);
  for (const request of requests) {
    const response = await obex.send(request);
    assert.equal(response.status, 401, JSON.stringify(request));
    assert.deepEqual(bodyOf(response), { error: 'unauthorized', reason: 'no_token' });
  }
  assert.equal(backend.received(), '');
}

async function reasonFor({ obex, backend }: Phase2Stack, token: string): Promise<unknown> {
  const response = await obex.send({ lines: [bearer(token)] });
  assert.equal(response.status, 401);
  assert.equal(backend.received(), '');
  return bodyOf(response)['reason'];
}

describe('identity headers', () => {
  it('CVE-2025-64484 (oauth2-proxy): X_Obex_User is X-Obex-User to servers that fold `_` and `-`', async (context) => {
    const stack = await startPhase2(context);
    const smuggled = [
      'X_Obex_User: root',
      'X-Obex_User: root',
      'x_obex-user: root',
      'X.Obex.User: root',
      'X_Obex_Scopes: admin',
      'X_Forwarded_For: 6.6.6.6',
    ];
    assert.equal((await stack.obex.send({ lines: [await stack.authorization(), ...smuggled] })).status, 200);
    const request = await stack.backend.request(0);
    assert.deepEqual(request.values('x-obex-user'), ['alice']);
    assert.doesNotMatch(request.raw, /root|admin|6\.6\.6\.6/);
  });

  it('CVE-2025-48865 (Fabio): Connection cannot take identity headers away', CONNECTION_FIELDS, async (context) => {
    const stack = await startPhase2(context);
    const lines = [
      await stack.authorization(),
      'Connection: close, X-Obex-User, X-Obex-Scopes, X-Obex-Issuer, X-Obex-Client, X-Obex-Request-ID, X-Forwarded-For',
    ];
    await stack.obex.send({ lines });
    const request = await stack.backend.request(0);
    for (const name of [
      'x-obex-user',
      'x-obex-scopes',
      'x-obex-issuer',
      'x-obex-client',
      'x-obex-request-id',
      'x-forwarded-for',
    ]) {
      assert.equal(request.values(name).length, 1, name);
    }
  });

  it('CVE-2026-21710 (Node.js): __proto__ as a field name is a field name', async (context) => {
    const stack = await startPhase2(context);
    const client = await stack.obex.open();
    const odd = ['__proto__: x', 'constructor: y', 'hasOwnProperty: z', 'toString: t', '__proto__: w'];
    assert.equal((await sendOn(client, { lines: [...odd, await stack.authorization()] })).status, 200);
    const request = await stack.backend.request(0);
    const wanted = odd.map(asSent);
    assert.deepEqual(
      request.lines.filter((line) => wanted.includes(line)),
      wanted,
    );
    await client.send(
      `${formatRequest({ method: 'POST', lines: [await stack.authorization(), 'Transfer-Encoding: chunked', 'Trailer: __proto__'] })}0\r\n__proto__: x\r\n\r\n`,
    );
    assert.equal((await client.readResponse()).status, 200);
  });
});

describe('ways around authentication', () => {
  it('CVE-2026-40575 (oauth2-proxy): X-Forwarded-Uri and its kind do not choose the route', async (context) => {
    const names = [
      'X-Forwarded-Uri',
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-Original-Uri',
      'X-Forwarded-Path',
      'X-Forwarded-Prefix',
      'X-Envoy-Original-Path',
    ];
    await assertRefused(context, ...names.map((name) => ({ lines: [`${name}: /health`] })));
  });

  it('GHSA-5hvv-m4w4-gf6v (oauth2-proxy): a health probe’s User-Agent opens nothing', async (context) => {
    const agents = ['kube-probe/1.30', 'GoogleHC/1.0', 'ELB-HealthChecker/2.0', 'Prometheus/2.53', 'AlwaysOn'];
    await assertRefused(context, ...agents.map((agent) => ({ lines: [`User-Agent: ${agent}`] })));
  });

  it('GHSA-7rh7-c77v-6434 (oauth2-proxy): a query cannot make another path match', async (context) => {
    const targets = [
      '/mcp?/health',
      '/mcp?x=/health',
      '/mcp?/.well-known/oauth-protected-resource',
      '/?/ready',
      '/mcp?%0a/health',
      '/mcp??/metrics',
    ];
    await assertRefused(context, ...targets.map((target) => ({ target })));
  });

  it('GHSA-pxq7-h93f-9jrg (oauth2-proxy): a fragment in the target is malformed, its encoded form part of the path', async (context) => {
    const { obex, backend } = await startPhase2(context);
    for (const target of ['/mcp#/health', '/health#', '/#/../health']) {
      const response = await obex.send({ target });
      assert.equal(response.status, 400);
      assert.deepEqual(bodyOf(response), { error: 'bad_request', reason: 'malformed_request' });
    }
    assert.equal((await obex.send({ target: '/mcp%23/health' })).status, 401);
    assert.equal(backend.received(), '');
  });

  it('GHSA-p224-6x5r-fjpm (Oathkeeper): /health/../mcp is not /health', async (context) => {
    const targets = [
      '/health/../mcp',
      '/health/..;/mcp',
      '/./health',
      '/health/.',
      '/health/%2e%2e/mcp',
      '/x/../health',
      '/.well-known/oauth-protected-resource/../../mcp',
    ];
    const { obex, backend } = await startPhase2(context);
    for (const target of targets) {
      const response = await obex.send({ target });
      assert.ok([401, 404].includes(response.status), target);
      assert.equal(response.values('cache-control')[0], 'no-store');
    }
    assert.equal(backend.received(), '');
  });

  it('GHSA-6jwx-7vp4-9847 (Oathkeeper): the raw path decides, and is what the backend gets', async (context) => {
    const encoded = [
      '/%68ealth',
      '/health%2f',
      '/%2Fhealth',
      '/health%00',
      '/%2e/health',
      '/HEALTH',
      '//health',
      '/health/',
    ];
    await assertRefused(context, ...encoded.map((target) => ({ target })));
    const stack = await startPhase2(context);
    for (const target of encoded) await stack.obex.send({ target, lines: [await stack.authorization()] });
    assert.deepEqual(
      stack.backend.requests.map(({ requestLine }) => requestLine),
      encoded.map((target) => `GET ${target} HTTP/1.1`),
    );
  });
});

describe('caches of verified tokens', () => {
  it('GHSA-4mq7-pvjg-xp2r (Oathkeeper): a token cached for one issuer’s terms is nothing to another configuration', async (context) => {
    const stack = await startPhase2(context);
    const lines = [await stack.authorization()];
    assert.equal((await stack.obex.send({ lines })).status, 200);
    const other = await startTestIssuer(context, stack.clock, issuerKey('RS256', 'other'));
    await stack.obex.reload(formatConfig({ backend: stack.backend, issuer: other }));
    const response = await stack.obex.send({ lines });
    assert.equal(bodyOf(response)['reason'], 'invalid_issuer');
  });

  it('CVE-2021-32701 (Oathkeeper): required scopes are checked on a cache hit as on a miss', async (context) => {
    const stack = await startPhase2(context, { sections: { authz: 'required_scopes: ["mcp:admin"]' } });
    const lines = [await stack.authorization()];
    const client = await stack.obex.open();
    for (let round = 0; round < 3; round += 1) {
      const response = await sendOn(client, { lines });
      assert.equal(response.status, 403);
      assert.equal(bodyOf(response)['reason'], 'insufficient_scope');
    }
    assert.equal(stack.obex.metric('obex_token_cache_lookups_total{result="hit"}'), 2);
    assert.equal(stack.backend.received(), '');
  });
});

describe('tokens', () => {
  it('CVE-2026-22817, CVE-2026-22818 (Hono): the token does not choose its algorithm', async (context) => {
    const stack = await startPhase2(context);
    const [header, payload] = (await stack.issuer.token()).split('.');
    const claims: unknown = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString());
    assert.ok(header && typeof claims === 'object' && claims !== null);
    const { createHmac } = await import('node:crypto');
    for (const alg of ['HS256', 'none', 'None', 'rs256', 'RSA', 'ES256K', '']) {
      const unsigned = compactJws({ alg, kid: 'key-1', typ: 'at+jwt' }, { ...claims });
      const input = unsigned.slice(0, unsigned.lastIndexOf('.'));
      const mac = createHmac('sha256', JSON.stringify(stack.issuer.key.jwk)).update(input).digest('base64url');
      assert.equal(await reasonFor(stack, `${input}.${mac}`), 'unsupported_algorithm', alg);
      assert.equal(await reasonFor(stack, `${input}.`), 'unsupported_algorithm', alg);
    }
    const es256 = issuerKey('ES256', 'attacker', 'key-1');
    assert.equal(
      await reasonFor(stack, await stack.issuer.token({ key: es256 })),
      'unknown_key',
      'an RSA key’s kid with an EC algorithm',
    );
  });

  it('a key that the token brings along is not looked at (RFC 8725 §3.10)', async (context) => {
    const stack = await startPhase2(context);
    const attacker = issuerKey('RS256', 'attacker', 'key-1');
    const elsewhere = await startTestIssuer(context, stack.clock, attacker);
    for (const header of [{ jwk: attacker.jwk }, { jku: elsewhere.jwksUri }, { x5u: elsewhere.jwksUri }]) {
      assert.equal(await reasonFor(stack, await stack.issuer.token({ key: attacker, header })), 'invalid_signature');
    }
    assert.equal(elsewhere.fetches(), 0);
  });

  it('CVE-2026-32597 (PyJWT): crit is a condition, so an unknown one refuses the token', async (context) => {
    const stack = await startPhase2(context);
    const good = await stack.issuer.token();
    const [, payload = ''] = good.split('.');
    for (const crit of [['exp'], ['b64'], [], 'exp', null]) {
      const token = compactJws({ alg: 'RS256', kid: 'key-1', crit, exp: 1 }, Buffer.from(payload, 'base64url'));
      assert.equal(await reasonFor(stack, token), 'invalid_token');
    }
  });

  it(
    'CVE-2025-61920 (Authlib): an oversized JOSE object is refused before it is parsed',
    LONG_FIELD,
    async (context) => {
      const stack = await startPhase2(context, { sections: { limits: 'max_header_bytes: "1MiB"' } });
      const long = 'x'.repeat(100_000);
      assert.equal(await reasonFor(stack, await stack.issuer.token({ header: { x: long } })), 'invalid_token');
      assert.equal(await reasonFor(stack, await stack.issuer.token({ claims: { x: long } })), 'invalid_token');
      assert.equal(await reasonFor(stack, '.'.repeat(100_000)), 'invalid_token');
      assert.equal(stack.issuer.fetches(), 1);
    },
  );

  it('CVE-2022-21449 (Java): an ECDSA signature of zeros verifies nothing', async (context) => {
    const stack = await startPhase2(context, { issuerKey: issuerKey('ES256', 'key-1') });
    const [header, payload] = (await stack.issuer.token()).split('.');
    const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
    const zero = Buffer.alloc(32);
    const one = Buffer.concat([Buffer.alloc(31), Buffer.from([1])]);
    for (const [r, s] of [
      [zero, zero],
      [zero, one],
      [one, zero],
      [order, order],
      [order, zero],
    ] as const) {
      const signature = Buffer.concat([r, s]).toString('base64url');
      assert.equal(await reasonFor(stack, `${header}.${payload}.${signature}`), 'invalid_signature');
    }
    assert.equal(await reasonFor(stack, `${header}.${payload}.`), 'invalid_signature');
    const der = Buffer.from('3006020100020100', 'hex').toString('base64url');
    assert.equal(await reasonFor(stack, `${header}.${payload}.${der}`), 'invalid_signature');
  });
});

describe('configuration', () => {
  it('CVE-2026-33532 (yaml): a deeply nested file is a problem to report, not a stack overflow', () => {
    const readFile = (): string => '';
    for (const text of [
      `a: ${'['.repeat(50_000)}`,
      `a: ${'{a: '.repeat(50_000)}`,
      `${'- '.repeat(50_000)}a`,
      `a: ${'['.repeat(10_000)}${']'.repeat(10_000)}`,
    ]) {
      const loaded = loadConfig({ file: 'obex.yaml', text, env: {}, readFile });
      assert.ok('problems' in loaded);
      assert.ok(loaded.problems.length > 0);
    }
  });
});
