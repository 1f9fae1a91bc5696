/** Who is charged for a request, and when. RFC 6585 §4; time is the test's. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bearer, bodyOf, type RequestText, sendOn } from '../support/obex.ts';
import { type Phase1Stack, startPhase1, startPhase2 } from '../support/stack.ts';
import { issuerKey } from '../support/test-issuer.ts';
import { HTTP1_BYTES } from '../support/transport.ts';
import { until } from '../support/until.ts';

const ONE = { limits: 'rate_limit: { requests_per_second: 0.5, burst: 1 }' };
const TWO = { limits: 'rate_limit: { requests_per_second: 0.5, burst: 2 }' };
const TOKEN = bearer('anything');

async function statuses({ obex }: Phase1Stack, ...requests: readonly RequestText[]): Promise<readonly number[]> {
  const seen: number[] = [];
  for (const request of requests) seen.push((await obex.send(request)).status);
  return seen;
}

describe('phase 1: the client address is charged', () => {
  it('burst, refusal with Retry-After, refill', async (context) => {
    const stack = await startPhase1(context, { sections: TWO });
    const request = { lines: [TOKEN] };
    assert.deepEqual(await statuses(stack, request, request), [200, 200]);
    const refused = await stack.obex.send(request);
    assert.equal(refused.status, 429);
    assert.deepEqual(bodyOf(refused), { error: 'too_many_requests', reason: 'rate_limited' });
    assert.deepEqual(refused.values('retry-after'), ['2']);
    stack.clock.advance(500);
    assert.deepEqual((await stack.obex.send(request)).values('retry-after'), ['2'], 'whole seconds, rounded up');
    stack.clock.advance(1_500);
    assert.deepEqual(await statuses(stack, request, request), [200, 429]);
    assert.equal(stack.backend.requests.length, 3);
  });

  it('whatever the token is, and without one too', async (context) => {
    const stack = await startPhase1(context, { sections: TWO });
    assert.deepEqual(await statuses(stack, { lines: [bearer('a')] }, {}, { lines: [bearer('b')] }), [200, 401, 429]);
  });

  it('health, readiness and metadata are exempt', async (context) => {
    const stack = await startPhase1(context, { sections: ONE });
    assert.deepEqual(await statuses(stack, { lines: [TOKEN] }, { lines: [TOKEN] }), [200, 429]);
    for (const target of [
      '/health',
      '/ready',
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/mcp',
    ]) {
      assert.deepEqual(await statuses(stack, { target }, { target }), [200, 200], target);
    }
  });

  it('an empty bucket hides neither the refusal of an Origin nor the metadata from browsers', async (context) => {
    const stack = await startPhase1(context, { sections: ONE });
    assert.deepEqual(await statuses(stack, { lines: [TOKEN] }, { lines: [TOKEN] }), [200, 429]);
    const preflight = ['Origin: https://any.example', 'Access-Control-Request-Method: GET'];
    const metadata = { method: 'OPTIONS', target: '/.well-known/oauth-protected-resource/mcp', lines: preflight };
    const foreign = { lines: ['Origin: https://evil.example'] };
    assert.deepEqual(await statuses(stack, metadata, { method: 'POST', target: '/health' }, foreign), [204, 405, 403]);
  });

  it('bytes that are no request are charged', HTTP1_BYTES, async (context) => {
    const stack = await startPhase1(context, { sections: TWO });
    const malformed = { lines: ['Bad Header: x'] };
    assert.deepEqual(await statuses(stack, malformed, malformed, { lines: [TOKEN] }), [400, 400, 429]);
  });

  it(
    'bytes that are no request are counted, and no longer logged one by one beyond the limit',
    HTTP1_BYTES,
    async (context) => {
      const stack = await startPhase1(context, { sections: TWO });
      const malformed = { lines: ['Bad Header: x'] };
      assert.deepEqual(await statuses(stack, ...Array.from({ length: 5 }, () => malformed)), Array(5).fill(400));
      assert.equal(stack.obex.metric('obex_denials_total{reason="malformed_request"}'), 5);
      await until('the lines', () => stack.obex.events('request_refused').length >= 2 || undefined);
      assert.equal(stack.obex.events('request_refused').length, 2);
    },
  );

  it('metrics and refused methods are charged', async (context) => {
    const stack = await startPhase1(context, { sections: TWO });
    const trace = { method: 'TRACE' };
    assert.deepEqual(await statuses(stack, { target: '/metrics' }, trace, { target: '/metrics' }), [200, 405, 429]);
  });

  it('behind a trusted proxy: each client for itself, IPv6 by /64', async (context) => {
    const stack = await startPhase1(context, { sections: { ...ONE, obex: 'trusted_proxies: ["127.0.0.1"]' } });
    const from = (address: string): RequestText => ({ lines: [TOKEN, `X-Forwarded-For: ${address}`] });
    assert.deepEqual(
      await statuses(stack, from('203.0.113.1'), from('203.0.113.1'), from('203.0.113.2')),
      [200, 429, 200],
    );
    assert.deepEqual(await statuses(stack, from('6.6.6.6, 203.0.113.1')), [429], 'a forged hop is no other client');
    assert.deepEqual(
      await statuses(stack, from('2001:db8::1'), from('2001:db8::ffff:1'), from('2001:db8:0:1::1')),
      [200, 429, 200],
    );
  });

  it('without trusted proxies X-Forwarded-For buys nothing', async (context) => {
    const stack = await startPhase1(context, { sections: ONE });
    const from = (address: string): RequestText => ({ lines: [TOKEN, `X-Forwarded-For: ${address}`] });
    assert.deepEqual(await statuses(stack, from('203.0.113.1'), from('203.0.113.2')), [200, 429]);
  });

  it('absent = off', async (context) => {
    const stack = await startPhase1(context);
    assert.deepEqual(
      await statuses(stack, ...Array.from({ length: 50 }, () => ({ lines: [TOKEN] }))),
      Array.from({ length: 50 }, () => 200),
    );
  });
});

describe('phase 2: verified tokens charge issuer, client and subject', () => {
  it('one subject has one allowance, however many tokens it has', async (context) => {
    const stack = await startPhase2(context, { sections: TWO });
    const lines = async (claims: Record<string, unknown>): Promise<RequestText> => ({
      lines: [await stack.authorization({ claims })],
    });
    const alice = await lines({ jti: '1' });
    assert.deepEqual(await statuses(stack, alice, alice, alice), [200, 200, 429]);
    assert.deepEqual(await statuses(stack, await lines({ jti: '2' })), [429], 'a fresh token is no fresh allowance');
    assert.deepEqual(await statuses(stack, await lines({ sub: 'bob' })), [200]);
    assert.deepEqual(await statuses(stack, await lines({ client_id: 'client-2' })), [200]);
  });

  it('names that run together when joined are different subjects', async (context) => {
    const stack = await startPhase2(context, { sections: ONE });
    const lines = async (client_id: string, sub: string): Promise<RequestText> => ({
      lines: [await stack.authorization({ claims: { client_id, sub } })],
    });
    assert.deepEqual(await statuses(stack, await lines('a', 'b","c'), await lines('a","b', 'c')), [200, 200]);
  });

  it('a token that proves valid is refunded to the address', async (context) => {
    const stack = await startPhase2(context, { sections: ONE });
    for (const sub of ['a', 'b', 'c', 'd']) {
      assert.deepEqual(await statuses(stack, { lines: [await stack.authorization({ claims: { sub } })] }), [200], sub);
    }
    assert.deepEqual(await statuses(stack, {}, {}), [401, 429], 'its own allowance is still there');
  });

  it('a token that is refused is charged to the address, before any signature work', async (context) => {
    const stack = await startPhase2(context, { sections: TWO });
    const forged = { lines: [await stack.authorization({ key: issuerKey('RS256', 'forger', 'key-1') })] };
    assert.deepEqual(await statuses(stack, forged, forged, forged), [401, 401, 429]);
    const misses = stack.obex.metric('obex_token_cache_lookups_total{result="miss"}');
    assert.equal(misses, 2, 'the third was not looked at');
    const unseen = { lines: [await stack.authorization()] };
    assert.deepEqual(await statuses(stack, unseen), [429], 'the price of sharing an address with an attacker');
    assert.equal(stack.backend.received(), '');
  });

  it('a cached token passes although its address is used up', async (context) => {
    const stack = await startPhase2(context, { sections: TWO });
    const alice = { lines: [await stack.authorization()] };
    const client = await stack.obex.open();
    const seen: number[] = [];
    for (const request of [alice, {}, {}, {}, alice]) seen.push((await sendOn(client, request)).status);
    assert.deepEqual(seen, [200, 401, 401, 429, 200]);
  });

  it('a forbidden request is charged to its subject', async (context) => {
    const stack = await startPhase2(context, { sections: { ...ONE, authz: 'required_scopes: ["mcp:admin"]' } });
    const alice = { lines: [await stack.authorization()] };
    assert.deepEqual(await statuses(stack, alice, alice), [403, 429]);
  });

  it('discovery probes and garbage are charged to the address', async (context) => {
    const stack = await startPhase2(context, { sections: TWO });
    assert.deepEqual(
      await statuses(stack, { target: '/.well-known/oauth-authorization-server' }, { lines: [bearer('garbage')] }, {}),
      [404, 401, 429],
    );
  });
});

describe('reload', () => {
  it('keeps allowances when the limit stays, and begins anew when it changes', async (context) => {
    const stack = await startPhase1(context, { sections: ONE });
    assert.deepEqual(await statuses(stack, { lines: [TOKEN] }), [200]);
    await stack.obex.reload(stack.config({ ...ONE, cors: 'allowed_origins: ["https://new.example"]' }));
    assert.deepEqual(await statuses(stack, { lines: [TOKEN] }), [429]);
    await stack.obex.reload(stack.config(TWO));
    assert.deepEqual(
      await statuses(stack, { lines: [TOKEN] }, { lines: [TOKEN] }, { lines: [TOKEN] }),
      [200, 200, 429],
    );
    await stack.obex.reload(stack.config());
    assert.deepEqual(await statuses(stack, { lines: [TOKEN] }), [200]);
  });
});
