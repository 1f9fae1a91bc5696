/** A refusal that no new token cures, asked for again and again: 429 from the 31st in a minute. RFC 6585 §4. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { DenialReason } from '../../src/oauth/denial.ts';
import { createProver } from '../support/dpop.ts';
import { bearer, type RequestText, sendOn } from '../support/obex.ts';
import { startPhase3 } from '../support/phase-3.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { assertLogged, assertRefusal } from '../support/refusal.ts';
import { type Phase2Stack, type StackOptions, startPhase2 } from '../support/stack.ts';
import { issuerKey, type TokenOptions } from '../support/test-issuer.ts';

/** Refusals of one kind within a minute that are answered as they are. */
const MOST = 30;
const WRONG_AUDIENCE = { aud: 'https://elsewhere.example' };

/** One request after the other on one connection; each is made when its turn comes. */
async function send(
  { obex }: Phase2Stack,
  count: number,
  request: () => RequestText | Promise<RequestText>,
): Promise<readonly RawResponse[]> {
  const client = await obex.open();
  const responses: RawResponse[] = [];
  for (let sent = 0; sent < count; sent += 1) responses.push(await sendOn(client, await request()));
  client.destroy();
  return responses;
}

function statusesOf(responses: readonly RawResponse[]): readonly number[] {
  return responses.map(({ status }) => status);
}

function times(count: number, status: number): readonly number[] {
  return Array.from({ length: count }, () => status);
}

/** A request with a new token each time, as a client sends it that has just refreshed. */
function fresh({ authorization }: Phase2Stack, options: TokenOptions = {}): () => Promise<RequestText> {
  let refreshes = 0;
  return async () => {
    refreshes += 1;
    return { lines: [await authorization({ ...options, claims: { jti: String(refreshes), ...options.claims } })] };
  };
}

async function startLooping(context: TestContext, options: StackOptions = {}): Promise<Phase2Stack> {
  const stack = await startPhase2(context, options);
  assert.deepEqual(statusesOf(await send(stack, MOST, fresh(stack, { claims: WRONG_AUDIENCE }))), times(MOST, 401));
  return stack;
}

describe('a client whose new tokens are refused for the same reason', () => {
  it('gets 429 refusal_loop from the 31st in a minute, told when to come again', async (context) => {
    const stack = await startLooping(context);
    stack.clock.advance(15_500);
    const [refused] = await send(stack, 1, fresh(stack, { claims: WRONG_AUDIENCE }));
    assert.ok(refused !== undefined);
    assertRefusal(refused, 'refusal_loop');
    assert.deepEqual(refused.values('retry-after'), ['45']);
    await assertLogged(refused, 'refusal_loop', stack);
    const line = stack.obex.events('request').find(({ reason }) => reason === 'refusal_loop');
    assert.equal(line?.['detail'], 'audience_mismatch', 'the access line still says why');
    assert.equal(line?.['actual'], WRONG_AUDIENCE.aud);
    assert.equal(stack.backend.received(), '');
  });

  it('meets its refusal again, challenge and all, when it waits as long as told, and then as often as before', async (context) => {
    const stack = await startLooping(context);
    const looping = fresh(stack, { claims: WRONG_AUDIENCE });
    assert.deepEqual((await send(stack, 1, looping))[0]?.values('retry-after'), ['60']);
    stack.clock.advance(60_000);
    const again = await send(stack, MOST + 1, looping);
    assert.deepEqual(statusesOf(again), [...times(MOST, 401), 429]);
    assert.ok(again[0] !== undefined);
    assertRefusal(again[0], 'audience_mismatch');
  });

  it('never more than 30 of them in any minute, however they are spread', async (context) => {
    const stack = await startPhase2(context);
    const looping = fresh(stack, { claims: WRONG_AUDIENCE });
    for (const [pauseMs, wanted] of [
      [0, times(20, 401)],
      [50_000, [...times(10, 401), 429]],
      [10_000, [...times(20, 401), 429]],
      [49_999, [429]],
      [1, [...times(10, 401), 429]],
    ] as const) {
      stack.clock.advance(pauseMs);
      assert.deepEqual(statusesOf(await send(stack, wanted.length, looping)), wanted);
    }
  });

  it('passes at once with a token that is good, whatever came before', async (context) => {
    const stack = await startLooping(context);
    assert.deepEqual(statusesOf(await send(stack, 3, fresh(stack))), times(3, 200));
    assert.deepEqual(statusesOf(await send(stack, 1, fresh(stack, { claims: WRONG_AUDIENCE }))), [429]);
  });

  it('passes at once when a reload cures it, and the count outlives a reload that does not', async (context) => {
    const stack = await startLooping(context);
    await stack.obex.reload(stack.config({ cors: 'allowed_origins: ["https://a.example"]' }));
    const looping = fresh(stack, { claims: WRONG_AUDIENCE });
    assert.deepEqual(statusesOf(await send(stack, 1, looping)), [429]);
    await stack.obex.reload(stack.config({ resource: `audiences: ["${WRONG_AUDIENCE.aud}"]` }));
    assert.deepEqual(statusesOf(await send(stack, 1, looping)), [200]);
  });

  it('is counted by who and why: not by address, and others at the same address are not touched', async (context) => {
    const stack = await startLooping(context);
    for (const claims of [{ sub: 'bob' }, { client_id: 'client-2' }, { sub: undefined }]) {
      const other = { claims: { ...WRONG_AUDIENCE, ...claims } };
      assert.deepEqual(statusesOf(await send(stack, 1, fresh(stack, other))), [401]);
    }
    const otherwise = { claims: { cnf: { 'x5t#S256': 'x' } } };
    assert.deepEqual(statusesOf(await send(stack, 1, fresh(stack, otherwise))), [401], 'for another reason');
    assert.deepEqual(statusesOf(await send(stack, 1, () => ({}))), [401]);
  });
});

describe('the event refusal_loop', () => {
  it('says who, why and what to change, once a minute', async (context) => {
    const stack = await startLooping(context);
    const looping = fresh(stack, { claims: WRONG_AUDIENCE });
    const [first] = await send(stack, 1, looping);
    const event = await stack.obex.event('refusal_loop');
    assert.deepEqual(
      { ...event, time: undefined },
      {
        level: 'warn',
        time: undefined,
        event: 'refusal_loop',
        request_id: first?.values('x-obex-request-id')[0],
        client: '127.0.0.1',
        reason: 'audience_mismatch',
        issuer: stack.issuer.url,
        oauth_client: 'client-1',
        subject: 'alice',
        expected: 'https://tool.example.com/mcp',
        actual: WRONG_AUDIENCE.aud,
        count: 31,
        cure:
          'tokens are made for what actual says: let the IdP write one of resource.audiences into aud, or add what actual says ' +
          'to resource.audiences',
      },
    );
    await send(stack, 20, looping);
    stack.clock.advance(59_000);
    await send(stack, 10, looping);
    assert.equal(stack.obex.events('refusal_loop').length, 1);
    stack.clock.advance(1_000);
    await send(stack, MOST + 1, looping);
    await stack.obex.event('refusal_loop', ({ count }) => count === 61);
    assert.equal(stack.obex.events('refusal_loop').length, 2);
    assert.ok(!stack.issuer.issued.some((token) => stack.obex.output().includes(token)), 'no token in the log');
  });
});

interface Loop {
  readonly options?: StackOptions;
  /** What is sent again and again; each time anew where the signature verifies. */
  readonly request: (stack: Phase2Stack) => () => RequestText | Promise<RequestText>;
}

/** Each reason that counts, and that it counts across new tokens where the token's claims are known to be true. */
const VERIFIED: Readonly<Partial<Record<DenialReason, Loop>>> = {
  audience_mismatch: { request: (stack) => fresh(stack, { claims: WRONG_AUDIENCE }) },
  id_token: { request: (stack) => fresh(stack, { claims: { nonce: 'n-0S6_WzA2Mj' }, header: { typ: 'JWT' } }) },
  insufficient_scope: {
    options: { sections: { authz: 'required_scopes: ["mcp:admin"]' } },
    request: (stack) => fresh(stack),
  },
  token_not_bound: { request: (stack) => fresh(stack, { claims: { cnf: { jkt: createProver().jkt } } }) },
};

const UNVERIFIED: Readonly<Partial<Record<DenialReason, TokenOptions>>> = {
  invalid_issuer: { claims: { iss: 'https://other.example' } },
  invalid_signature: { key: issuerKey('RS256', 'forger', 'key-1') },
  unknown_key: { key: issuerKey('RS256', 'forger', 'key-2') },
};

describe('which refusals are counted', () => {
  for (const [reason, { options, request }] of Object.entries(VERIFIED)) {
    it(`${reason}: whatever tokens the client has`, async (context) => {
      const stack = await startPhase2(context, options);
      const responses = await send(stack, MOST + 1, request(stack));
      assert.deepEqual(
        new Set(statusesOf(responses.slice(0, -1))),
        new Set([reason === 'insufficient_scope' ? 403 : 401]),
      );
      assert.equal(responses.at(-1)?.status, 429);
      const event = await stack.obex.event('refusal_loop');
      assert.deepEqual([event['reason'], event['subject']], [reason, 'alice']);
      assert.equal(stack.backend.received(), '');
    });
  }

  for (const [reason, token] of Object.entries(UNVERIFIED)) {
    it(`${reason}: the same token, for its claims may be made up`, async (context) => {
      const stack = await startPhase2(context);
      const lines = [await stack.authorization(token)];
      const responses = await send(stack, MOST + 1, () => ({ lines }));
      assert.deepEqual(statusesOf(responses), [...times(MOST, 401), 429]);
      const event = await stack.obex.event('refusal_loop');
      assert.deepEqual([event['reason'], event['subject'], event['issuer']], [reason, undefined, undefined]);
      const another = fresh(stack, token);
      assert.deepEqual(statusesOf(await send(stack, MOST + 1, another)), times(MOST + 1, 401));
    });
  }

  const CURED_BY_ITSELF: Readonly<Record<string, (stack: Phase2Stack) => () => RequestText | Promise<RequestText>>> = {
    'no token': () => () => ({}),
    'no JWT': () => () => ({ lines: [bearer('opaque')] }),
    'an expired token': (stack) => fresh(stack, { claims: { exp: 1 } }),
    'a token of an algorithm that is not accepted': (stack) => fresh(stack, { key: issuerKey('PS256', 'key-1') }),
  };
  for (const [what, request] of Object.entries(CURED_BY_ITSELF)) {
    it(`not: ${what}`, async (context) => {
      const stack = await startPhase2(context);
      assert.deepEqual(statusesOf(await send(stack, 2 * MOST, request(stack))), times(2 * MOST, 401));
    });
  }

  it('phase 3: a proof with an unbound token, and a bound token under Bearer', async (context) => {
    const stack = await startPhase3(context, { dpop: 'accept_bearer_scheme: false' });
    const unbound = async (): Promise<RequestText> => stack.request({ token: await stack.issuer.token() });
    assert.deepEqual(statusesOf(await send(stack, MOST + 1, unbound)), [...times(MOST, 401), 429]);
    stack.clock.advance(60_000);
    const underBearer = async (): Promise<RequestText> => stack.request({ scheme: 'Bearer' });
    assert.deepEqual(statusesOf(await send(stack, MOST + 1, underBearer)), [...times(MOST, 401), 429]);
  });
});
