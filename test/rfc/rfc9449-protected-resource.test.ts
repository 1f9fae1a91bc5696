/** RFC 9449 §7, §9, §11: what a protected resource does with the proof of a request, replay and nonce included. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVerifyDpopProof, type PresentedProof } from '../../src/gate/verify-dpop-proof.ts';
import { createNonces } from '../../src/oauth/dpop-nonce.ts';
import { hashAccessToken } from '../../src/oauth/dpop-proof.ts';
import { createLog } from '../../src/observe/log.ts';
import { ProofKeys } from '../../src/state/proof-keys.ts';
import { type ReplayCache, ReplayCacheUnavailable } from '../../src/state/replay-cache.ts';
import { createReplayMemory, MemoryReplayCache } from '../../src/state/replay-cache-memory.ts';
import { ACCESS_TOKEN, createProver, PROVEN_REQUEST, type ProofChange } from '../support/dpop.ts';
import { FakeClock } from '../support/fake-clock.ts';

const TIMES = { proofLifetimeMs: 60_000, clockSkewMs: 10_000 };
const NONCE_LIFETIME_MS = 300_000;
const prover = createProver();
const nonceOptions = { secret: 'a secret of at least thirty-two characters', lifetimeMs: NONCE_LIFETIME_MS };

interface GateOptions {
  readonly nonce?: boolean;
  readonly replayCache?: ReplayCache;
}

/** The gate with a memory of its own, and a client that makes proofs by the same clock. */
function createGate({ nonce = false, replayCache }: GateOptions = {}) {
  const clock = new FakeClock();
  const memory = new MemoryReplayCache(createReplayMemory(3), {
    ...TIMES,
    clock,
    log: createLog('warn', process.stderr),
  });
  const proofKeys = new ProofKeys(new Set(['ES256']));
  const verify = createVerifyDpopProof({
    ...TIMES,
    clock,
    importKey: (part, jkt) => proofKeys.import(part, jkt),
    nonces: nonce ? createNonces(nonceOptions) : undefined,
    replayCache: replayCache ?? memory,
  });
  return {
    clock,
    entries: () => memory.countEntries(),
    prove: (claims: ProofChange['claims'] = {}) => prover.prove({ claims: { iat: clock.nowSeconds, ...claims } }),
    verify: (proof: string | undefined, change: Partial<PresentedProof> = {}) => {
      const dpop = proof === undefined ? [] : [proof];
      return verify({ ...PROVEN_REQUEST, dpop, ath: hashAccessToken(ACCESS_TOKEN), jkt: prover.jkt, ...change });
    },
  };
}

const PASSED = { nextNonce: undefined };

describe('RFC 9449 §7.1: "MUST NOT grant access to the resource unless all checks are successful"', () => {
  it('passes a request with a good proof', () => {
    const gate = createGate();
    assert.deepEqual(gate.verify(gate.prove()), PASSED);
  });

  it('"MUST check that a DPoP proof was also received": refuses a bound token without one', () => {
    assert.deepEqual(createGate().verify(undefined), {
      denied: true,
      reason: 'missing_dpop',
      evidence: {},
      fields: [],
    });
  });

  it('refuses a bound token with the proof of another key', () => {
    const gate = createGate();
    const thief = createProver();
    assert.deepEqual(gate.verify(thief.prove({ claims: { iat: gate.clock.nowSeconds } })), {
      denied: true,
      reason: 'invalid_dpop',
      evidence: { detail: '§4.3 step 12 cnf.jkt', expected: prover.jkt, actual: thief.jkt },
      fields: [],
    });
  });
});

describe('RFC 9449 §11.1: "requests [...] for which the jti value has been seen before would be declined"', () => {
  const replayed = (jti: string) => ({ denied: true, reason: 'dpop_replayed', evidence: { actual: jti }, fields: [] });

  it('refuses a proof that was used, for as long as its iat would let it pass', () => {
    const gate = createGate();
    const proof = gate.prove({ jti: 'one' });
    assert.deepEqual(gate.verify(proof), PASSED);
    assert.deepEqual(gate.verify(proof), replayed('one'));
    gate.clock.advance(70_000);
    assert.deepEqual(gate.verify(proof), replayed('one'));
    gate.clock.advance(1);
    assert.equal(Reflect.get(gate.verify(proof), 'reason'), 'invalid_dpop');
  });

  it('refuses the proof of a client whose clock is ahead for as long', () => {
    const gate = createGate();
    const proof = gate.prove({ jti: 'ahead', iat: gate.clock.nowSeconds + 10 });
    assert.deepEqual(gate.verify(proof), PASSED);
    gate.clock.advance(80_000);
    assert.deepEqual(gate.verify(proof), replayed('ahead'));
  });

  it('refuses a jti that the same key used in another proof, and takes it from another key', () => {
    const gate = createGate();
    assert.deepEqual(gate.verify(gate.prove({ jti: 'one' })), PASSED);
    gate.clock.advance(5_000);
    assert.deepEqual(gate.verify(gate.prove({ jti: 'one' })), replayed('one'));
    const other = createProver();
    const proof = other.prove({ claims: { jti: 'one', iat: gate.clock.nowSeconds } });
    assert.deepEqual(gate.verify(proof, { jkt: other.jkt }), PASSED);
  });

  it('records nothing of a proof that fails, so that nobody can use up the jti of others or fill the cache', () => {
    const gate = createGate({ nonce: true });
    const thief = createProver();
    const proofs = [
      gate.prove({ htm: 'GET' }),
      gate.prove({ iat: gate.clock.nowSeconds - 71 }),
      gate.prove(),
      gate.prove({ nonce: 'unknown' }),
      thief.prove({ claims: { iat: gate.clock.nowSeconds } }),
    ];
    for (const proof of proofs) assert.equal(Reflect.get(gate.verify(proof), 'denied'), true);
    assert.equal(gate.entries(), 0);
  });

  it('fails closed when there is no room to record a proof, until older ones have gone', () => {
    const gate = createGate();
    for (let n = 0; n < 3; n += 1) assert.deepEqual(gate.verify(gate.prove()), PASSED);
    const full = { denied: true, reason: 'replay_cache_full', evidence: {}, fields: [] };
    assert.deepEqual(gate.verify(gate.prove()), full);
    gate.clock.advance(76_000);
    assert.deepEqual(gate.verify(gate.prove()), PASSED);
  });

  it('fails closed when nobody can tell whether a proof was used, and passes on what is a bug', async () => {
    const outage = new ReplayCacheUnavailable('no decision from Redis', { cause: new Error('no answer in 250 ms') });
    const evidence = { detail: 'no decision from Redis: no answer in 250 ms' };
    const unavailable = { denied: true, reason: 'replay_cache_unavailable', evidence, fields: [] };
    const rejecting = createGate({ replayCache: { claim: () => Promise.reject(outage) } });
    assert.deepEqual(await rejecting.verify(rejecting.prove()), unavailable);
    const throwing = createGate({
      replayCache: {
        claim: () => {
          throw outage;
        },
      },
    });
    assert.deepEqual(throwing.verify(throwing.prove()), unavailable);
    const broken = createGate({ replayCache: { claim: () => Promise.reject(new TypeError('a bug')) } });
    await assert.rejects(async () => broken.verify(broken.prove()), TypeError);
  });

  it('waits for a replay cache that is elsewhere', async () => {
    const outcomes = ['claimed', 'replayed', 'full'] as const;
    const gates = outcomes.map((outcome) => createGate({ replayCache: { claim: () => Promise.resolve(outcome) } }));
    const answers = await Promise.all(gates.map(async (gate) => gate.verify(gate.prove())));
    assert.deepEqual(
      answers.map((answer) => Reflect.get(answer, 'reason')),
      [undefined, 'dpop_replayed', 'replay_cache_full'],
    );
  });
});

describe('RFC 9449 §9: "Resource Server-Provided Nonce"', () => {
  /** Asserts a demand for a nonce and returns the one given. */
  function assertDemand(answer: object, actual: string): string {
    const [name, nonce] = Reflect.get(answer, 'fields');
    assert.deepEqual(answer, {
      denied: true,
      reason: 'use_dpop_nonce',
      evidence: { expected: 'fresh', actual },
      fields: [name, nonce],
    });
    assert.equal(name, 'DPoP-Nonce');
    return nonce;
  }

  it('§8, §9: answers a proof without a nonce with a nonce, and takes the proof that carries it', () => {
    const gate = createGate({ nonce: true });
    const nonce = assertDemand(gate.verify(gate.prove()), 'none');
    assert.deepEqual(gate.verify(gate.prove({ nonce })), PASSED);
    assert.deepEqual(gate.verify(gate.prove({ nonce })), PASSED);
  });

  it('§11.3: "MUST NOT accept any DPoP proofs without the nonce claim when a DPoP nonce has been provided"', () => {
    const gate = createGate({ nonce: true });
    const nonce = assertDemand(gate.verify(gate.prove()), 'none');
    assert.deepEqual(gate.verify(gate.prove({ nonce })), PASSED);
    assertDemand(gate.verify(gate.prove()), 'none');
  });

  it('§4.3 step 10, §8: refuses a nonce that is not ours or too old, and gives one that is good', () => {
    const gate = createGate({ nonce: true });
    const nonce = assertDemand(gate.verify(gate.prove({ nonce: 'made-up' })), 'unknown');
    gate.clock.advance(NONCE_LIFETIME_MS + 1);
    const next = assertDemand(gate.verify(gate.prove({ nonce })), 'stale');
    assert.deepEqual(gate.verify(gate.prove({ nonce: next })), PASSED);
  });

  it('§8.2: gives the next nonce with a good answer, before the present one is too old', () => {
    const gate = createGate({ nonce: true });
    const nonce = assertDemand(gate.verify(gate.prove()), 'none');
    gate.clock.advance(NONCE_LIFETIME_MS / 3);
    const nextNonce = Reflect.get(gate.verify(gate.prove({ nonce })), 'nextNonce');
    assert.match(nextNonce, /^[A-Za-z0-9_-]{48}$/);
    assert.notEqual(nextNonce, nonce);
    assert.deepEqual(gate.verify(gate.prove({ nonce: nextNonce })), PASSED);
  });

  it('a proof refused for its nonce is not used up', () => {
    const gate = createGate({ nonce: true });
    const proof = gate.prove({ nonce: 'made-up' });
    assertDemand(gate.verify(proof), 'unknown');
    assertDemand(gate.verify(proof), 'unknown');
    assert.equal(gate.entries(), 0);
  });

  it('§11.2: a proof made long ago for now, with the nonce of then, is refused', () => {
    const gate = createGate({ nonce: true });
    const nonce = assertDemand(gate.verify(gate.prove()), 'none');
    const madeAhead = gate.prove({ nonce, iat: gate.clock.nowSeconds + 3600 });
    assert.equal(Reflect.get(gate.verify(madeAhead), 'reason'), 'invalid_dpop');
    gate.clock.advance(3_600_000);
    assertDemand(gate.verify(madeAhead), 'stale');
  });

  it('where none is asked for, one that comes along means nothing', () => {
    const gate = createGate();
    assert.deepEqual(gate.verify(gate.prove({ nonce: 'of the IdP' })), PASSED);
  });
});
