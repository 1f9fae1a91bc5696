/** Tokens of every kind through a running Obex: algorithms, issuers, claims, and the cache of verified ones. RFC 9068 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../support/fake-clock.ts';
import {
  bearer,
  bodyOf,
  formatConfig,
  formatRequest,
  PUBLIC_URL,
  RESOURCE,
  type RequestText,
  sendOn,
} from '../support/obex.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { probeOf } from '../support/recording-backend.ts';
import { type Phase2Stack, startPhase2, startPhase2Cold } from '../support/stack.ts';
import { issuerKey, startTestIssuer, TEST_ALGORITHMS, type TokenOptions } from '../support/test-issuer.ts';
import { until } from '../support/until.ts';

async function sendToken(stack: Phase2Stack, options?: TokenOptions): Promise<RawResponse> {
  return stack.obex.send({ lines: [await stack.authorization(options)] });
}

/** Sends all on one connection, and so to one worker: each has verified tokens of its own. */
async function openSender({ obex }: Phase2Stack): Promise<(request: RequestText) => Promise<RawResponse>> {
  const client = await obex.open();
  return (request) => sendOn(client, request);
}

function assertReason(response: RawResponse, reason: string): void {
  assert.equal(bodyOf(response)['reason'], reason);
}

/** Obex reads keys in the background; resolves when it has fetched once more. */
async function fetchedAgain(stack: Phase2Stack, how: () => void): Promise<void> {
  const sample = `obex_jwks_fetches_total{issuer="${stack.issuer.url}",result="success"}`;
  const fetches = async (): Promise<number> => (await stack.obex.scrape(sample)) ?? 0;
  const before = await fetches();
  how();
  await until('a fetch of the keys', async () => (await fetches()) > before || undefined);
}

describe('RFC 7518 §3.1, RFC 8037 §3.1: signature algorithms', () => {
  for (const alg of TEST_ALGORITHMS) {
    const key = issuerKey(alg, 'key-1');
    const others = TEST_ALGORITHMS.filter((other) => other !== alg);

    it(`${alg} passes when it is accepted`, async (context) => {
      const stack = await startPhase2(context, { issuerKey: key, sections: { idp: `accepted_algorithms: [${alg}]` } });
      assert.equal((await sendToken(stack)).status, 200);
      assert.equal(stack.backend.requests.length, 1);
    });

    it(`${alg} is refused when every other one is accepted (RFC 8725 §3.1)`, async (context) => {
      const stack = await startPhase2(context, {
        issuerKey: key,
        sections: { idp: `accepted_algorithms: [${others.join(', ')}]` },
      });
      assertReason(await sendToken(stack), 'unsupported_algorithm');
      assert.equal(stack.backend.received(), '');
      assert.equal(stack.issuer.fetches(), 1, 'not worth a fetch');
    });
  }

  it('CVE-2026-22817: the key decides what may be used with it, not the header', async (context) => {
    const key = issuerKey('RS256', 'key-1');
    const stack = await startPhase2(context, {
      issuerKey: key,
      sections: { idp: 'accepted_algorithms: [RS256, PS256]' },
    });
    assertReason(await sendToken(stack, { key: issuerKey('PS256', 'key-1') }), 'unknown_key');
  });
});

describe('RFC 9068 §4: claims that pass', () => {
  const passing: Readonly<Record<string, TokenOptions>> = {
    'typ at+jwt': {},
    'typ application/at+jwt': { header: { typ: 'application/at+jwt' } },
    'typ AT+JWT (RFC 7515 §4.1.9: case-insensitive)': { header: { typ: 'AT+JWT' } },
    'typ JWT': { header: { typ: 'JWT' } },
    'no typ': { header: { typ: undefined } },
    'no kid': { header: { kid: undefined } },
    'aud an array that holds the client too': { claims: { aud: ['client-1', RESOURCE] } },
    'no iat, no nbf': { claims: { iat: undefined } },
    'an empty sub': { claims: { sub: '' } },
    'no sub': { claims: { sub: undefined } },
    'no scope': { claims: { scope: undefined } },
  };
  for (const [how, options] of Object.entries(passing)) {
    it(how, async (context) => {
      assert.equal((await sendToken(await startPhase2(context), options)).status, 200);
    });
  }

  it('times count with the skew, both ways', async (context) => {
    const stack = await startPhase2(context);
    const now = stack.clock.nowSeconds;
    assert.equal((await sendToken(stack, { claims: { exp: now - 9.999 } })).status, 200);
    assert.equal((await sendToken(stack, { claims: { nbf: now + 10 } })).status, 200);
    assert.equal((await sendToken(stack, { claims: { iat: now + 10 } })).status, 200);
  });
});

describe('RFC 9068 §2.2.3: scopes from scope or scp', () => {
  const forms: readonly (readonly [how: string, claims: Record<string, unknown>, scopes: string])[] = [
    ['scope as a string', { scope: 'mcp:write mcp:read' }, 'mcp:read mcp:write'],
    ['scope as an array', { scope: ['mcp:write', 'mcp:read'] }, 'mcp:read mcp:write'],
    ['scp as a string', { scope: undefined, scp: 'mcp:read' }, 'mcp:read'],
    ['scp as an array', { scope: undefined, scp: ['mcp:read'] }, 'mcp:read'],
  ];
  for (const [how, claims, scopes] of forms) {
    it(how, async (context) => {
      const stack = await startPhase2(context, { sections: { authz: 'required_scopes: ["mcp:read"]' } });
      assert.equal((await sendToken(stack, { claims })).status, 200);
      assert.deepEqual(stack.backend.requests[0]?.values('x-obex-scopes'), [scopes]);
    });
  }

  for (const claims of [{ scope: ['mcp:read mcp:write'] }, { scope: 7 }, { scope: ['mcp:read', 7] }, { scope: null }]) {
    it(`${JSON.stringify(claims)} is invalid_token`, async (context) => {
      assertReason(await sendToken(await startPhase2(context), { claims }), 'invalid_token');
    });
  }

  it('71 scopes of 1,900 characters reach the backend in one line', async (context) => {
    const stack = await startPhase2(context);
    const scope = Array.from({ length: 71 }, (_, index) => `company:api-${index + 10}:read-write`).join(' ');
    assert.ok(scope.length > 1828);
    assert.equal((await sendToken(stack, { claims: { scope } })).status, 200);
    assert.deepEqual(stack.backend.requests[0]?.values('x-obex-scopes'), [scope]);
  });

  const without: readonly (readonly [claims: Record<string, unknown>, detail: string])[] = [
    [
      { scope: undefined },
      'the token has none of the claims that scope_claims of its issuer names (default: scope, scp; or those of its preset)',
    ],
    [{ scope: '' }, 'scope is empty'],
    [{ scope: undefined, scp: [] }, 'scp is empty'],
  ];
  for (const [claims, detail] of without) {
    it(`${JSON.stringify(claims)}: the log says that ${detail}`, async (context) => {
      const stack = await startPhase2(context, { sections: { authz: 'required_scopes: ["mcp:read"]' } });
      assertReason(await sendToken(stack, { claims }), 'insufficient_scope');
      const { expected, actual, detail: logged } = await stack.obex.event('request');
      assert.deepEqual({ expected, actual, logged }, { expected: 'mcp:read', actual: '', logged: detail });
    });
  }

  it('a scope that only begins like the required one does not do', async (context) => {
    const stack = await startPhase2(context, { sections: { authz: 'required_scopes: ["mcp:read"]' } });
    assertReason(await sendToken(stack, { claims: { scope: 'mcp:read:all mcp MCP:READ' } }), 'insufficient_scope');
  });
});

describe('resource.audiences', () => {
  it('absent: a resource without a path is also the one with the slash that URL libraries add', async (context) => {
    const stack = await startPhase2(context, { resourceUrl: PUBLIC_URL });
    assert.equal((await sendToken(stack, { claims: { aud: PUBLIC_URL } })).status, 200);
    assert.equal((await sendToken(stack, { claims: { aud: `${PUBLIC_URL}/` } })).status, 200);
    assertReason(await sendToken(stack, { claims: { aud: `${PUBLIC_URL}/mcp` } }), 'audience_mismatch');
    assert.equal(stack.backend.requests.length, 2);
    const document = await stack.obex.send({ target: '/.well-known/oauth-protected-resource' });
    assert.equal(bodyOf(document)['resource'], PUBLIC_URL, 'the metadata keep the spelling of the config');
  });

  it('given: compared byte for byte, of every issuer', async (context) => {
    const stack = await startPhase2(context, {
      resourceUrl: PUBLIC_URL,
      sections: { resource: `audiences: ["${PUBLIC_URL}"]` },
    });
    assertReason(await sendToken(stack, { claims: { aud: `${PUBLIC_URL}/` } }), 'audience_mismatch');
    assert.equal(stack.backend.received(), '');
  });

  it('replaces resource.url as the accepted audience', async (context) => {
    const stack = await startPhase2(context, { sections: { resource: 'audiences: ["api://tool", "urn:x"]' } });
    assert.equal((await sendToken(stack, { claims: { aud: 'urn:x' } })).status, 200);
    assert.equal((await sendToken(stack, { claims: { aud: ['other', 'api://tool'] } })).status, 200);
    assertReason(await sendToken(stack), 'audience_mismatch');
    assertReason(await sendToken(stack, { claims: { aud: [] } }), 'audience_mismatch');
    assertReason(await sendToken(stack, { claims: { aud: 'API://tool' } }), 'audience_mismatch');
  });
});

describe('RFC 7519 §4.1.1: iss', () => {
  it('that is no URL: its tokens pass, and the metadata does not send clients there', async (context) => {
    const clock = new FakeClock();
    const second = await startTestIssuer(context, clock, issuerKey('RS256', 'second'));
    const stack = await startPhase2(context, {
      sections: { idp: `additional_issuers: [{ issuer: accounts.google.com, jwks_uri: "${second.jwksUri}" }]` },
    });
    await stack.obex.event('jwks_fetched', ({ issuer }) => issuer === 'accounts.google.com');
    const token = { key: second.key, claims: { iss: 'accounts.google.com' } };
    assert.equal((await sendToken(stack, token)).status, 200);
    assert.deepEqual(stack.backend.requests[0]?.values('x-obex-issuer'), ['accounts.google.com']);
    const document = await stack.obex.send({ target: '/.well-known/oauth-protected-resource' });
    assert.deepEqual(bodyOf(document)['authorization_servers'], [stack.issuer.url]);
  });
});

describe('keys for other algorithms than the accepted ones', () => {
  it('are warned of once, whoever fetches them', async (context) => {
    const key = issuerKey('ES384', 'key-1');
    const stack = await startPhase2(context, { issuerKey: key });
    const event = await stack.obex.event('jwks_keys_not_accepted');
    assert.deepEqual(
      { algorithms: event['key_algorithms'], accepted: event['accepted_algorithms'] },
      { algorithms: ['ES384'], accepted: ['RS256', 'ES256'] },
    );
    assertReason(await sendToken(stack), 'unsupported_algorithm');
    assert.equal(stack.obex.events('jwks_keys_not_accepted').length, 1);
  });
});

describe('OpenID Connect Core §2: ID tokens', () => {
  const idToken = { header: { typ: 'JWT' }, claims: { aud: 'client-1', nonce: 'n', at_hash: 'h' } };
  const audiences = { resource: 'audiences: ["client-1"]' };

  it('are no access tokens, though their audience is one that is accepted', async (context) => {
    const stack = await startPhase2(context, { sections: audiences });
    assertReason(await sendToken(stack, idToken), 'id_token');
    assert.equal(stack.backend.received(), '');
    assert.equal((await sendToken(stack, { ...idToken, claims: { aud: 'client-1' } })).status, 200);
    assert.equal((await sendToken(stack, { ...idToken, header: { typ: 'at+jwt' } })).status, 200);
  });

  it('are named for what they are only when the signature holds', async (context) => {
    const stack = await startPhase2(context, { sections: audiences });
    const forged = { ...idToken, key: issuerKey('RS256', 'somebody-else', 'key-1') };
    assertReason(await sendToken(stack, forged), 'invalid_signature');
  });

  it('dangerously_accept_id_tokens: pass of that issuer, and of no other', async (context) => {
    const clock = new FakeClock();
    const second = await startTestIssuer(context, clock, issuerKey('RS256', 'second'));
    const further = (more: string): string =>
      `additional_issuers: [{ issuer: "${second.url}", jwks_uri: "${second.jwksUri}"${more} }]`;
    const stack = await startPhase2(context, {
      sections: { ...audiences, idp: `dangerously_accept_id_tokens: true\n${further('')}` },
    });
    await stack.obex.event('jwks_fetched', ({ issuer }) => issuer === second.url);
    assert.equal((await sendToken(stack, idToken)).status, 200);
    const claims = { ...idToken.claims, iss: second.url };
    assertReason(await sendToken(stack, { ...idToken, claims, key: second.key }), 'id_token');
    await stack.obex.reload(stack.config({ ...audiences, idp: further(', dangerously_accept_id_tokens: true') }));
    assertReason(await sendToken(stack, idToken), 'id_token');
    assert.equal((await sendToken(stack, { ...idToken, claims, key: second.key })).status, 200);
  });
});

describe('several issuers', () => {
  async function startTwo(context: Parameters<typeof startPhase2>[0]) {
    const second = { key: issuerKey('ES384', 'second', 'key-1') };
    const stack = await startPhase2Cold(context, {}, () => undefined);
    const other = await startTestIssuer(context, stack.clock, second.key);
    await stack.obex.reload(
      stack.config({
        idp: `additional_issuers:\n  - { issuer: "${other.url}", jwks_uri: "${other.jwksUri}", accepted_algorithms: [ES384], audiences: ["urn:second"] }`,
      }),
    );
    await stack.obex.event('jwks_fetched', ({ issuer }) => issuer === other.url);
    await stack.obex.event('jwks_fetched', ({ issuer }) => issuer === stack.issuer.url);
    return { stack, other };
  }

  it('each has its own algorithms and audiences', async (context) => {
    const { stack, other } = await startTwo(context);
    const send = async (token: string) => stack.obex.send({ lines: [`Authorization: Bearer ${token}`] });
    assert.equal((await send(await stack.issuer.token())).status, 200);
    assert.equal((await send(await other.token({ claims: { aud: 'urn:second' } }))).status, 200);
    assert.deepEqual(
      stack.backend.requests.map((request) => request.values('x-obex-issuer')),
      [[stack.issuer.url], [other.url]],
    );
    assertReason(await send(await other.token()), 'audience_mismatch');
    assertReason(await send(await stack.issuer.token({ claims: { aud: 'urn:second' } })), 'audience_mismatch');
    assertReason(await send(await stack.issuer.token({ key: other.key })), 'unsupported_algorithm');
  });

  it('keys never cross: a key of one cannot sign for the other, equal kid or not', async (context) => {
    const { stack, other } = await startTwo(context);
    const forged = await stack.issuer.token({ key: stack.issuer.key, claims: { iss: other.url, aud: 'urn:second' } });
    const response = await stack.obex.send({ lines: [`Authorization: Bearer ${forged}`] });
    assertReason(response, 'unsupported_algorithm');
    const key = issuerKey('ES384', 'of-nobody', 'key-1');
    const wrong = await other.token({ key, claims: { aud: 'urn:second' } });
    assertReason(await stack.obex.send({ lines: [`Authorization: Bearer ${wrong}`] }), 'invalid_signature');
    assert.equal(stack.backend.received(), '');
  });

  it('one that hangs delays nobody but its own', async (context) => {
    const { stack, other } = await startTwo(context);
    other.state = 'hanging';
    const waiting = await stack.obex.open();
    const unknown = await other.token({ header: { kid: 'unknown' }, claims: { aud: 'urn:second' } });
    await waiting.send(formatRequest({ lines: [bearer(unknown)] }));
    await until('the fetch that hangs', () => other.fetches() === 2 || undefined);
    const fresh = issuerKey('RS256', 'key-2');
    stack.issuer.publish(fresh);
    assert.equal((await sendToken(stack, { key: fresh })).status, 200);
    const known = await other.token({ claims: { aud: 'urn:second' } });
    assert.equal((await stack.obex.send({ lines: [bearer(known)] })).status, 200, 'known keys need no fetch');
    other.release();
    assertReason(await waiting.readResponse(), 'unknown_key');
  });

  it('one that is down leaves the other alone', async (context) => {
    const { stack, other } = await startTwo(context);
    await other.stop();
    assert.equal((await sendToken(stack)).status, 200);
    const known = await other.token({ claims: { aud: 'urn:second' } });
    assert.equal(
      (await stack.obex.send({ lines: [`Authorization: Bearer ${known}`] })).status,
      200,
      'its known keys still verify',
    );
  });
});

const HITS = 'obex_token_cache_lookups_total{result="hit"}';
const MISSES = 'obex_token_cache_lookups_total{result="miss"}';

describe('an issuer that does not answer as it should', () => {
  for (const state of ['failing', 'oversized', 'redirecting', 'not json', 'broken off'] as const) {
    it(`${state} at start: not ready, 503, and healed by itself`, async (context) => {
      const stack = await startPhase2Cold(context, {}, (issuer) => {
        issuer.state = state;
      });
      await stack.obex.event('jwks_fetch_failed');
      assert.deepEqual(bodyOf(await stack.obex.send({ target: '/ready' })), {
        status: 'not_ready',
        checks: { backend: 'ok', jwks: 'error' },
      });
      assertReason(await sendToken(stack), 'jwks_unavailable');
      assert.equal(stack.issuer.fetches('/elsewhere'), 0);
      assert.equal(stack.backend.received(), probeOf(stack.backend));
      stack.issuer.state = 'up';
      assert.equal((await sendToken(stack)).status, 200);
    });

    it(`${state} later on: known keys go on verifying`, async (context) => {
      const stack = await startPhase2(context);
      stack.issuer.state = state;
      assertReason(await sendToken(stack, { header: { kid: 'unknown' } }), 'jwks_unavailable');
      assert.equal((await sendToken(stack)).status, 200);
    });
  }

  it('bad keys among good ones are ignored and named in the log', async (context) => {
    const stack = await startPhase2Cold(context, {}, (issuer) => {
      const { jwk } = issuer.key;
      issuer.published = [
        null,
        { kty: 'oct', kid: 'hmac', k: 'AAAA' },
        { ...jwk, kid: 'enc', use: 'enc' },
        { kty: 'RSA', kid: 'tiny', n: 'AQAB', e: 'AQAB' },
        jwk,
      ];
    });
    const event = await stack.obex.event('jwks_fetched');
    assert.equal(event['keys'], 1);
    assert.ok(Array.isArray(event['ignored_keys']));
    assert.equal(event['ignored_keys'].length, 4);
    assert.equal((await sendToken(stack)).status, 200);
  });

  it('keys are found by discovery when jwks_uri is absent (RFC 8414 §3, OpenID Connect Discovery §4)', async (context) => {
    for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
      const stack = await startPhase2(context);
      stack.issuer.documents[path] = { issuer: stack.issuer.url, jwks_uri: stack.issuer.jwksUri };
      const discovering = { url: stack.issuer.url, jwksUri: undefined };
      await stack.obex.reload(formatConfig({ backend: stack.backend, issuer: discovering }));
      assert.equal((await sendToken(stack)).status, 200, path);
      assert.equal(stack.issuer.fetches(path), 1);
    }
  });
});

describe('the cache of verified tokens', () => {
  it('verifies a token once', async (context) => {
    const stack = await startPhase2(context);
    const lines = [await stack.authorization()];
    const client = await stack.obex.open();
    for (let round = 0; round < 3; round += 1) assert.equal((await sendOn(client, { lines })).status, 200);
    assert.equal(stack.obex.metric(MISSES), 1);
    assert.equal(stack.obex.metric(HITS), 2);
    assert.equal(stack.obex.metric('obex_token_cache_entries'), 1);
    assert.deepEqual(
      stack.backend.requests.map((request) => request.values('x-obex-user')),
      [['alice'], ['alice'], ['alice']],
    );
  });

  it('never keeps a refused token', async (context) => {
    const stack = await startPhase2(context);
    const send = await openSender(stack);
    const lines = [await stack.authorization({ claims: { aud: 'other' } })];
    await send({ lines });
    assertReason(await send({ lines }), 'audience_mismatch');
    assert.equal(stack.obex.metric(HITS), 0);
    assert.equal(stack.obex.metric('obex_token_cache_entries'), 0);
  });

  it('forgets a token when it expires', async (context) => {
    const stack = await startPhase2(context);
    const send = await openSender(stack);
    const lines = [await stack.authorization({ claims: { exp: stack.clock.nowSeconds + 60 } })];
    assert.equal((await send({ lines })).status, 200);
    stack.clock.advance(59_999);
    assert.equal((await send({ lines })).status, 200);
    assert.equal(stack.obex.metric(HITS), 1);
    stack.clock.advance(10_001);
    assertReason(await send({ lines }), 'token_expired');
    assert.equal(stack.obex.metric('obex_token_cache_entries'), 0);
  });

  it('is keyed by every byte of the token', async (context) => {
    const stack = await startPhase2(context);
    const send = await openSender(stack);
    const token = await stack.issuer.token();
    assert.equal((await send({ lines: [`Authorization: Bearer ${token}`] })).status, 200);
    for (const near of [`${token}=`, ` ${token}x`.trim(), token.slice(0, -1), `${token} `.replace(' ', '.')]) {
      const response = await send({ lines: [`Authorization: Bearer ${near}`] });
      assert.equal(response.status, 401, near.slice(-5));
    }
  });

  it('drops the tokens of a key that the issuer has removed, at the next refresh', async (context) => {
    const [old, fresh] = [issuerKey('RS256', 'key-1'), issuerKey('RS256', 'key-2')];
    const stack = await startPhase2(context, { sections: { idp: 'jwks_refresh: "1s"' } });
    const send = await openSender(stack);
    const lines = [await stack.authorization({ key: old })];
    assert.equal((await send({ lines })).status, 200);
    await fetchedAgain(stack, () => stack.issuer.publish(old, fresh));
    assert.equal((await send({ lines })).status, 200);
    assert.equal(stack.obex.metric(HITS), 1, 'a key that stays keeps its tokens');
    await fetchedAgain(stack, () => stack.issuer.publish(fresh));
    await until('the entry to go', () => stack.obex.metric('obex_token_cache_entries') === 0 || undefined);
    assertReason(await send({ lines }), 'unknown_key');
  });

  it('a reload drops it and keeps the keys, so that an issuer may be down just then', async (context) => {
    const stack = await startPhase2(context);
    const send = await openSender(stack);
    const lines = [await stack.authorization()];
    assert.equal((await send({ lines })).status, 200);
    assert.equal(stack.obex.metric('obex_token_cache_entries'), 1);
    await stack.issuer.stop();
    await stack.obex.reload(stack.config({ authz: 'required_scopes: ["mcp:admin"]' }));
    assert.equal(stack.obex.metric('obex_token_cache_entries'), 0);
    assertReason(await send({ lines }), 'insufficient_scope');
    await stack.obex.reload(stack.config({ resource: 'audiences: ["urn:new"]' }));
    assertReason(await send({ lines }), 'audience_mismatch');
  });

  it('is bounded in entries', async (context) => {
    const stack = await startPhase2(context, { sections: { token_cache: 'max_entries: 2' } });
    const send = await openSender(stack);
    const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => stack.authorization({ claims: { sub } })));
    for (const line of tokens) assert.equal((await send({ lines: [line] })).status, 200);
    assert.equal(stack.obex.metric('obex_token_cache_entries'), 2);
    await send({ lines: [tokens[2] ?? ''] });
    assert.equal(stack.obex.metric(HITS), 1);
    await send({ lines: [tokens[0] ?? ''] });
    assert.equal(stack.obex.metric(HITS), 1, 'the oldest was forgotten');
  });

  it('is bounded in bytes', async (context) => {
    const stack = await startPhase2(context, { sections: { token_cache: 'max_bytes: "4KiB"' } });
    const send = await openSender(stack);
    for (let round = 0; round < 6; round += 1) {
      await send({ lines: [await stack.authorization({ claims: { sub: `user-${round}` } })] });
    }
    assert.ok((stack.obex.metric('obex_token_cache_bytes') ?? Infinity) <= 4096);
    assert.ok((stack.obex.metric('obex_token_cache_entries') ?? 0) >= 1);
  });

  for (const off of ['max_entries: 0', 'max_bytes: 0']) {
    it(`${off} turns it off`, async (context) => {
      const stack = await startPhase2(context, { sections: { token_cache: off } });
      const send = await openSender(stack);
      const lines = [await stack.authorization()];
      for (let round = 0; round < 2; round += 1) assert.equal((await send({ lines })).status, 200);
      assert.equal(stack.obex.metric(HITS), 0);
      assert.equal(stack.obex.metric('obex_token_cache_entries'), 0);
    });
  }
});

describe('while keys are being fetched', () => {
  it('any number of requests wait for one fetch', async (context) => {
    const stack = await startPhase2Cold(context, {}, (issuer) => {
      issuer.state = 'hanging';
    });
    const clients = await Promise.all(Array.from({ length: 20 }, () => stack.obex.open()));
    for (const client of clients) await client.send(formatRequest({ lines: [await stack.authorization()] }));
    await until('all to wait', () => stack.obex.metric('obex_requests_in_flight') === 20 || undefined);
    stack.issuer.release();
    for (const client of clients) assert.equal((await client.readResponse()).status, 200);
    assert.equal(stack.issuer.fetches(), 1);
  });

  it('a key published after the fetch had begun was unknown: it is asked for once more', async (context) => {
    const stack = await startPhase2Cold(context, {}, (issuer) => {
      issuer.state = 'hanging';
    });
    const fresh = issuerKey('RS256', 'key-2');
    const client = await stack.obex.open();
    await client.send(formatRequest({ lines: [await stack.authorization({ key: fresh })] }));
    await until('it to wait', () => stack.obex.metric('obex_requests_in_flight') === 1 || undefined);
    stack.issuer.release();
    stack.issuer.publish(fresh);
    assert.equal((await client.readResponse()).status, 200);
    assert.equal(stack.issuer.fetches(), 2);
    assertReason(await sendToken(stack, { key: issuerKey('RS256', 'key-3') }), 'unknown_key');
    assert.equal(stack.issuer.fetches(), 3, 'a fetch of its own is not repeated');
  });

  it('a client that leaves meanwhile sends the backend nothing', async (context) => {
    const stack = await startPhase2Cold(context, {}, (issuer) => {
      issuer.state = 'hanging';
    });
    const client = await stack.obex.open();
    await client.send(formatRequest({ lines: [await stack.authorization()] }));
    await until('it to wait', () => stack.obex.metric('obex_requests_in_flight') === 1 || undefined);
    client.destroy();
    const event = await stack.obex.event('request');
    assert.equal(event['aborted'], true);
    stack.issuer.release();
    await stack.obex.event('jwks_fetched');
    assert.equal((await sendToken(stack)).status, 200);
    assert.equal(stack.backend.requests.length, 1, 'only the one that stayed');
  });
});

describe('rotated keys', () => {
  it('a new kid is fetched at once', async (context) => {
    const stack = await startPhase2(context);
    const fresh = issuerKey('RS256', 'key-2');
    stack.issuer.publish(fresh);
    assert.equal((await sendToken(stack, { key: fresh })).status, 200);
    assert.equal(stack.issuer.fetches(), 2);
  });

  it('a new key under the same kid is fetched at once, and the old one is good for nothing', async (context) => {
    const stack = await startPhase2(context);
    const old = await stack.authorization();
    const fresh = issuerKey('RS256', 'key-2', 'key-1');
    stack.issuer.publish(fresh);
    assert.equal((await sendToken(stack, { key: fresh })).status, 200);
    assertReason(await stack.obex.send({ lines: [old] }), 'invalid_signature');
  });

  it('a flood of unknown kids and bad signatures costs at most five fetches a minute', async (context) => {
    const stack = await startPhase2(context);
    const unknown = await Promise.all(
      Array.from({ length: 10 }, (_, n) => stack.authorization({ header: { kid: `k-${n}` } })),
    );
    const forged = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        stack.authorization({ key: issuerKey('RS256', 'key-2', 'key-1'), claims: { jti: n } }),
      ),
    );
    const client = await stack.obex.open();
    for (const line of unknown) assertReason(await sendOn(client, { lines: [line] }), 'unknown_key');
    for (const line of forged) assertReason(await sendOn(client, { lines: [line] }), 'invalid_signature');
    assert.equal(stack.issuer.fetches(), 1 + 5);
    assert.equal((await sendToken(stack)).status, 200);
    stack.clock.advance(60_000);
    await sendOn(client, { lines: [unknown[0] ?? ''] });
    assert.equal(stack.issuer.fetches(), 1 + 6);
  });
});
