/** Phase 3 over real sockets: every reason that it can give, both schemes, nonce, replay, and what the backend is told. RFC 9449 §7–§11. */
import assert from 'node:assert/strict';
import { describe, it, mock, type TestContext } from 'node:test';
import { calculateThumbprint, generateKeyPair, generateProof } from 'dpop';
import type { DenialReason } from '../../src/oauth/denial.ts';
import { createProver, type ProofChange } from '../support/dpop.ts';
import { parseObject } from '../support/json.ts';
import { RESOURCE, type RequestText, sendOn } from '../support/obex.ts';
import { type Phase3Options, type Phase3Stack, type Presentation, startPhase3 } from '../support/phase-3.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { OK_BODY, reply } from '../support/recording-backend.ts';
import { assertLogged, assertRefusal, PHASE_3_REASONS } from '../support/refusal.ts';
import { issuerKey } from '../support/test-issuer.ts';

const ALGS = 'RS256 ES256';
const SCHEMES = ['DPoP', 'Bearer'] as const;
const LIFETIME_MS = 60_000;
const SKEW_MS = 10_000;
/** For how much longer than a proof is good its use may be remembered: time is counted in slices. */
const SLICE_MS = 6_000;

/** Of a certificate. RFC 8705 §3.1. */
const THUMBPRINT = 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2';

const covered = new Set<DenialReason>();

type Present = (stack: Phase3Stack) => Presentation | Promise<Presentation>;

interface Case {
  readonly options?: Phase3Options;
  readonly scope?: string;
  readonly present: Present;
}

/** Token and proof, whole or by their signatures, stand neither in the answer nor in the log. */
function assertNoSecrets(response: RawResponse, request: RequestText, stack: Phase3Stack): void {
  const seen = response.head + response.body.toString('latin1') + stack.obex.output();
  const secrets = (request.lines ?? []).map((line) => line.replace(/^(Authorization: \w+|DPoP:) /, ''));
  for (const secret of secrets.filter((text) => text.length > 40)) {
    assert.ok(!seen.includes(secret), 'a token or a proof is visible');
    for (const part of secret.split('.').slice(1)) assert.ok(!seen.includes(part), 'a part of one is visible');
  }
}

/** The whole answer, a backend that saw nothing, a trace without secrets, and a connection that stays good. */
async function check(
  context: TestContext,
  reason: DenialReason,
  { options, scope, present }: Case,
): Promise<RawResponse> {
  covered.add(reason);
  const stack = await startPhase3(context, options);
  const presented = await present(stack);
  const request = await stack.request(presented);
  const seenBefore = stack.backend.received();
  const connection = await stack.obex.open();
  const response = await sendOn(connection, request);
  assertRefusal(response, reason, { scope, dpop: { scheme: presented.scheme ?? 'DPoP', algs: ALGS } });
  assert.equal(stack.backend.received(), seenBefore);
  await assertLogged(response, reason, stack);
  assertNoSecrets(response, request, stack);
  assert.equal((await sendOn(connection, { target: '/health' })).status, 200);
  return response;
}

/** The same refusal under either scheme: it differs in the challenge that tells the error. */
function refuses(
  reason: DenialReason,
  how: string,
  judged: Omit<Case, 'present'> & { readonly present?: Present },
): void {
  for (const scheme of SCHEMES) {
    it(`${reason}: ${how}, under ${scheme}`, async (context) => {
      const present: Present = async (stack) => ({ ...(await judged.present?.(stack)), scheme });
      await check(context, reason, { ...judged, present });
    });
  }
}

/** A proof that is good but for one thing. */
function spoiled(change: ProofChange): Present {
  return async (stack) => {
    const token = await stack.boundToken();
    return { token, proofs: [stack.prove(token, change)] };
  };
}

async function assertPasses(stack: Phase3Stack, presented: Presentation = {}): Promise<RawResponse> {
  const response = await stack.obex.send(await stack.request(presented));
  assert.equal(response.status, 200, response.body.toString());
  return response;
}

async function reasonOf(stack: Phase3Stack, presented: Presentation): Promise<unknown> {
  const response = await stack.obex.send(await stack.request(presented));
  return response.status === 200 ? 200 : parseObject(response.body.toString())['reason'];
}

describe('RFC 9449 §7.1: a request with a bound token and a good proof', () => {
  for (const scheme of SCHEMES) {
    it(`passes under ${scheme}; the backend sees neither token nor proof, but that a proof was checked`, async (context) => {
      const stack = await startPhase3(context);
      await assertPasses(stack, { scheme });
      const [seen, ...more] = stack.backend.requests;
      assert.deepEqual(more, []);
      assert.deepEqual(seen?.values('authorization'), []);
      assert.deepEqual(seen?.values('dpop'), []);
      assert.deepEqual(seen?.values('x-obex-user'), ['alice']);
      assert.deepEqual(seen?.values('x-obex-dpop-bound'), ['true']);
    });
  }

  it('passes as made by npm dpop, with each of its algorithms', async (context) => {
    const stack = await startPhase3(context, { dpop: 'algorithms: [RS256, ES256, PS256, Ed25519]' });
    mock.timers.enable({ apis: ['Date'], now: stack.clock.nowMs() });
    context.after(() => mock.timers.reset());
    for (const alg of ['RS256', 'ES256', 'PS256', 'Ed25519'] as const) {
      const keys = await generateKeyPair(alg);
      const token = await stack.boundToken({ claims: { cnf: { jkt: await calculateThumbprint(keys.publicKey) } } });
      const proof = await generateProof(keys, RESOURCE, 'POST', undefined, token);
      await assertPasses(stack, { token, proofs: [proof], method: 'POST' });
    }
  });

  it('passes with a token that was verified before: the proof is looked at each time', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.boundToken();
    const client = await stack.obex.open();
    for (let n = 0; n < 2; n += 1) {
      assert.equal((await sendOn(client, await stack.request({ token }))).status, 200);
    }
    assert.equal(stack.obex.metric('obex_token_cache_lookups_total{result="hit"}'), 1);
    assert.equal(await reasonOf(stack, { token, proofs: [] }), 'missing_dpop');
    const other = stack.prove(token, {}, createProver());
    assert.equal(await reasonOf(stack, { token, proofs: [other] }), 'invalid_dpop');
  });

  it('names the scheme without regard to case (RFC 9110 §11.1)', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.boundToken();
    const lines = [`Authorization: dpop ${token}`, `dpop: ${stack.prove(token)}`];
    assert.equal((await stack.obex.send({ lines })).status, 200);
  });
});

describe('contract, refusals of phase 3: the token is judged first', () => {
  const withClaims = (claims: Readonly<Record<string, unknown>>): Present => {
    return async (stack) => ({ token: await stack.boundToken({ claims }) });
  };
  refuses('invalid_token', 'an opaque token', { present: () => ({ token: 'an-opaque-token' }) });
  refuses('token_not_bound', 'a binding by certificate, which Obex cannot check', {
    present: withClaims({ cnf: { 'x5t#S256': THUMBPRINT } }),
  });
  refuses('token_not_bound', 'such a binding beside one that it can', {
    present: async (stack) => ({
      token: await stack.boundToken({ claims: { cnf: { jkt: stack.client.jkt, 'x5t#S256': THUMBPRINT } } }),
    }),
  });
  refuses('token_not_bound', 'a binding to what is no thumbprint', { present: withClaims({ cnf: { jkt: 'short' } }) });
  refuses('token_expired', 'a token past its exp', { present: withClaims({ exp: 1_700_000_000 }) });
  refuses('audience_mismatch', 'a token for another resource', {
    present: withClaims({ aud: 'https://other.example' }),
  });
  refuses('invalid_signature', 'a token with the key id of another key', {
    present: async (stack) => ({ token: await stack.boundToken({ key: issuerKey('RS256', 'forger', 'key-1') }) }),
  });
  refuses('token_expired', 'before a proof that is bad as well', {
    present: async (stack) => ({
      token: await stack.boundToken({ claims: { exp: 1_700_000_000 } }),
      proofs: ['not-a-proof'],
    }),
  });
  refuses('insufficient_scope', 'after a good proof', {
    options: { sections: { authz: 'required_scopes: ["mcp:admin"]' } },
    scope: 'mcp:admin',
  });
  refuses('token_not_bound', 'a proof with a token that is bound to nothing', {
    present: async (stack) => ({ token: await stack.issuer.token() }),
  });

  it('no_token: without a credential both challenges come without an error', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.boundToken();
    for (const lines of [[], [`DPoP: ${stack.prove(token)}`], ['Authorization: DPoP'], ['Authorization: Basic eDp5']]) {
      assertRefusal(await stack.obex.send({ lines }), 'no_token', { dpop: { scheme: 'Bearer', algs: ALGS } });
    }
    assert.equal(stack.backend.received(), '');
  });

  it('malformed_authorization: one credential under each scheme', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.boundToken();
    const { lines = [] } = await stack.request({ token });
    assertRefusal(
      await stack.obex.send({ lines: [...lines, `Authorization: Bearer ${token}`] }),
      'malformed_authorization',
    );
    assert.equal(stack.backend.received(), '');
  });

  it('publishes the algorithms in the order configured', async (context) => {
    const stack = await startPhase3(context, { dpop: 'algorithms: [EdDSA, ES512, Ed25519]' });
    assertRefusal(await stack.obex.send(), 'no_token', { dpop: { scheme: 'Bearer', algs: 'EdDSA ES512 Ed25519' } });
  });
});

describe('RFC 9449 §7.1: a bound token needs a proof, in every mode', () => {
  refuses('missing_dpop', 'a bound token alone', { present: () => ({ proofs: [] }) });
  refuses('missing_dpop', 'required: a bound token alone', {
    options: { dpop: 'required: true' },
    present: () => ({ proofs: [] }),
  });
  refuses('missing_dpop', 'required: a plain token, before it is read', {
    options: { dpop: 'required: true' },
    present: () => ({ token: 'whatever-it-is', proofs: [] }),
  });

  it('required: false keeps plain bearer tokens working beside bound ones', async (context) => {
    const stack = await startPhase3(context);
    await assertPasses(stack);
    await assertPasses(stack, { token: await stack.issuer.token(), scheme: 'Bearer', proofs: [] });
    const bound = stack.backend.requests.map((request) => request.values('x-obex-dpop-bound'));
    assert.deepEqual(bound, [['true'], []]);
  });

  it('nobody but Obex can say X-Obex-DPoP-Bound', async (context) => {
    const stack = await startPhase3(context);
    const forged = ['X-Obex-DPoP-Bound: true', 'X_Obex_DPoP_Bound: true', 'x.obex.dpop.bound: true'];
    const token = await stack.issuer.token();
    for (const line of forged) await assertPasses(stack, { token, scheme: 'Bearer', proofs: [], lines: [line] });
    await assertPasses(stack, { lines: ['X-Obex-DPoP-Bound: false'] });
    const bound = stack.backend.requests.map((request) =>
      request.lines.filter((line) => /^x.obex.dpop.bound/i.test(line)).map((line) => line.split(': ')[1]),
    );
    assert.deepEqual(bound, [[], [], [], ['true']]);
  });

  it('a plain token under DPoP without a proof is no bearer token', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.issuer.token();
    assert.equal(await reasonOf(stack, { token, proofs: [] }), 'missing_dpop');
  });
});

describe('RFC 9449 §7.2: accept_bearer_scheme: false', () => {
  const dpop = 'accept_bearer_scheme: false';

  it('token_not_bound: a bound token under Bearer is refused, proof or not', async (context) => {
    const options = { dpop };
    await check(context, 'token_not_bound', { options, present: () => ({ scheme: 'Bearer' }) });
    await check(context, 'missing_dpop', { options, present: () => ({ scheme: 'Bearer', proofs: [] }) });
  });

  it('a bound token under DPoP passes, and a plain one under Bearer', async (context) => {
    const stack = await startPhase3(context, { dpop });
    await assertPasses(stack);
    await assertPasses(stack, { token: await stack.issuer.token(), scheme: 'Bearer', proofs: [] });
  });

  it('the refused proof is not used up', async (context) => {
    const stack = await startPhase3(context, { dpop });
    const token = await stack.boundToken();
    const proofs = [stack.prove(token)];
    assert.equal(await reasonOf(stack, { token, proofs, scheme: 'Bearer' }), 'token_not_bound');
    await assertPasses(stack, { token, proofs });
  });
});

describe('RFC 9449 §4.3: every check of a proof, at the door', () => {
  refuses('invalid_dpop', '1, two DPoP fields', {
    present: async (stack) => {
      const token = await stack.boundToken();
      return { token, proofs: [stack.prove(token), stack.prove(token)] };
    },
  });
  refuses('invalid_dpop', '1, two proofs in one field', {
    present: async (stack) => {
      const token = await stack.boundToken();
      return { token, proofs: [`${stack.prove(token)}, ${stack.prove(token)}`] };
    },
  });
  refuses('invalid_dpop', '2, no JWT', { present: () => ({ proofs: ['not-a-jwt'] }) });
  for (const claim of ['jti', 'htm', 'htu', 'iat', 'ath']) {
    refuses('invalid_dpop', `3, no ${claim}`, { present: spoiled({ claims: { [claim]: undefined } }) });
  }
  refuses('invalid_dpop', '3, no jwk', { present: spoiled({ header: { jwk: undefined } }) });
  refuses('invalid_dpop', '4, another typ', { present: spoiled({ header: { typ: 'at+jwt' } }) });
  refuses('invalid_dpop', '5, alg none', { present: spoiled({ header: { alg: 'none' } }) });
  refuses('invalid_dpop', '5, an algorithm that is not configured', {
    present: async (stack) => {
      const prover = createProver('ES384');
      const token = await stack.boundToken({}, prover);
      return { token, proofs: [stack.prove(token, {}, prover)] };
    },
  });
  refuses('invalid_dpop', '6, a signature by another key', {
    present: async (stack) => {
      const token = await stack.boundToken();
      return { token, proofs: [stack.prove(token, { header: { jwk: stack.client.jwk } }, createProver())] };
    },
  });
  refuses('invalid_dpop', '7, a private key', {
    present: (stack) => spoiled({ header: { jwk: stack.client.privateKey.export({ format: 'jwk' }) } })(stack),
  });
  refuses('invalid_dpop', '8, another method', { present: spoiled({ claims: { htm: 'POST' } }) });
  refuses('invalid_dpop', '8, the method in lower case', { present: spoiled({ claims: { htm: 'get' } }) });
  refuses('invalid_dpop', '12, ath of another token of the same client', {
    present: async (stack) => {
      const [token, other] = [await stack.boundToken(), await stack.boundToken({ claims: { jti: 'other' } })];
      return { token, proofs: [stack.prove(other)] };
    },
  });
  refuses('invalid_dpop', '12, the key of another client', {
    present: async (stack) => {
      const token = await stack.boundToken();
      return { token, proofs: [stack.prove(token, {}, createProver())] };
    },
  });
  refuses('invalid_dpop', '12, the proof of a stranger for a token of its own', {
    present: async (stack) => {
      const stranger = createProver();
      const own = await stack.boundToken({}, stranger);
      return { token: await stack.boundToken(), proofs: [stack.prove(own, {}, stranger)] };
    },
  });
});

describe('RFC 9449 §4.3 step 9: htu, by public_url and the raw target', () => {
  const publicUrl = 'https://tool.example.com';
  const good: readonly (readonly [target: string, htu: string])[] = [
    ['/mcp', 'https://tool.example.com:443/mcp'],
    ['/mcp', 'HTTPS://Tool.Example.COM/mcp'],
    ['/mcp?a=1', 'https://tool.example.com/mcp'],
    ['/mcp?a=1', 'https://tool.example.com/mcp?b=2#c'],
    ['/mcp/a%2fb', 'https://tool.example.com/mcp/a%2Fb'],
    ['/mcp/%7euser', 'https://tool.example.com/mcp/~user'],
    ['/mcp/a/../b', 'https://tool.example.com/mcp/b'],
  ];
  const bad: readonly (readonly [target: string, htu: unknown])[] = [
    ['/mcp', 'http://tool.example.com/mcp'],
    ['/mcp', 'https://tool.example.com:8443/mcp'],
    ['/mcp', 'https://tool.example.com/MCP'],
    ['/mcp', 'https://tool.example.com/mcp/'],
    ['/mcp', 'https://127.0.0.1/mcp'],
    ['/mcp', 'https://tool.example.com.evil.example/mcp'],
    ['/mcp', 'https://user@tool.example.com/mcp'],
    ['/mcp/a%2fb', 'https://tool.example.com/mcp/a/b'],
    ['/mcp', '/mcp'],
    ['/mcp', ['https://tool.example.com/mcp']],
  ];

  it('takes every spelling of the same URI, and passes the raw target on', async (context) => {
    const stack = await startPhase3(context, { publicUrl });
    for (const [target, htu] of good) {
      const token = await stack.boundToken();
      await assertPasses(stack, { token, target, proofs: [stack.prove(token, { claims: { htu } })] });
      assert.equal(stack.backend.requests.at(-1)?.requestLine, `GET ${target} HTTP/1.1`);
    }
  });

  for (const [target, htu] of bad) {
    it(`invalid_dpop: ${String(htu)} for ${target}`, async (context) => {
      const options = { publicUrl };
      const present: Present = async (stack) => ({ ...(await spoiled({ claims: { htu } })(stack)), target });
      await check(context, 'invalid_dpop', { options, present });
    });
  }

  it('no field of the request moves it: neither Host nor those of forwarding proxies', async (context) => {
    const stack = await startPhase3(context);
    const fields = [
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: http',
      'Forwarded: host=evil.example;proto=http',
    ];
    await assertPasses(stack, { lines: fields });
    const token = await stack.boundToken();
    for (const htu of ['https://evil.example/mcp', 'http://evil.example/mcp', 'https://127.0.0.1/mcp']) {
      const proofs = [stack.prove(token, { claims: { htu } })];
      const { lines = [] } = await stack.request({ token, proofs, lines: fields });
      const response = await stack.obex.send({ host: 'evil.example', lines });
      assertRefusal(response, 'invalid_dpop', { dpop: { scheme: 'DPoP', algs: ALGS } });
    }
  });
});

describe('RFC 9449 §4.3 step 11, §11.1: the window of iat', () => {
  for (const [what, offsetMs] of [
    ['as old as lifetime and skew allow', -LIFETIME_MS - SKEW_MS],
    ['as far ahead as the skew allows', SKEW_MS],
  ] as const) {
    it(`takes a proof ${what}, and refuses it a moment beyond`, async (context) => {
      const stack = await startPhase3(context);
      const proveAt = async (ms: number): Promise<Presentation> => {
        return spoiled({ claims: { iat: stack.clock.nowSeconds + ms / 1000 } })(stack);
      };
      await assertPasses(stack, await proveAt(offsetMs));
      assert.equal(await reasonOf(stack, await proveAt(offsetMs + Math.sign(offsetMs))), 'invalid_dpop');
    });
  }

  it('goes by the configured lifetime', async (context) => {
    const stack = await startPhase3(context, { dpop: 'proof_lifetime: "5s"' });
    const token = await stack.boundToken();
    const proofs = [stack.prove(token)];
    stack.clock.advance(15_001);
    assert.equal(await reasonOf(stack, { token, proofs }), 'invalid_dpop');
  });
});

describe('RFC 9449 §11.1: no proof twice', () => {
  refuses('dpop_replayed', 'a proof that was used', {
    present: async (stack) => {
      const token = await stack.boundToken();
      const proofs = [stack.prove(token)];
      await assertPasses(stack, { token, proofs });
      return { token, proofs };
    },
  });

  it('whatever the scheme, the spelling of the target and the connection', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.boundToken();
    const proofs = [stack.prove(token)];
    await assertPasses(stack, { token, proofs });
    assert.equal(await reasonOf(stack, { token, proofs, scheme: 'Bearer' }), 'dpop_replayed');
    assert.equal(await reasonOf(stack, { token, proofs, target: '/mcp?again' }), 'dpop_replayed');
    assert.equal(stack.backend.requests.length, 1);
  });

  it('of 100 copies sent at once exactly one reaches the backend', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.boundToken();
    const request = await stack.request({ token, proofs: [stack.prove(token)] });
    const connections = await Promise.all(Array.from({ length: 100 }, () => stack.obex.open()));
    const responses = await Promise.all(connections.map((connection) => sendOn(connection, request)));
    const statuses = responses.map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.equal(statuses.filter((status) => status === 401).length, 99);
    assert.equal(stack.backend.requests.length, 1);
  });

  it('a proof is remembered for as long as its iat would let it pass', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.boundToken();
    const proofs = [stack.prove(token, { claims: { iat: stack.clock.nowSeconds + SKEW_MS / 1000 } })];
    await assertPasses(stack, { token, proofs });
    stack.clock.advance(LIFETIME_MS + 2 * SKEW_MS);
    assert.equal(await reasonOf(stack, { token, proofs }), 'dpop_replayed');
    stack.clock.advance(1);
    assert.equal(await reasonOf(stack, { token, proofs }), 'invalid_dpop');
  });

  it('a reload forgets no proof', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.boundToken();
    const proofs = [stack.prove(token)];
    await assertPasses(stack, { token, proofs });
    await stack.obex.reload(stack.config({ authz: 'required_scopes: ["mcp:read"]', dpop: 'required: true' }));
    assert.equal(await reasonOf(stack, { token, proofs }), 'dpop_replayed');
    assert.equal(
      await reasonOf(stack, { token: await stack.issuer.token(), proofs: [], scheme: 'Bearer' }),
      'missing_dpop',
    );
  });

  it('a reload cannot lengthen the window: proofs that were used and forgotten would be in it again', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.boundToken();
    const proofs = [stack.prove(token)];
    await assertPasses(stack, { token, proofs });
    stack.clock.advance(LIFETIME_MS + SKEW_MS + SLICE_MS);
    const refused = (asked: string) => ({
      message: `a reload cannot lengthen dpop.proof_lifetime or idp.clock_skew (in force 60 s and 10 s, asked for ${asked}); restart Obex to change it`,
    });
    await assert.rejects(stack.obex.reload(stack.config({ dpop: 'proof_lifetime: "5m"' })), refused('300 s and 10 s'));
    await assert.rejects(stack.obex.reload(stack.config({ idp: 'clock_skew: "30s"' })), refused('60 s and 30 s'));
    assert.equal(await reasonOf(stack, { token, proofs }), 'invalid_dpop');
    await stack.obex.reload(stack.config({ dpop: 'proof_lifetime: "30s"' }));
    await assertPasses(stack);
  });

  it('a reload can neither change the cache nor lower the phase', async (context) => {
    const stack = await startPhase3(context);
    const cure = (what: string) => ({ message: `a reload cannot change ${what}; restart Obex to change it` });
    const other = stack.config({ dpop: 'replay_cache: { max_entries: 5 }' });
    await assert.rejects(stack.obex.reload(other), cure('dpop.replay_cache.max_entries'));
    const disabled = stack.config().replace('enabled: true', 'enabled: false');
    await assert.rejects(
      stack.obex.reload(disabled),
      cure('the phase, from 3 to 2, with less protection: is something missing in the file?'),
    );
  });
});

describe('the replay cache fails closed', () => {
  it('replay_cache_full: no room for the proof, until older ones have gone', async (context) => {
    covered.add('replay_cache_full');
    const stack = await startPhase3(context, { dpop: 'replay_cache: { max_entries: 2 }' });
    await assertPasses(stack);
    await assertPasses(stack);
    const token = await stack.boundToken();
    const presented = { token, proofs: [stack.prove(token)] };
    const request = await stack.request(presented);
    const response = await stack.obex.send(request);
    assertRefusal(response, 'replay_cache_full');
    await assertLogged(response, 'replay_cache_full', stack);
    assertNoSecrets(response, request, stack);
    assert.equal(stack.backend.requests.length, 2);
    const plain = { token: await stack.issuer.token(), scheme: 'Bearer', proofs: [] } as const;
    await assertPasses(stack, plain);
    stack.clock.advance(LIFETIME_MS + SKEW_MS + SLICE_MS);
    await assertPasses(stack);
  });

  it('replay_cache_unavailable: no Redis; /ready says so, plain tokens go on', async (context) => {
    covered.add('replay_cache_unavailable');
    const redis = 'replay_cache: { backend: redis, redis: { url: "redis://127.0.0.1:1" } }';
    const stack = await startPhase3(context, { dpop: redis });
    await stack.obex.event('replay_cache_connect_failed');
    const request = await stack.request();
    const response = await stack.obex.send(request);
    assertRefusal(response, 'replay_cache_unavailable');
    await assertLogged(response, 'replay_cache_unavailable', stack);
    assertNoSecrets(response, request, stack);
    assert.equal(stack.backend.received(), '');
    const ready = await stack.obex.send({ target: '/ready' });
    assert.equal(ready.status, 503);
    assert.deepEqual(parseObject(ready.body.toString()), {
      status: 'not_ready',
      checks: { backend: 'ok', jwks: 'ok', replay_cache: 'error' },
    });
    await assertPasses(stack, { token: await stack.issuer.token(), scheme: 'Bearer', proofs: [] });
  });

  it('jwks_unavailable: no keys, whatever the proof', async (context) => {
    const stack = await startPhase3(context);
    stack.issuer.state = 'failing';
    const token = await stack.boundToken({ key: issuerKey('RS256', 'key-2') });
    assertRefusal(await stack.obex.send(await stack.request({ token })), 'jwks_unavailable');
    assert.equal(stack.backend.received(), '');
  });
});

describe('a wall clock that jumps', () => {
  const DAY_MS = 86_400_000;

  async function readReplayCheck(stack: Phase3Stack): Promise<unknown> {
    // Results of checks are kept for a second.
    stack.clock.advance(1_000);
    const { body } = await stack.obex.send({ target: '/ready' });
    const { checks } = parseObject(body.toString());
    return typeof checks === 'object' && checks !== null && 'replay_cache' in checks ? checks.replay_cache : undefined;
  }

  it('a day ahead for one proof and one scrape, and right again: every proof was 503 until that day', async (context) => {
    const stack = await startPhase3(context);
    await assertPasses(stack);
    stack.clock.jump(DAY_MS);
    const token = await stack.boundToken({ claims: { exp: stack.clock.nowSeconds + 2 * 86_400 } });
    const early = { token, proofs: [stack.prove(token)] };
    await assertPasses(stack, early);
    await stack.obex.scrape('obex_dpop_replay_cache_entries');
    stack.clock.jump(-DAY_MS);
    await assertPasses(stack);
    assert.equal(await readReplayCheck(stack), 'ok');
    assert.equal((await stack.obex.event('clock_jumped'))['by_seconds'], 86_400);
    // The day has come, and the proof of the wrong clock is good once more; its use has long been forgotten.
    stack.clock.advance(DAY_MS - 2_000);
    assert.equal(await readReplayCheck(stack), 'error');
    assert.equal(await reasonOf(stack, early), 'replay_cache_unavailable');
    const unsettled = await stack.obex.event('replay_cache_unsettled');
    stack.clock.advance(Date.parse(String(unsettled['until'])) - stack.clock.nowMs());
    await assertPasses(stack);
    assert.equal(await readReplayCheck(stack), 'ok');
  });

  it('an hour back: a proof that was used does not pass when its hour comes again', async (context) => {
    const stack = await startPhase3(context);
    const token = await stack.boundToken({ claims: { exp: stack.clock.nowSeconds + 86_400 } });
    const used = { token, proofs: [stack.prove(token)] };
    await assertPasses(stack, used);
    stack.clock.jump(-3_600_000);
    await assertPasses(stack);
    assert.equal(await readReplayCheck(stack), 'ok');
    stack.clock.advance(3_600_000);
    assert.equal(await reasonOf(stack, used), 'replay_cache_unavailable');
    stack.clock.advance(LIFETIME_MS + 2 * SKEW_MS + SLICE_MS);
    assert.equal(await reasonOf(stack, used), 'invalid_dpop');
    await assertPasses(stack);
  });
});

describe('RFC 9449 §9: nonce: required', () => {
  const options = { dpop: 'nonce: required' };

  async function demand(stack: Phase3Stack, presented: Presentation): Promise<string> {
    const response = await stack.obex.send(await stack.request(presented));
    assertRefusal(response, 'use_dpop_nonce', { dpop: { scheme: presented.scheme ?? 'DPoP', algs: ALGS } });
    return response.values('dpop-nonce')[0] ?? '';
  }

  async function withNonce(stack: Phase3Stack, nonce: string): Promise<Presentation> {
    return spoiled({ claims: { nonce } })(stack);
  }

  refuses('use_dpop_nonce', 'a proof without a nonce', { options });
  refuses('use_dpop_nonce', 'a nonce that Obex did not make', {
    options,
    present: spoiled({ claims: { nonce: 'mine' } }),
  });

  it('§8.1: a client that answers the demand is let in, and keeps its nonce', async (context) => {
    const stack = await startPhase3(context, options);
    const nonce = await demand(stack, {});
    for (let n = 0; n < 2; n += 1) {
      const response = await assertPasses(stack, await withNonce(stack, nonce));
      assert.deepEqual(response.values('dpop-nonce'), [], 'the same nonce goes on');
    }
  });

  it('§8.2: gets the next nonce with a good answer, refused by scope or not, and the old one overlaps', async (context) => {
    const stack = await startPhase3(context, { ...options, sections: { authz: 'required_scopes: ["mcp:read"]' } });
    const nonce = await demandScoped(stack);
    stack.clock.advance(100_000);
    const [next = ''] = (await assertPasses(stack, await withNonce(stack, nonce))).values('dpop-nonce');
    assert.match(next, /^[\w-]{48}$/);
    const narrow = await stack.boundToken({ claims: { scope: 'mcp:other' } });
    const proofs = [stack.prove(narrow, { claims: { nonce } })];
    const refused = await stack.obex.send(await stack.request({ token: narrow, proofs }));
    assert.equal(refused.status, 403);
    assert.match(refused.values('dpop-nonce').join(), /^[\w-]{48}$/);
    await assertPasses(stack, await withNonce(stack, next));
    stack.clock.advance(200_001);
    assert.equal(await reasonOf(stack, await withNonce(stack, nonce)), 'use_dpop_nonce');
    await assertPasses(stack, await withNonce(stack, next));
  });

  async function demandScoped(stack: Phase3Stack): Promise<string> {
    const response = await stack.obex.send(await stack.request());
    assertRefusal(response, 'use_dpop_nonce', { scope: 'mcp:read', dpop: { scheme: 'DPoP', algs: ALGS } });
    return response.values('dpop-nonce')[0] ?? '';
  }

  it('§11.3: never goes back to proofs without one', async (context) => {
    const stack = await startPhase3(context, options);
    await assertPasses(stack, await withNonce(stack, await demand(stack, {})));
    await demand(stack, {});
  });

  it('a proof refused for its nonce is not used up, and a demand needs a proof that holds', async (context) => {
    const stack = await startPhase3(context, { ...options, dpop: 'nonce: required\nreplay_cache: { max_entries: 1 }' });
    for (let n = 0; n < 3; n += 1) await demand(stack, {});
    const nonce = await demand(stack, {});
    const token = await stack.boundToken();
    const stranger = stack.prove(token, { claims: { nonce } }, createProver());
    assert.equal(await reasonOf(stack, { token, proofs: [stranger] }), 'invalid_dpop');
    await assertPasses(stack, await withNonce(stack, nonce));
  });

  it('is readable by browsers', async (context) => {
    const stack = await startPhase3(context, {
      ...options,
      sections: { cors: 'allowed_origins: ["https://app.example"]' },
    });
    const lines = ['Origin: https://app.example'];
    const response = await stack.obex.send(await stack.request({ lines }));
    assertRefusal(response, 'use_dpop_nonce', { dpop: { scheme: 'DPoP', algs: ALGS } });
    assert.deepEqual(response.values('access-control-allow-origin'), ['https://app.example']);
    assert.match(response.values('access-control-expose-headers').join(), /\bDPoP-Nonce\b/);
  });

  it('survives a reload, and two replicas with one nonce_secret know the nonces of each other', async (context) => {
    const dpop = `nonce: required\nnonce_secret: "${'s'.repeat(40)}"`;
    const [one, two] = [await startPhase3(context, { dpop }), await startPhase3(context, { dpop })];
    const nonce = await demand(one, {});
    await one.obex.reload(one.config());
    await assertPasses(one, await withNonce(one, nonce));
    await assertPasses(two, await withNonce(two, nonce));
    const alone = await startPhase3(context, options);
    assert.equal(await reasonOf(alone, await withNonce(alone, nonce)), 'use_dpop_nonce');
    const own = await demand(alone, {});
    await alone.obex.reload(alone.config());
    await assertPasses(alone, await withNonce(alone, own));
    await one.obex.reload(one.config({ dpop: `nonce: required\nnonce_secret: "${'t'.repeat(40)}"` }));
    assert.equal(await reasonOf(one, await withNonce(one, nonce)), 'use_dpop_nonce', 'of the secret before');
  });

  it('of replicas with one obex.secret are known to each other, and a reload cannot change it', async (context) => {
    const sections = { obex: `secret: "${'s'.repeat(40)}"` };
    const stacks = [
      await startPhase3(context, { ...options, sections }),
      await startPhase3(context, { ...options, sections }),
    ];
    const [one, two] = stacks;
    assert.ok(one !== undefined && two !== undefined);
    await assertPasses(two, await withNonce(two, await demand(one, {})));
    await assert.rejects(one.obex.reload(one.config({ obex: `secret: "${'t'.repeat(40)}"` })), {
      message: 'a reload cannot change obex.secret; restart Obex to change it',
    });
    assert.equal(one.obex.events('secret_made_at_start').length, 0);
    const alone = await startPhase3(context, options);
    const { key, used_for: use } = await alone.obex.event('secret_made_at_start');
    assert.deepEqual({ key, use }, { key: 'obex.secret', use: 'dpop nonces' });
  });

  it('§8: comes from Obex alone, and once: a nonce of the backend stays there', async (context) => {
    const stack = await startPhase3(context, options);
    stack.backend.answer = ({ socket }) => reply(socket, '200 OK', ['DPoP-Nonce: of-the-backend'], OK_BODY);
    const nonce = await demand(stack, {});
    assert.deepEqual((await assertPasses(stack, await withNonce(stack, nonce))).values('dpop-nonce'), []);
    stack.clock.advance(100_000);
    const renewed = (await assertPasses(stack, await withNonce(stack, nonce))).values('dpop-nonce');
    assert.equal(renewed.length, 1);
    assert.notEqual(renewed[0], 'of-the-backend');
  });
});

describe('RFC 9728 §2: what the metadata says of DPoP', () => {
  const metadataOf = async (stack: Phase3Stack) => {
    const { body } = await stack.obex.send({ target: '/.well-known/oauth-protected-resource/mcp' });
    const { dpop_signing_alg_values_supported: algorithms, dpop_bound_access_tokens_required: required } = parseObject(
      body.toString(),
    );
    return { algorithms, required };
  };

  it('the algorithms in the order configured, and that bound tokens are required only when they are', async (context) => {
    const optional = await startPhase3(context, { dpop: 'algorithms: [ES256, RS256]' });
    assert.deepEqual(await metadataOf(optional), { algorithms: ['ES256', 'RS256'], required: undefined });
    const required = await startPhase3(context, { dpop: 'required: true' });
    assert.deepEqual(await metadataOf(required), { algorithms: ['RS256', 'ES256'], required: true });
  });
});

describe('rate limits and proofs', () => {
  const limited = (burst: number) => ({
    sections: { limits: `rate_limit: { requests_per_second: 0.5, burst: ${burst} }` },
  });

  it('a request that is refused by the limit of its subject uses up no proof', async (context) => {
    const stack = await startPhase3(context, limited(1));
    const token = await stack.boundToken();
    await assertPasses(stack, { token });
    const proofs = [stack.prove(token)];
    assert.equal(await reasonOf(stack, { token, proofs }), 'rate_limited');
    stack.clock.advance(2_000);
    await assertPasses(stack, { token, proofs });
  });

  it('one subject at its limit is not the limit of others at the same address', async (context) => {
    const stack = await startPhase3(context, limited(1));
    const token = await stack.boundToken();
    await assertPasses(stack, { token });
    for (let n = 0; n < 3; n += 1) assert.equal(await reasonOf(stack, { token }), 'rate_limited');
    await assertPasses(stack, { token: await stack.boundToken({ claims: { sub: 'bob' } }) });
  });

  it('a thief with the token of another, or with its used proofs, uses up the allowance of its own address', async (context) => {
    const { sections } = limited(3);
    const stack = await startPhase3(context, { sections: { ...sections, obex: 'trusted_proxies: ["127.0.0.1"]' } });
    const from = (address: string) => [`X-Forwarded-For: ${address}`];
    const token = await stack.boundToken();
    const used = [stack.prove(token)];
    await assertPasses(stack, { token, proofs: used, lines: from('203.0.113.1') });
    const tries: Presentation[] = [
      { token, proofs: [stack.prove(token, {}, createProver())] },
      { token, proofs: [], scheme: 'Bearer' },
      { token, proofs: used },
      { token, proofs: used },
    ];
    const seen: unknown[] = [];
    for (const presented of tries) seen.push(await reasonOf(stack, { ...presented, lines: from('203.0.113.9') }));
    assert.deepEqual(seen, ['invalid_dpop', 'missing_dpop', 'dpop_replayed', 'rate_limited']);
    await assertPasses(stack, { token, lines: from('203.0.113.1') });
    await assertPasses(stack, { token, lines: from('203.0.113.1') });
    assert.equal(await reasonOf(stack, { token, lines: from('203.0.113.1') }), 'rate_limited');
  });
});

describe('metrics', () => {
  it('count proofs by result, the time of claims, and how full the cache is; a reload keeps them', async (context) => {
    const stack = await startPhase3(context, { dpop: 'replay_cache: { max_entries: 2 }' });
    const token = await stack.boundToken();
    const proofs = [stack.prove(token)];
    await assertPasses(stack, { token, proofs });
    assert.equal(await reasonOf(stack, { token, proofs }), 'dpop_replayed');
    assert.equal(await reasonOf(stack, { token, proofs: ['nonsense'] }), 'invalid_dpop');
    await stack.obex.reload(stack.config({ dpop: 'required: true\nreplay_cache: { max_entries: 2 }' }));
    await assertPasses(stack);
    assert.equal(await reasonOf(stack, {}), 'replay_cache_full');
    assert.equal(await reasonOf(stack, { proofs: [] }), 'missing_dpop');
    const proofsOf = (result: string) => stack.obex.scrape(`obex_dpop_proofs_total{result="${result}"}`);
    const results = ['valid', 'invalid_dpop', 'dpop_replayed', 'replay_cache_full', 'use_dpop_nonce', 'rate_limited'];
    assert.deepEqual(await Promise.all(results.map(proofsOf)), [2, 1, 1, 1, 0, 0]);
    assert.equal(await stack.obex.scrape('obex_dpop_claim_seconds_count'), 4);
    assert.equal(await stack.obex.scrape('obex_dpop_replay_cache_entries'), 2);
    assert.equal(await stack.obex.scrape('obex_dpop_replay_cache_max_entries'), 2);
    stack.clock.advance(LIFETIME_MS + SKEW_MS + SLICE_MS);
    assert.equal(await stack.obex.scrape('obex_dpop_replay_cache_entries'), 0);
  });

  it('of a cache in Redis tell of claims, and nothing of entries', async (context) => {
    const redis = 'replay_cache: { backend: redis, redis: { url: "redis://127.0.0.1:1" } }';
    const stack = await startPhase3(context, { dpop: redis });
    assert.equal(await reasonOf(stack, {}), 'replay_cache_unavailable');
    assert.equal(await stack.obex.scrape('obex_dpop_proofs_total{result="replay_cache_unavailable"}'), 1);
    assert.equal(await stack.obex.scrape('obex_dpop_claim_seconds_count'), 1);
    assert.equal(await stack.obex.scrape('obex_dpop_replay_cache_entries'), undefined);
  });
});

describe('contract, refusals: the table is complete', () => {
  it('every reason that only phase 3 has is tested above', () => {
    assert.deepEqual(
      PHASE_3_REASONS.filter((reason) => !covered.has(reason)),
      [],
    );
  });
});
