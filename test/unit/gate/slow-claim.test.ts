/** Who pays while a replay cache elsewhere decides: RFC 9449 §11.1, RFC 6585 §4. */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Admission, Charges } from '../../../src/gate/authenticate.ts';
import { createDpopAuthentication } from '../../../src/gate/authenticate-dpop.ts';
import { createCharge, createLook } from '../../../src/gate/charge.ts';
import { createTokenCheck } from '../../../src/gate/token-check.ts';
import { createVerifyDpopProof } from '../../../src/gate/verify-dpop-proof.ts';
import { type Denial, isDenied } from '../../../src/oauth/denial.ts';
import { ProofKeys } from '../../../src/state/proof-keys.ts';
import { type Limit, MemoryRateLimiter, type RateLimiter } from '../../../src/state/rate-limiter.ts';
import { createRateLimitMemory, SharedRateLimiter } from '../../../src/state/rate-limiter-shared.ts';
import type { ClaimOutcome } from '../../../src/state/replay-cache.ts';
import { VerifiedTokens } from '../../../src/state/verified-tokens.ts';
import { ACCESS_TOKEN, createProver, PROVEN_REQUEST } from '../../support/dpop.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { issuerKey } from '../../support/test-issuer.ts';

const BURST = 3;
const NO_CERTIFICATE = { absence: 'none' };
const SENDER = { clientCertificate: NO_CERTIFICATE, connectionCertificate: NO_CERTIFICATE };
const OWNER = '192.0.2.1';
const ELSEWHERE = '192.0.2.2';
const THIEF = '198.51.100.1';
const KEY = {
  kid: 'key-1',
  algorithms: new Set(['ES256'] as const),
  key: createPublicKey(issuerKey('ES256', 'key-1').privateKey),
};

type Outcome = Admission | Denial;

/** Phase 3 with a replay cache that answers when the test says so. */
function createGate(createLimiter: (limit: Limit) => RateLimiter) {
  const clock = new FakeClock();
  const prover = createProver();
  const limit = { requestsPerSecond: 0.001, burst: BURST };
  const [clients, principals] = [createLimiter(limit), createLimiter(limit)];
  const charges: Charges = {
    chargeClient: createCharge(clients, clock),
    refundClient: (key) => clients.refund(key),
    lookPrincipal: createLook(principals, clock),
    chargePrincipal: createCharge(principals, clock),
  };
  const claims: PromiseWithResolvers<ClaimOutcome>[] = [];
  const claim = (): Promise<ClaimOutcome> => {
    const decision = Promise.withResolvers<ClaimOutcome>();
    claims.push(decision);
    return decision.promise;
  };
  const proofKeys = new ProofKeys(new Set(['ES256']));
  const authenticate = createDpopAuthentication({
    ...charges,
    tokens: createTokenCheck({
      clock,
      verifiedTokens: new VerifiedTokens({ maxEntries: 100, maxBytes: 1_000_000 }),
      verifyAccessToken: () => ({
        key: KEY,
        issuer: 'https://a.example',
        claims: {},
        accessToken: {
          issuer: 'https://a.example',
          subject: 'alice',
          client: undefined,
          scopes: new Set<string>(),
          scopeClaim: undefined,
          expiresAtMs: clock.nowMs() + 60_000,
          jkt: prover.jkt,
          x5tS256: undefined,
        },
      }),
      identify: () => ({ fields: [], assertion: undefined }),
      renew: undefined,
      onCacheLookup: () => undefined,
    }),
    verifyDpopProof: createVerifyDpopProof({
      proofLifetimeMs: 60_000,
      clockSkewMs: 10_000,
      clock,
      importKey: (part, jkt) => proofKeys.import(part, jkt),
      nonces: undefined,
      replayCache: { claim },
    }),
    createTargetUri: () => PROVEN_REQUEST.targetUri,
    isRequired: true,
    acceptsBearerScheme: false,
  });
  const send = async (clientKey: string): Promise<Outcome> =>
    authenticate({
      method: PROVEN_REQUEST.method,
      target: '/mcp',
      authorization: [`DPoP ${ACCESS_TOKEN}`],
      dpop: [prover.prove({ claims: { iat: clock.nowSeconds } })],
      clientKey,
      sender: SENDER,
    });
  /** Requests that wait for the cache, or are refused without it. */
  const sendAll = async (count: number, clientKey: string): Promise<readonly Promise<Outcome>[]> => {
    const sent = Array.from({ length: count }, () => send(clientKey));
    // Each waits for its turn to be over.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    return sent;
  };
  /** The oldest of those that wait. */
  const decide = (outcome: ClaimOutcome, count: number): void => {
    for (const decision of claims.splice(0, count)) decision.resolve(outcome);
  };
  const isAddressFull = (clientKey: string): boolean =>
    Array.from({ length: BURST }, () => clients.charge(clientKey, clock.monotonicMs())).every((waitMs) => waitMs === 0);
  return { sendAll, decide, waiting: () => claims.length, isAddressFull };
}

function times(count: number, reason: string): readonly string[] {
  return Array.from({ length: count }, () => reason);
}

async function reasons(outcomes: readonly Promise<Outcome>[]): Promise<readonly string[]> {
  return (await Promise.all(outcomes)).map((outcome) => (isDenied(outcome) ? outcome.reason : 'admitted'));
}

const LIMITERS: Readonly<Record<string, (limit: Limit) => RateLimiter>> = {
  'one thread': (limit) => new MemoryRateLimiter(limit),
  'several threads': (limit) => new SharedRateLimiter(createRateLimitMemory(limit)),
};

for (const [threads, createLimiter] of Object.entries(LIMITERS)) {
  describe(`a replay cache that takes its time, rate limits of ${threads}`, () => {
    it('whoever repeats a used proof meanwhile does not use up the allowance of its owner', async () => {
      const gate = createGate(createLimiter);
      const stolen = await gate.sendAll(BURST, THIEF);
      const owned = await gate.sendAll(BURST, OWNER);
      assert.equal(gate.waiting(), 2 * BURST);
      gate.decide('replayed', BURST);
      gate.decide('claimed', BURST);
      assert.deepEqual(await reasons(stolen), times(BURST, 'dpop_replayed'));
      assert.deepEqual(await reasons(owned), times(BURST, 'admitted'));
    });

    it('but an allowance of its own, from the first moment', async () => {
      const gate = createGate(createLimiter);
      const stolen = await gate.sendAll(BURST + 2, THIEF);
      assert.equal(gate.waiting(), BURST);
      gate.decide('replayed', BURST);
      assert.deepEqual(await reasons(stolen), [...times(BURST, 'dpop_replayed'), ...times(2, 'rate_limited')]);
      assert.deepEqual(await reasons(await gate.sendAll(1, THIEF)), ['rate_limited']);
    });

    it('requests that all found room are let in as far as there is room, and no further', async () => {
      const gate = createGate(createLimiter);
      const flood = [...(await gate.sendAll(BURST, OWNER)), ...(await gate.sendAll(BURST, ELSEWHERE))];
      assert.equal(gate.waiting(), 2 * BURST, 'none was charged, so each found room');
      gate.decide('claimed', 2 * BURST);
      assert.deepEqual(await reasons(flood), [...times(BURST, 'admitted'), ...times(BURST, 'rate_limited')]);
    });

    it('an owner without allowance is refused before the claim, and at no expense of the address', async () => {
      const gate = createGate(createLimiter);
      const owned = await gate.sendAll(BURST, OWNER);
      gate.decide('claimed', BURST);
      assert.deepEqual(await reasons(owned), times(BURST, 'admitted'));
      const beyond = await gate.sendAll(5 * BURST, OWNER);
      assert.equal(gate.waiting(), 0);
      assert.deepEqual(await reasons(beyond), times(5 * BURST, 'rate_limited'));
      assert.equal(gate.isAddressFull(OWNER), true);
    });

    it('a cache that is full or away costs the owner nothing', async () => {
      const gate = createGate(createLimiter);
      const refused = await gate.sendAll(BURST, ELSEWHERE);
      gate.decide('full', BURST);
      assert.deepEqual(await reasons(refused), times(BURST, 'replay_cache_full'));
      const owned = await gate.sendAll(BURST, OWNER);
      gate.decide('claimed', BURST);
      assert.deepEqual(await reasons(owned), times(BURST, 'admitted'));
    });
  });
}
